"""Dead letters: messages put aside with the reason, to be listed, shown and replayed by a person.

The payload stays as it came, even when it could not be read; what became of it is in the headers.
A replay goes to the one consumer that gave up, under the old message id, attempts counted afresh.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from nats.aio.msg import Msg
from nats.js import errors as js_errors
from nats.js.api import RawStreamMsg

from shared.bus.bus import Bus
from shared.bus.outcome import Bury
from shared.contracts import registry
from shared.contracts.registry import Consumer
from shared.errors import ConflictError, MissingError

REPLAYED: Final = "Tidings-Replayed"
_PREFIX: Final = "Tidings-Dead-"
_DETAIL_LENGTH: Final = 300


class NoSuchDeadLetterError(MissingError):
    """There is no dead letter with this number."""

    code = "dead-letter-not-found"


class ConsumerGoneError(ConflictError):
    """The consumer that gave up on this message no longer exists."""

    code = "consumer-gone"


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """One message put aside."""

    seq: int
    """Names it for show and replay."""
    consumer: str
    code: str
    detail: str
    attempts: int
    subject: str
    message_id: UUID | None
    """None when the message was too broken to have one."""
    died_at: datetime
    traceparent: str | None
    size_bytes: int


async def bury(
    bus: Bus,
    message: Msg,
    *,
    consumer: Consumer,
    verdict: Bury,
    attempts: int,
    message_id: UUID | None,
    now: datetime,
) -> None:
    """Store the dead letter and wait for the acknowledgement; UnavailableError if there is none."""
    headers = {
        f"{_PREFIX}Consumer": consumer.durable,
        f"{_PREFIX}Code": verdict.code,
        f"{_PREFIX}Detail": _one_line(verdict.detail),
        f"{_PREFIX}Attempts": str(attempts),
        f"{_PREFIX}Subject": message.subject,
        f"{_PREFIX}Time": now.isoformat(),
    }
    if message_id is not None:
        headers[f"{_PREFIX}Message"] = str(message_id)
    if traceparent := (message.headers or {}).get("traceparent"):
        headers["traceparent"] = traceparent
    # The place in the stream names this death: burying it twice after a crash leaves one letter.
    place = f"{consumer.durable}:{message.metadata.stream}:{message.metadata.sequence.stream}"
    await bus.publish(consumer.dead_subject, message.data, message_id=place, headers=headers)


async def list_dead(bus: Bus, *, after: int = 0, limit: int = 100) -> list[DeadLetter]:
    """Return up to ``limit`` letters younger than number ``after``, oldest first."""
    letters: list[DeadLetter] = []
    while len(letters) < limit:
        found = await _find(bus, after + 1)
        if found is None:
            break
        letter = _letter(found)
        letters.append(letter)
        after = letter.seq
    return letters


async def show_dead(bus: Bus, seq: int) -> tuple[DeadLetter, bytes]:
    """Return a letter and its payload as it came, or raise NoSuchDeadLetterError."""
    found = await _find(bus, seq)
    if found is None or found.seq != seq:
        raise NoSuchDeadLetterError(seq=seq)
    return _letter(found), found.data or b""


async def replay_dead(bus: Bus, seq: int) -> DeadLetter:
    """Give the message to its consumer once more and remove the letter.

    A new letter comes if it fails again.

    Raises NoSuchDeadLetterError, or ConsumerGoneError when nobody would take it.
    """
    letter, payload = await show_dead(bus, seq)
    consumer = registry.CONSUMER_BY_DURABLE.get(letter.consumer)
    if consumer is None:
        raise ConsumerGoneError(consumer=letter.consumer)
    headers = {REPLAYED: str(seq)}
    if letter.traceparent:
        headers["traceparent"] = letter.traceparent
    await bus.publish(consumer.replay_subject, payload, message_id=f"replay:{seq}", headers=headers)
    # Someone else may have replayed it at the same time; the stream kept one of the two.
    with suppress(js_errors.NotFoundError):
        await bus.call(lambda: bus.jetstream.delete_msg(registry.DEAD_STREAM, seq))
    return letter


async def _find(bus: Bus, seq: int) -> RawStreamMsg | None:
    """Return the first letter numbered ``seq`` or later."""
    try:
        return await bus.call(
            lambda: bus.jetstream.get_msg(
                registry.DEAD_STREAM, seq, subject="tidings.dead.>", next=True
            )
        )
    except js_errors.NotFoundError:
        return None


def _letter(found: RawStreamMsg) -> DeadLetter:
    headers: Mapping[str, str] = found.headers or {}
    message_id = headers.get(f"{_PREFIX}Message")
    return DeadLetter(
        seq=int(found.seq or 0),
        consumer=headers[f"{_PREFIX}Consumer"],
        code=headers[f"{_PREFIX}Code"],
        detail=headers[f"{_PREFIX}Detail"],
        attempts=int(headers[f"{_PREFIX}Attempts"]),
        subject=headers[f"{_PREFIX}Subject"],
        message_id=UUID(message_id) if message_id else None,
        died_at=datetime.fromisoformat(headers[f"{_PREFIX}Time"]),
        traceparent=headers.get("traceparent"),
        size_bytes=len(found.data or b""),
    )


def _one_line(detail: str) -> str:
    """Fit a sentence into a header."""
    return " ".join(detail.split()).encode("ascii", "replace").decode()[:_DETAIL_LENGTH]
