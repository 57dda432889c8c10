"""Saying something as part of a change: the message is a row of the same transaction."""

from uuid import UUID

from shared import telemetry
from shared.bus.sql import QUERIES
from shared.clock import Clock
from shared.contracts import envelope, registry
from shared.contracts.messages import Message
from shared.db import Connection
from shared.errors import DeniedError
from shared.ids import new_id


class NotTheProducerError(DeniedError):
    """Another service alone may send this message."""

    code = "not-the-producer"


async def enqueue(
    tx: Connection, message: Message, *, message_id: UUID | None = None, clock: Clock
) -> UUID:
    """Keep the message for the relay, which is woken when the transaction commits; return its id.

    Give a derived ``message_id`` to say the same thing once, however often the caller repeats it.
    Raises NotTheProducerError where another service's schema would say it, and UnfitMessageError
    for what breaks its contract; nothing is written then.
    """
    now = clock.now()
    message_id = message_id or new_id(clock)
    payload = envelope.pack(message, message_id=message_id, time=now)
    contract = registry.BY_MESSAGE[type(message)]
    headers = {"Content-Type": envelope.CONTENT_TYPE}
    if traceparent := telemetry.traceparent():
        headers["traceparent"] = traceparent
    row = await tx.fetchrow(
        QUERIES["enqueue"],
        message_id,
        contract.subject(message.team_id),
        headers,
        payload,
        now,
        contract.producer,
    )
    if row is None or row["service"] != contract.producer:
        raise NotTheProducerError(type=contract.type)
    return message_id
