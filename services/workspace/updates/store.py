"""Rows of updates. Decides nothing; visibility comes from the guards.

The states of recording, transcript and summary are moved on by the consumers of their facts.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from services.workspace.domain import Asker
from services.workspace.visibility import UpdateMissingError
from shared.contracts.messages import Rendition, UpdateKind
from shared.db import Connection, load_queries

_QUERIES = load_queries(Path(__file__).with_name("queries.sql"))

RecordingState = Literal["none", "waiting", "arriving", "arrived", "ready", "refused", "expired"]
TranscriptState = Literal["none", "waiting", "growing", "complete", "failed"]
RenewalState = Literal["waiting", "failed"]
TitleBy = Literal["author", "summary"]
SummaryState = Literal["none", "waiting", "complete"]


@dataclass(frozen=True, kw_only=True)
class Update:
    """An update as the asker sees it."""

    id: UUID
    team_id: UUID
    thread_id: UUID
    author_id: UUID
    author_name: str
    kind: UpdateKind
    reply_to: UUID | None
    title: str | None
    language: str | None
    text: str | None
    recording_id: UUID | None
    recording_state: RecordingState
    transcript_state: TranscriptState
    transcript_revision: int | None
    renewal_state: RenewalState | None
    summary_state: SummaryState
    problem_code: str | None
    problem_detail: str | None
    upload_expires_at: datetime | None
    duration_ms: int | None
    has_video: bool | None
    renditions: tuple[Rendition, ...]
    posted_at: datetime
    changed_at: datetime
    version: int
    comment_count: int


@dataclass(frozen=True, kw_only=True)
class NewUpdate:
    """An update to keep, with the states it begins in."""

    id: UUID
    team_id: UUID
    thread_id: UUID
    author_id: UUID
    kind: UpdateKind
    reply_to: UUID | None
    title: str | None
    language: str | None
    text: str | None
    recording_id: UUID | None
    recording_state: RecordingState
    transcript_state: TranscriptState
    summary_state: SummaryState
    posted_at: datetime
    request_key: str | None


def _update(row: Any) -> Update:
    renditions = tuple(Rendition.model_validate(value) for value in row["renditions"])
    return Update(**{**row, "kind": UpdateKind(row["kind"]), "renditions": renditions})


async def insert_update(tx: Connection, update: NewUpdate) -> bool:
    """Post an update; False if its author has posted one under this request key before."""
    inserted = await tx.fetchval(
        _QUERIES["insert_update"],
        update.id,
        update.team_id,
        update.thread_id,
        update.author_id,
        update.kind.value,
        update.reply_to,
        update.title,
        update.language,
        update.text,
        update.recording_id,
        update.recording_state,
        update.transcript_state,
        update.summary_state,
        update.posted_at,
        update.request_key,
    )
    return inserted is not None


async def update_by_key(tx: Connection, author_id: UUID, request_key: str) -> UUID:
    """Return the update an author has posted under a request key."""
    update_id: UUID | None = await tx.fetchval(_QUERIES["update_by_key"], author_id, request_key)
    if update_id is None:
        raise UpdateMissingError
    return update_id


async def is_in_thread(tx: Connection, thread_id: UUID, update_id: UUID) -> bool:
    """Tell whether an update that still stands belongs to the thread."""
    return bool(await tx.fetchval(_QUERIES["is_in_thread"], thread_id, update_id))


async def list_updates(
    tx: Connection, asker: Asker, thread_id: UUID, *, after: UUID | None, limit: int
) -> list[Update]:
    """Return updates of a thread the asker may see, in reading order, those after ``after``."""
    rows = await tx.fetch(
        _QUERIES["list_updates"], asker.person_id, asker.only_team, thread_id, after, limit
    )
    return [_update(row) for row in rows]


async def fetch_update(tx: Connection, asker: Asker, update_id: UUID) -> Update:
    """Return an update the asker may see."""
    row = await tx.fetchrow(_QUERIES["fetch_update"], asker.person_id, asker.only_team, update_id)
    if row is None:
        raise UpdateMissingError
    return _update(row)


async def allow_upload(tx: Connection, update_id: UUID, expires_at: datetime) -> None:
    """Remember until when the recording may begin to arrive."""
    await tx.execute(_QUERIES["allow_upload"], update_id, expires_at)


async def summary_title(tx: Connection, update_id: UUID) -> str | None:
    """Return the title the summary found; no other summary comes before the transaction ends."""
    await tx.execute(_QUERIES["lock_update"], update_id)
    title: str | None = await tx.fetchval(_QUERIES["summary_title"], update_id)
    return title


async def retitle_update(
    tx: Connection,
    update_id: UUID,
    *,
    title: str | None,
    title_by: TitleBy | None,
    version: int,
    now: datetime,
) -> bool:
    """Give an update a title; False if someone changed it since ``version``."""
    changed = await tx.fetchval(
        _QUERIES["retitle_update"], update_id, title, title_by, version, now
    )
    return changed is not None


async def await_renewal(tx: Connection, update_id: UUID, wish_id: UUID, now: datetime) -> None:
    """Keep that a better transcript was wished for; an earlier wish counts no more."""
    await tx.execute(_QUERIES["await_renewal"], update_id, wish_id, now)


async def hold_update(tx: Connection, update_id: UUID) -> None:
    """Keep the update from being removed until the transaction ends.

    Removing clears away what hangs on the update, and would miss what is not committed yet.
    """
    if await tx.fetchval(_QUERIES["hold_update"], update_id) is None:
        raise UpdateMissingError


async def remove_update(tx: Connection, update_id: UUID, now: datetime) -> UUID | None:
    """Empty an update, its comments and corrections; return its recording's id, if it had one."""
    row = await tx.fetchrow(_QUERIES["remove_update"], update_id, now)
    if row is None:
        raise UpdateMissingError
    await tx.execute(_QUERIES["wipe_comments"], update_id, now)
    await tx.execute(_QUERIES["delete_corrections"], update_id)
    await tx.execute(_QUERIES["delete_speakers"], update_id)
    recording_id: UUID | None = row["recording_id"]
    return recording_id
