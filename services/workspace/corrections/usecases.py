"""Corrections: make, withdraw, and lay over a transcript that was made anew."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.workspace import visibility
from services.workspace.context import Workspace
from services.workspace.corrections import store
from services.workspace.corrections.domain import (
    WrittenWordsError,
    corrected,
    place_of,
    require_may_correct,
    restated,
)
from services.workspace.domain import Asker
from services.workspace.projections.domain import title_in
from services.workspace.transcripts import store as transcripts
from services.workspace.transcripts.domain import Anchor, Correction, StoredSegment
from services.workspace.transcripts.usecases import TranscriptNotReadyError
from shared.bus import enqueue
from shared.contracts.messages import CorrectionMade, CorrectionWithdrawn, UpdateKind
from shared.db import Connection
from shared.ids import new_id


async def list_corrections(
    workspace: Workspace, asker: Asker, update_id: UUID, *, after: UUID | None, limit: int
) -> list[Correction]:
    """Return corrections of an update the asker may see, oldest first."""
    async with workspace.database.transaction() as tx:
        await visibility.update_for(tx, asker, update_id)
        return await store.list_corrections(tx, asker, update_id, after=after, limit=limit)


async def make_correction(
    workspace: Workspace,
    asker: Asker,
    update_id: UUID,
    anchor: Anchor,
    replacement: str,
    *,
    request_key: str | None,
) -> Correction:
    """Put other words in the place of some. The same request key finds the one made before."""
    correction_id = new_id(workspace.clock)
    async with workspace.database.transaction() as tx:
        seen = await visibility.update_for(tx, asker, update_id)
        require_may_correct(asker, seen.author_id, seen.role)
        await _lock(tx, update_id)
        if request_key is not None:
            known = await store.correction_by_key(tx, asker.person_id, request_key)
            if known is not None:
                return await store.fetch_correction(tx, asker, known)
        anchor = place_of(await transcripts.list_segments(tx, update_id), anchor)
        correction = Correction(
            id=correction_id,
            update_id=update_id,
            author_id=asker.person_id,
            author_name="",
            anchor=anchor,
            replacement=replacement,
            made_at=workspace.clock.now(),
        )
        await store.insert_correction(tx, correction, request_key)
        await lay_over(tx, update_id, correction.made_at)
        fact = CorrectionMade(
            team_id=seen.team_id,
            thread_id=seen.thread_id,
            update_id=update_id,
            correction_id=correction_id,
            member_id=asker.person_id,
            start_ms=anchor.start_ms,
            end_ms=anchor.end_ms,
            original=anchor.original,
            replacement=replacement,
        )
        await enqueue(tx, fact, clock=workspace.clock)
        return await store.fetch_correction(tx, asker, correction_id)


async def withdraw_correction(workspace: Workspace, asker: Asker, correction_id: UUID) -> None:
    """Let what was heard, or corrected before, stand again."""
    async with workspace.database.transaction() as tx:
        seen = await visibility.correction_for(tx, asker, correction_id)
        require_may_correct(asker, seen.author_id, seen.role)
        await _lock(tx, seen.update_id)
        # Somebody else may have taken it back while we waited for the lock.
        correction = await store.fetch_correction(tx, asker, correction_id)
        await store.delete_correction(tx, correction.id)
        await lay_over(tx, seen.update_id, workspace.clock.now())
        fact = CorrectionWithdrawn(
            team_id=seen.team_id,
            thread_id=seen.thread_id,
            update_id=seen.update_id,
            correction_id=correction_id,
            member_id=asker.person_id,
        )
        await enqueue(tx, fact, clock=workspace.clock)


async def lay_over(tx: Connection, update_id: UUID, now: datetime) -> None:
    """Make segments, index and summary show what was heard as people corrected it.

    The caller holds the update's lock. Works on whatever transcript and summary are there: a new
    one takes the corrections of the old.
    """
    corrections = await store.corrections_of(tx, update_id)
    if not corrections and not await store.is_corrected(tx, update_id):
        return
    shown = corrected(await store.heard_segments(tx, update_id), corrections)
    before = await transcripts.list_segments(tx, update_id)
    changed = _differing(before, shown)
    if changed:
        await store.save_segments(tx, update_id, changed)
    await _restate(tx, update_id, corrections, now)


async def _restate(
    tx: Connection, update_id: UUID, corrections: Sequence[Correction], now: datetime
) -> None:
    heard = await store.heard_statements(tx, update_id)
    shown = restated(heard, corrections)
    if shown == await transcripts.list_statements(tx, update_id):
        return
    await store.save_statements(tx, update_id, heard, shown)
    await store.note_restated(tx, update_id, title=title_in(shown), now=now)


def _differing(
    before: Sequence[StoredSegment], after: Sequence[StoredSegment]
) -> list[StoredSegment]:
    return [new for old, new in zip(before, after, strict=True) if new != old]


async def _lock(tx: Connection, update_id: UUID) -> None:
    """Let nobody else change the words meanwhile; refuse where there are none to correct."""
    kind, state = await store.lock_words(tx, update_id)
    if kind is UpdateKind.TEXT:
        raise WrittenWordsError
    if state != "complete":
        raise TranscriptNotReadyError
