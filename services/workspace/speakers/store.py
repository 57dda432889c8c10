"""Rows of speakers' names. Each belongs to one update and means nothing in another."""

from datetime import datetime
from pathlib import Path
from uuid import UUID

from shared.db import Connection, load_queries

_QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


async def is_speaker(tx: Connection, update_id: UUID, label: str) -> bool:
    """Return whether somebody is heard under this label."""
    return bool(await tx.fetchval(_QUERIES["is_speaker"], update_id, label))


async def name_speaker(
    tx: Connection, update_id: UUID, label: str, name: str | None, *, by: UUID, now: datetime
) -> None:
    """Keep a speaker's name in this update; None forgets it."""
    if name is None:
        await tx.execute(_QUERIES["forget_name"], update_id, label)
    else:
        await tx.execute(_QUERIES["name_speaker"], update_id, label, name, by, now)


async def names_of(tx: Connection, update_id: UUID) -> dict[str, str]:
    """Return the names by label, of those speakers who have one."""
    rows = await tx.fetch(_QUERIES["names_of"], update_id)
    return {row["label"]: row["name"] for row in rows}
