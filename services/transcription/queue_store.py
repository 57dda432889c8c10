"""All SQL of the queue of chunks. What each promises stands in queue.sql."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from pathlib import Path
from uuid import UUID

import asyncpg

from shared.db import Connection, Database, load_queries

QUERIES = load_queries(Path(__file__).with_name("queue.sql"))
ASKED_CHANNEL = "transcription_asked"


class Rank(IntEnum):
    """What goes before what."""

    LIVE = 0
    SHORT = 1
    LONG = 2
    ANEW = 3


@dataclass(frozen=True, kw_only=True)
class AskedChunk:
    """A chunk whose recognition is asked for."""

    team_id: UUID
    recording_id: UUID
    index: int
    key: str
    start_ms: int
    end_ms: int
    language: str | None
    message_id: UUID


async def mark_sent(
    tx: Connection, recording_id: UUID, index: int, *, message_id: UUID, language: str | None
) -> None:
    """Ask for recognition of a chunk; an earlier answer is forgotten."""
    await tx.execute(QUERIES["mark_sent"], recording_id, index, message_id, language)


async def waiting(database: Database, most: int) -> int:
    """Return how many chunks no recogniser was asked for yet; ``most`` if there are more."""
    return int(await database.fetchval(QUERIES["waiting"], most))


async def lock_queue(tx: Connection) -> None:
    """Keep others from filling the queue until the transaction ends."""
    await tx.execute(QUERIES["lock_queue"])


async def untaken(tx: Connection) -> int:
    """Return how many chunks lie on the queue without a recogniser."""
    return int(await tx.fetchval(QUERIES["untaken"]))


async def next_chunks(
    tx: Connection,
    limit: int,
    *,
    short: int,
    shares: Mapping[UUID, float],
    most_of_a_team: int | None,
) -> tuple[Rank, list[AskedChunk]]:
    """Return the chunks that are to be recognised next, in order, and their rank.

    A recording of more than ``short`` chunks is a long one.
    """
    rows = await tx.fetch(
        QUERIES["next_chunks"], limit, list(shares), list(shares.values()), most_of_a_team, short
    )
    rank = Rank(rows[0]["rank"]) if rows else Rank.ANEW
    return rank, [_asked(row) for row in rows]


async def is_someone_speaking(tx: Connection) -> bool:
    """Return whether words of a live recording may come at any moment."""
    return bool(await tx.fetchval(QUERIES["is_someone_speaking"]))


async def take_overdue(database: Database, after: timedelta) -> AskedChunk | None:
    """Take over a chunk that another recogniser has had for longer than this, or None."""
    row = await database.fetchrow(QUERIES["take_overdue"], after)
    return _asked(row) if row else None


async def mark_queued(tx: Connection, recording_id: UUID, index: int) -> None:
    """Keep that the request for a chunk is on its way to the queue."""
    await tx.execute(QUERIES["mark_queued"], recording_id, index)


async def mark_taken(database: Database, recording_id: UUID, index: int, message_id: UUID) -> None:
    """Keep that a recogniser has the chunk."""
    await database.execute(QUERIES["mark_taken"], recording_id, index, message_id)


async def is_awaited(
    database: Database, recording_id: UUID, index: int, message_id: UUID
) -> bool | None:
    """Return whether somebody waits for this very answer; None for an unknown recording."""
    row = await database.fetchrow(QUERIES["chunk_state"], recording_id, index)
    if row is None:
        return None
    return (
        row["state"] == "sent"
        and row["message_id"] == message_id
        and row["recording_state"] not in {"complete", "removed"}
    )


def _asked(row: asyncpg.Record) -> AskedChunk:
    return AskedChunk(
        team_id=row["team_id"],
        recording_id=row["recording_id"],
        index=row["chunk_index"],
        key=row["key"],
        start_ms=row["start_ms"],
        end_ms=row["end_ms"],
        language=row["asked_language"],
        message_id=row["message_id"],
    )
