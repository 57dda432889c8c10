"""Saying something whose worth passes within a minute: no outbox, and the stream forgets it soon.

Nothing may depend on such a fact: it is lost while the bus is away, and missing from the log later.
"""

from shared.bus.bus import Bus
from shared.clock import Clock
from shared.contracts import envelope, registry
from shared.contracts.messages import Fact
from shared.ids import new_id


async def mention(bus: Bus, fact: Fact, *, clock: Clock) -> None:
    """Publish a fact that the registry calls passing. Raises UnavailableError without a bus.

    Raises ValueError for a fact that is to last: that belongs into the outbox of its change.
    """
    contract = registry.BY_MESSAGE[type(fact)]
    if contract.kept_s is None:
        message = f"{contract.type} is to last: enqueue it"
        raise ValueError(message)
    message_id = new_id(clock)
    await bus.publish(
        contract.subject(fact.team_id),
        envelope.pack(fact, message_id=message_id, time=clock.now()),
        message_id=str(message_id),
        headers={"Content-Type": envelope.CONTENT_TYPE, "Nats-TTL": f"{contract.kept_s}s"},
    )
