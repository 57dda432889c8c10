"""Updates: post by recording or in writing, read, retitle, remove."""

from dataclasses import dataclass
from uuid import UUID

from services.workspace import visibility
from services.workspace.capabilities import UploadGrant
from services.workspace.context import Workspace
from services.workspace.domain import Asker, require_author
from services.workspace.projections.domain import title_from
from services.workspace.projections.usecases import keep_written
from services.workspace.updates import store
from services.workspace.updates.domain import (
    NothingToTranscribeError,
    NothingToUploadError,
    ReplyElsewhereError,
    require_size,
    sentences_of,
)
from services.workspace.updates.store import NewUpdate, Update
from services.workspace.visibility import SeenThread
from shared.bus import enqueue
from shared.contracts.messages import (
    RetranscriptionRequest,
    UpdateChanged,
    UpdateKind,
    UpdatePosted,
    UpdateRemoved,
)
from shared.db import Connection
from shared.errors import StaleError
from shared.ids import new_id

_ENDS = frozenset({"complete", "failed"})
"""States of a transcript that is not on its way."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What an author gives: text for a written update, none for a recording."""

    text: str | None = None
    title: str | None = None
    language: str | None = None
    reply_to: UUID | None = None
    size_bytes: int | None = None
    request_key: str | None = None


@dataclass(frozen=True, kw_only=True)
class Posted:
    """A new update, with leave to upload its recording if it is one."""

    update: Update
    upload: UploadGrant | None


async def list_updates(
    workspace: Workspace, asker: Asker, thread_id: UUID, *, after: UUID | None, limit: int
) -> list[Update]:
    """Return updates of a thread the asker may see, in reading order."""
    async with workspace.database.transaction() as tx:
        await visibility.thread_for(tx, asker, thread_id)
        return await store.list_updates(tx, asker, thread_id, after=after, limit=limit)


async def get_update(workspace: Workspace, asker: Asker, update_id: UUID) -> Update:
    """Return an update the asker may see."""
    async with workspace.database.transaction() as tx:
        return await store.fetch_update(tx, asker, update_id)


async def post_update(workspace: Workspace, asker: Asker, thread_id: UUID, draft: Draft) -> Posted:
    """Post an update. The same request key finds the update posted before."""
    require_size(draft.size_bytes, workspace.settings.max_recording_bytes)
    async with workspace.database.transaction() as tx:
        seen = await visibility.thread_for(tx, asker, thread_id)
        if draft.reply_to and not await store.is_in_thread(tx, thread_id, draft.reply_to):
            raise ReplyElsewhereError(errors=(("reply_to", "reply-elsewhere"),))
        new = _begin(workspace, asker, seen, draft)
        update_id = new.id
        if await store.insert_update(tx, new):
            fact = _posted(new)
            if new.text is not None:
                await keep_written(tx, new.id, fact.sentences, new.language)
            await enqueue(tx, fact, clock=workspace.clock)
        elif draft.request_key is not None:
            update_id = await store.update_by_key(tx, asker.person_id, draft.request_key)
        update = await store.fetch_update(tx, asker, update_id)
        grant = None
        if update.kind is UpdateKind.RECORDING:
            grant = await _grant(workspace, tx, update, draft.size_bytes)
    return Posted(update=update, upload=grant)


async def renew_upload(workspace: Workspace, asker: Asker, update_id: UUID) -> UploadGrant:
    """Give the author a new token while the recording is not all there."""
    async with workspace.database.transaction() as tx:
        seen = await visibility.update_for(tx, asker, update_id)
        require_author(asker, seen.author_id, seen.role, owner_too=False)
        update = await store.fetch_update(tx, asker, update_id)
        if update.recording_state not in {"waiting", "arriving"}:
            raise NothingToUploadError
        return await _grant(workspace, tx, update, None)


