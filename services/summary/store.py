"""Rows of updates as the summary service remembers them."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from shared.db import Connection, Database, load_queries

_QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """What is known of an update beside its words."""

    posted_at: datetime | None = None
    is_removed: bool = False
    revision: int | None = None
    """Of the transcript that was summarised last."""


async def note_posted(tx: Connection, update_id: UUID, posted_at: datetime) -> None:
    """Remember when an update was posted."""
    await tx.execute(_QUERIES["note_posted"], update_id, posted_at)


async def note_revision(tx: Connection, update_id: UUID, revision: int) -> bool:
    """Remember which transcript was summarised; False for a removed update or an older one."""
    return bool(await tx.fetchval(_QUERIES["note_revision"], update_id, revision))


async def note_removed(tx: Connection, update_id: UUID, removed_at: datetime) -> None:
    """Remember that an update is gone, and nothing else of it."""
    await tx.execute(_QUERIES["note_removed"], update_id, removed_at)


async def recall(database: Database, update_id: UUID) -> Remembered:
    """Return what is remembered; nothing for an update never heard of."""
    row = await database.fetchrow(_QUERIES["recall"], update_id)
    return Remembered(**row) if row else Remembered()


async def recall_locked(tx: Connection, update_id: UUID) -> Remembered:
    """Return the same and keep it so until the transaction ends."""
    row = await tx.fetchrow(_QUERIES["recall_locked"], update_id)
    return Remembered(**row) if row else Remembered()
