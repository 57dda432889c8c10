"""All SQL of second looks at doubtful chunks. What each promises stands in looks.sql."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from pydantic import TypeAdapter

from shared.contracts.transcript import Segment
from shared.db import Connection, Database, load_queries

QUERIES = load_queries(Path(__file__).with_name("looks.sql"))

_SEGMENTS = TypeAdapter(tuple[Segment, ...])


@dataclass(frozen=True, kw_only=True)
class Look:
    """A doubtful chunk that is being looked at."""

    team_id: UUID
    recording_id: UUID
    index: int
    key: str
    start_ms: int
    end_ms: int
    segments: tuple[Segment, ...]
    """What was heard at first."""
    looks: int
    """How often a look was begun, this one included."""


async def ask_for_looks(tx: Connection, recording_id: UUID, indices: Sequence[int]) -> None:
    """Let another model hear these chunks, unless that was asked for before."""
    await tx.execute(QUERIES["ask_for_looks"], recording_id, list(indices))


async def is_idle(database: Database) -> bool:
    """Return whether nobody waits for anything, nor will in a moment."""
    return bool(await database.fetchval(QUERIES["is_idle"]))


async def take_look(database: Database, length: timedelta) -> Look | None:
    """Take a doubtful chunk for so long; None where there is none, or one is being looked at."""
    row = await database.fetchrow(QUERIES["take_look"], length)
    if row is None:
        return None
    fields = {**row, "segments": _SEGMENTS.validate_python(row["segments"])}
    return Look(index=fields.pop("chunk_index"), **fields)


async def give_back_look(database: Database, look: Look) -> None:
    """Leave a chunk to a later look; this one does not count."""
    await database.execute(QUERIES["give_back_look"], look.recording_id, look.index, look.key)


async def keep_look(
    tx: Connection, look: Look, *, better: Sequence[Segment] | None, model: str | None
) -> bool:
    """Keep that a chunk was looked at, and better words; False when nobody waits for it."""
    segments = None if better is None else [each.model_dump(mode="json") for each in better]
    kept = await tx.fetchval(
        QUERIES["keep_look"], look.recording_id, look.index, look.key, segments, model
    )
    return bool(kept)


async def overdue_looks(database: Database, since_before: datetime) -> list[UUID]:
    """Return recordings whose doubtful chunks have waited for too long."""
    rows = await database.fetch(QUERIES["overdue_looks"], since_before)
    return [row["recording_id"] for row in rows]


async def give_up_looks(tx: Connection, recording_id: UUID) -> None:
    """Leave the doubtful chunks of a recording as they are."""
    await tx.execute(QUERIES["give_up_looks"], recording_id)


async def end_looks(tx: Connection, recording_id: UUID) -> bool:
    """Return, once, whether the looks at a recording are over and some words got better."""
    return bool(await tx.fetchval(QUERIES["end_looks"], recording_id))
