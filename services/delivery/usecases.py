"""The verbs of delivery: read events, follow them, let an integrator in and out."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.delivery.domain import Reader
from shared.bus import Bus
from shared.bus.credentials import team_credentials
from shared.bus.events import (
    Event,
    check_position,
    delete_team_reader,
    make_team_reader,
    newest_position,
    read_events,
    team_subject,
)
from shared.bus.keys import TeamSigner
from shared.clock import Clock
from shared.contracts.registry import FACTS_STREAM
from shared.ids import new_id

PAGE_BYTES: Final = 4 << 20
"""A page that holds so much is full, however few its events: it is all in memory at once."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What the use cases need."""

    bus: Bus
    signer: TeamSigner
    clock: Clock
    nats_public_url: str
    credential_s: float
    stream_s: float
    keepalive_s: float


@dataclass(frozen=True, kw_only=True)
class EventPage:
    """Some events, and where the next page begins."""

    events: tuple[Event, ...]
    next_after: int


@dataclass(frozen=True, kw_only=True)
class Integrator:
    """Everything a program needs to read a team's events from NATS."""

    credential_id: UUID
    credentials: str
    expires_at: datetime
    consumer: str
    subject: str
    stream: str
    nats_url: str


async def read_page(delivery: Delivery, reader: Reader, *, after: int, limit: int) -> EventPage:
    """Return up to ``limit`` events the reader may see, fewer when they are large.

    Raises GoneError if some are no longer kept.
    """
    found: list[Event] = []
    seen, size_bytes = after, 0
    events = read_events(delivery.bus, team_id=reader.team_id, after=after)
    async with aclosing(events):
        async for event in events:
            if event is None:
                continue
            # What is hidden moves the position too, or a guest would read over it again each time.
            seen = event.seq
            if reader.may_see(event.envelope):
                found.append(event)
                size_bytes += event.size_bytes
            if len(found) == limit or size_bytes >= PAGE_BYTES:
                break
    return EventPage(events=tuple(found), next_after=seen)


async def follow(
    delivery: Delivery, reader: Reader, *, after: int
) -> AsyncGenerator[Event | None, None]:
    """Give events as they happen; None is a sign of life. GoneError if some are no longer kept."""
    events = read_events(
        delivery.bus,
        team_id=reader.team_id,
        after=after,
        follow=True,
        idle_s=delivery.keepalive_s,
    )
    async with aclosing(events):
        async for event in events:
            if event is None or reader.may_see(event.envelope):
                yield event


async def newest(delivery: Delivery) -> int:
    """Return the position behind all that has happened so far."""
    return await newest_position(delivery.bus)


async def require_position(delivery: Delivery, after: int) -> None:
    """Raise GoneError before a stream has begun, while there is still a status to send."""
    await check_position(delivery.bus, after)


async def let_in(delivery: Delivery, team_id: UUID) -> Integrator:
    """Make a credential that reads this team's events, and the consumer it reads."""
    credential_id = new_id(delivery.clock)
    consumer = await keep_in(delivery, team_id, credential_id)
    credentials = team_credentials(
        delivery.signer,
        team_id=team_id,
        credential_id=credential_id,
        ttl_s=delivery.credential_s,
        clock=delivery.clock,
    )
    return Integrator(
        credential_id=credential_id,
        credentials=credentials,
        expires_at=delivery.clock.now() + timedelta(seconds=delivery.credential_s),
        consumer=consumer,
        subject=team_subject(team_id),
        stream=FACTS_STREAM,
        nats_url=delivery.nats_public_url,
    )


async def keep_in(delivery: Delivery, team_id: UUID, credential_id: UUID) -> str:
    """Make the consumer a credential of this team reads, if the bus has none; return its name."""
    return await make_team_reader(
        delivery.bus,
        team_id=team_id,
        credential_id=credential_id,
        forgotten_s=delivery.credential_s,
    )


async def shut_out(delivery: Delivery, team_id: UUID, credential_id: UUID) -> None:
    """Make a credential of this team worthless at once; nothing happens if it is already."""
    await delete_team_reader(delivery.bus, team_id=team_id, credential_id=credential_id)
