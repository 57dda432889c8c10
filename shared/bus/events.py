"""Reading a team's facts for people outside: from any position, as far as the stream reaches back.

A position is the stream's sequence number. Readers get consumers of their own, in memory, which the
server forgets by itself; a durable one is made for each integrator's credential.
"""

import json
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from nats.aio.msg import Msg
from nats.js import errors as js_errors
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StreamState

from shared.bus.bus import Bus, BusUnavailableError
from shared.bus.credentials import team_durable
from shared.bus.pull import Pull
from shared.contracts.registry import FACTS_STREAM
from shared.errors import GoneError, MissingError

ROOM: Final = 100
TICK_S: Final = 1.0
READER_FORGOTTEN_S: Final = 60.0
MAX_UNACKNOWLEDGED: Final = 1000


class EventsExpiredError(GoneError):
    """Events after this position are no longer kept; start from 0 and fetch what you missed."""

    code = "events-expired"


class PositionUnknownError(GoneError):
    """No event has this number yet: the log was started anew. Start again from 0."""

    code = "events-position-unknown"


class ReaderElsewhereError(MissingError):
    """This team has no such credential."""

    code = "event-credential-not-found"


@dataclass(frozen=True)
class Event:
    """One fact and its place in the log."""

    seq: int
    envelope: dict[str, Any]
    size_bytes: int
    """How much the envelope takes as it was sent."""


def team_subject(team_id: UUID) -> str:
    """Return the subject of everything that happens in a team."""
    return f"tidings.fact.{team_id}.>"


async def check_position(bus: Bus, after: int) -> None:
    """Raise EventsExpiredError or PositionUnknownError if reading after ``after`` would leave gaps.

    0 always works: it means from the oldest event that is kept.
    """
    state = await _state(bus)
    if after > state.last_seq:
        raise PositionUnknownError(after=after, last=state.last_seq)
    if 0 < after < state.first_seq - 1:
        raise EventsExpiredError(after=after, oldest=state.first_seq)


async def newest_position(bus: Bus) -> int:
    """Return the number of the newest event of all teams; 0 before the first."""
    return int((await _state(bus)).last_seq)


async def _state(bus: Bus) -> StreamState:
    return (await bus.call(lambda: bus.jetstream.stream_info(FACTS_STREAM))).state


async def read_events(
    bus: Bus, *, team_id: UUID, after: int, follow: bool = False, idle_s: float = 15.0
) -> AsyncGenerator[Event | None, None]:
    """Give the team's events after a position, in order, without gaps or repeats.

    Ends with the newest event. With ``follow`` it goes on as events happen, through outages of the
    bus too, and gives None whenever nothing came for ``idle_s``.
    Raises what `check_position` raises, and UnavailableError where it does not follow.
    """
    await check_position(bus, after)
    while True:
        try:
            async with aclosing(_read(bus, team_id, after, idle_s, follow=follow)) as events:
                async for event in events:
                    if event is not None:
                        after = event.seq
                    yield event
        except BusUnavailableError:
            if not follow:
                raise
            yield None
            await bus.until_back()
        if not follow:
            return


async def make_team_reader(
    bus: Bus, *, team_id: UUID, credential_id: UUID, forgotten_s: float
) -> str:
    """Make the durable consumer of an integrator's credential; it begins with the oldest event.

    One that is there stays where it is. Unused for ``forgotten_s``, it is gone.
    """
    name = team_durable(credential_id)
    config = ConsumerConfig(
        # With both names nats-py uses the call whose subject holds the filter, which is all we may.
        name=name,
        durable_name=name,
        filter_subject=team_subject(team_id),
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        max_ack_pending=MAX_UNACKNOWLEDGED,
        inactive_threshold=forgotten_s,
    )
    await bus.call(lambda: bus.jetstream.add_consumer(FACTS_STREAM, config))
    return name


async def delete_team_reader(bus: Bus, *, team_id: UUID, credential_id: UUID) -> None:
    """Delete the durable consumer of a credential, which then reads nothing any more.

    Nothing happens if it is gone. Raises ReaderElsewhereError if it reads another team.
    """
    name = team_durable(credential_id)
    with suppress(js_errors.NotFoundError):
        info = await bus.call(lambda: bus.jetstream.consumer_info(FACTS_STREAM, name))
        if info.config.filter_subject != team_subject(team_id):
            raise ReaderElsewhereError
        await bus.call(lambda: bus.jetstream.delete_consumer(FACTS_STREAM, name))


async def _read(
    bus: Bus, team_id: UUID, after: int, idle_s: float, *, follow: bool
) -> AsyncGenerator[Event | None, None]:
    """Read through one consumer until it is drained, or while nothing suggests that it is gone."""
    name, waiting = await _make_reader(bus, team_id, after)
    pull = Pull(bus, stream=FACTS_STREAM, durable=name)
    outages: list[bool] = []
    forget = bus.when_back(lambda: outages.append(True))
    try:
        expected, idle = 1, 0.0
        while (waiting or follow) and not outages:
            message = await pull.next(ROOM, TICK_S)
            if message is None:
                idle += TICK_S
                if idle >= idle_s:
                    idle = 0.0
                    if await _is_forgotten(bus, name):
                        return
                    yield None
                continue
            if message.metadata.sequence.consumer != expected:
                return  # One got lost on the way; a new consumer starts where we really are.
            expected, idle = expected + 1, 0.0
            waiting = message.metadata.num_pending
            yield _event(message)
    finally:
        forget()
        await pull.close()
        with suppress(BusUnavailableError, js_errors.NotFoundError):
            await bus.call(lambda: bus.jetstream.delete_consumer(FACTS_STREAM, name))


async def _make_reader(bus: Bus, team_id: UUID, after: int) -> tuple[str, int]:
    """Return the name of a new consumer and how much waits for it."""
    config = ConsumerConfig(
        name=f"read-{secrets.token_hex(8)}",
        filter_subject=team_subject(team_id),
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=after + 1,
        ack_policy=AckPolicy.NONE,
        inactive_threshold=READER_FORGOTTEN_S,
        mem_storage=True,
        num_replicas=1,
    )
    info = await bus.call(lambda: bus.jetstream.add_consumer(FACTS_STREAM, config))
    return info.name, int(info.num_pending or 0)


async def _is_forgotten(bus: Bus, name: str) -> bool:
    """Return whether the server has dropped a reader, as it does when nobody asks for a minute."""
    try:
        await bus.call(lambda: bus.jetstream.consumer_info(FACTS_STREAM, name))
    except js_errors.NotFoundError:
        return True
    return False


def _event(message: Msg) -> Event:
    return Event(
        seq=message.metadata.sequence.stream,
        envelope=json.loads(message.data),
        size_bytes=len(message.data),
    )