async def retitle_update(
    workspace: Workspace, asker: Asker, update_id: UUID, *, title: str | None, version: int
) -> Update:
    """Title one's own update, or let the summary do it; StaleError if it changed since."""
    async with workspace.database.transaction() as tx:
        seen = await visibility.update_for(tx, asker, update_id)
        require_author(asker, seen.author_id, seen.role, owner_too=False)
        found = title_from(await store.summary_title(tx, update_id)) if title is None else None
        retitled = await store.retitle_update(
            tx,
            update_id,
            title=title or found,
            title_by=("author" if title else "summary") if title or found else None,
            version=version,
            now=workspace.clock.now(),
        )
        if not retitled:
            raise StaleError
        fact = UpdateChanged(
            team_id=seen.team_id,
            thread_id=seen.thread_id,
            update_id=update_id,
            title=title or found,
        )
        await enqueue(tx, fact, clock=workspace.clock)
        return await store.fetch_update(tx, asker, update_id)


async def renew_transcript(
    workspace: Workspace, asker: Asker, update_id: UUID, *, language: str | None
) -> Update:
    """Have a recording heard anew; its words stay as they are until the better ones come."""
    async with workspace.database.transaction() as tx:
        seen = await visibility.update_for(tx, asker, update_id)
        require_author(asker, seen.author_id, seen.role, owner_too=True)
        update = await store.fetch_update(tx, asker, update_id)
        is_here = update.recording_state in {"arrived", "ready"}
        if update.recording_id is None or not is_here or update.transcript_state not in _ENDS:
            raise NothingToTranscribeError
        wish_id = new_id(workspace.clock)
        await store.await_renewal(tx, update_id, wish_id, workspace.clock.now())
        await enqueue(
            tx,
            RetranscriptionRequest(
                team_id=seen.team_id, recording_id=update.recording_id, language=language
            ),
            message_id=wish_id,
            clock=workspace.clock,
        )
        return await store.fetch_update(tx, asker, update_id)


async def remove_update(workspace: Workspace, asker: Asker, update_id: UUID) -> None:
    """Remove an update with its comments. Whoever holds parts of it hears of it and forgets."""
    async with workspace.database.transaction() as tx:
        seen = await visibility.update_for(tx, asker, update_id)
        require_author(asker, seen.author_id, seen.role, owner_too=True)
        recording_id = await store.remove_update(tx, update_id, workspace.clock.now())
        fact = UpdateRemoved(
            team_id=seen.team_id,
            thread_id=seen.thread_id,
            update_id=update_id,
            recording_id=recording_id,
        )
        await enqueue(tx, fact, clock=workspace.clock)


def _begin(workspace: Workspace, asker: Asker, seen: SeenThread, draft: Draft) -> NewUpdate:
    is_recording = draft.text is None
    return NewUpdate(
        id=new_id(workspace.clock),
        team_id=seen.team_id,
        thread_id=seen.thread_id,
        author_id=asker.person_id,
        kind=UpdateKind.RECORDING if is_recording else UpdateKind.TEXT,
        reply_to=draft.reply_to,
        title=draft.title,
        language=draft.language,
        text=draft.text,
        recording_id=new_id(workspace.clock) if is_recording else None,
        recording_state="waiting" if is_recording else "none",
        transcript_state="waiting" if is_recording else "none",
        summary_state="waiting",
        posted_at=workspace.clock.now(),
        request_key=draft.request_key,
    )


def _posted(new: NewUpdate) -> UpdatePosted:
    return UpdatePosted(
        team_id=new.team_id,
        thread_id=new.thread_id,
        update_id=new.id,
        member_id=new.author_id,
        kind=new.kind,
        recording_id=new.recording_id,
        reply_to=new.reply_to,
        language=new.language,
        sentences=sentences_of(new.text or ""),
        posted_at=new.posted_at,
    )


async def _grant(
    workspace: Workspace, tx: Connection, update: Update, size_bytes: int | None
) -> UploadGrant:
    if update.recording_id is None:
        raise NothingToUploadError
    grant = workspace.capabilities.to_upload(
        team_id=update.team_id,
        thread_id=update.thread_id,
        update_id=update.id,
        recording_id=update.recording_id,
        member_id=update.author_id,
        language=update.language,
        size_bytes=size_bytes,
    )
    await store.allow_upload(tx, update.id, grant.expires_at)
    return grant
