"""Rows of threads and their guests. Decides nothing; visibility comes from the guards."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from services.workspace.domain import Asker, Role
from services.workspace.visibility import ThreadMissingError
from shared.db import Connection, load_queries

_QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


@dataclass(frozen=True, kw_only=True)
class Thread:
    """A thread as the asker sees it. ``role`` is the asker's in its team."""

    id: UUID
    team_id: UUID
    title: str
    opened_by: UUID
    opened_at: datetime
    concluded_at: datetime | None
    conclusion: str | None
    version: int
    role: Role
    update_count: int
    last_update_at: datetime | None
    last_update_title: str | None
    last_update_by: str | None
    last_comment_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ThreadGuest:
    """A guest of one thread."""

    person_id: UUID
    name: str
    invited_at: datetime


async def insert_thread(
    tx: Connection,
    *,
    thread_id: UUID,
    team_id: UUID,
    title: str,
    opened_by: UUID,
    now: datetime,
    request_key: str | None,
) -> bool:
    """Open a thread; False if one was opened under this key before."""
    opened = await tx.fetchval(
        _QUERIES["insert_thread"], thread_id, team_id, title, opened_by, now, request_key
    )
    return opened is not None


async def thread_by_key(tx: Connection, person_id: UUID, request_key: str) -> UUID:
    """Return the thread somebody opened under this key."""
    thread_id: UUID | None = await tx.fetchval(_QUERIES["thread_by_key"], person_id, request_key)
    if thread_id is None:
        raise ThreadMissingError
    return thread_id


async def list_threads(
    tx: Connection, asker: Asker, team_id: UUID, *, before: UUID | None, limit: int
) -> list[Thread]:
    """Return threads of a team the asker may see, newest first, those older than ``before``."""
    rows = await tx.fetch(
        _QUERIES["list_threads"], asker.person_id, asker.only_team, team_id, before, limit
    )
    return [Thread(**{**row, "role": Role(row["role"])}) for row in rows]


async def fetch_thread(tx: Connection, asker: Asker, thread_id: UUID) -> Thread:
    """Return a thread the asker may see."""
    row = await tx.fetchrow(_QUERIES["fetch_thread"], asker.person_id, asker.only_team, thread_id)
    if row is None:
        raise ThreadMissingError
    return Thread(**{**row, "role": Role(row["role"])})


async def change_thread(
    tx: Connection,
    *,
    thread_id: UUID,
    title: str,
    concluded_at: datetime | None,
    conclusion: str | None,
    version: int,
) -> bool:
    """Write title and conclusion; False if someone changed the thread since ``version``."""
    changed = await tx.fetchval(
        _QUERIES["change_thread"], thread_id, title, concluded_at, conclusion, version
    )
    return changed is not None


async def list_guests(tx: Connection, thread_id: UUID) -> list[ThreadGuest]:
    """Return the guests of a thread, first invited first."""
    return [ThreadGuest(**row) for row in await tx.fetch(_QUERIES["list_guests"], thread_id)]


async def insert_guest(
    tx: Connection, thread_id: UUID, team_id: UUID, person_id: UUID, now: datetime
) -> bool:
    """Let a guest of the team into the thread; False if the person is no guest of it."""
    row = await tx.fetchval(_QUERIES["insert_guest"], thread_id, team_id, person_id, now)
    return row is not None


async def delete_guest(tx: Connection, thread_id: UUID, person_id: UUID) -> bool:
    """Take a guest out of a thread; False if they were not in it."""
    return await tx.fetchval(_QUERIES["delete_guest"], thread_id, person_id) is not None
