"""How the facts of other services move an update's states. Pure.

Facts come late, twice and out of order. Every step only ever moves a state forward, and a newer
fact beats an older one, so any order of the same facts ends in the same place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.contracts import messages as m
from shared.contracts.summary import Statement, StatementKind
from shared.errors import ConflictError, MissingError

RECORDING_ORDER = ("none", "waiting", "arriving", "arrived", "ready", "expired", "refused")
TRANSCRIPT_ORDER = ("none", "waiting", "growing", "failed", "complete")
TITLE_CHARACTERS = 200
EXPIRED_CODE = "recording-expired"
EXPIRED_DETAIL = "The recording never arrived completely and was removed. Send it again."

_LOST = frozenset({"expired", "refused"})
"""States of a recording that will not be transcribed any more."""


class UpdateUnknownError(MissingError):
    """A fact speaks of an update that is not here, or of another recording of it."""

    code = "update-unknown"


class UpdateRemovedError(ConflictError):
    """The update was removed meanwhile; there is nothing left to change."""

    code = "update-removed"


class TranscriptSettledError(ConflictError):
    """The transcript is whole already; an earlier part of it adds nothing."""

    code = "transcript-settled"


class NewerTranscriptError(ConflictError):
    """A better transcript of the recording is already here."""

    code = "newer-transcript"


class NewerSummaryError(ConflictError):
    """A newer summary of the update is already here."""

    code = "newer-summary"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What is known of an update from others' facts."""

    kind: m.UpdateKind
    recording_id: UUID | None
    title: str | None
    title_by: str | None
    language: str | None
    recording_state: str
    transcript_state: str
    transcript_revision: int | None
    """Of the whole transcript that is here; None while there is none."""
    renewal_id: UUID | None
    """The latest wish for a better transcript, until it is answered with one."""
    renewal_state: str | None
    summary_state: str
    problem_code: str | None
    problem_detail: str | None
    problem_at: datetime | None
    duration_ms: int | None
    has_video: bool | None
    renditions: tuple[dict[str, Any], ...]
    renditions_at: datetime | None
    summary_at: datetime | None


def after_started(progress: Progress) -> Progress:
    """Bytes are on their way."""
    return _settled(replace(progress, recording_state=_further_recording(progress, "arriving")))


def after_completed(progress: Progress) -> Progress:
    """All bytes are here."""
    return _settled(replace(progress, recording_state=_further_recording(progress, "arrived")))


def after_ready(progress: Progress, fact: m.RecordingReady, at: datetime) -> Progress:
    """It can be played. Of two such facts the later one knows the better renditions."""
    progress = replace(progress, recording_state=_further_recording(progress, "ready"))
    if progress.renditions_at is None or at > progress.renditions_at:
        progress = replace(
            progress,
            duration_ms=fact.duration_ms,
            has_video=fact.has_video,
            renditions=tuple(rendition.model_dump(mode="json") for rendition in fact.renditions),
            renditions_at=at,
        )
    return _settled(progress)


def after_refused(progress: Progress, fact: m.RecordingRefused, at: datetime) -> Progress:
    """The bytes are of no use; that outweighs whatever the transcription made of them."""
    first = progress.recording_state not in _LOST
    progress = replace(progress, recording_state=_further_recording(progress, "refused"))
    if first or _is_newer(at, progress.problem_at) or progress.problem_code == EXPIRED_CODE:
        progress = _with_problem(progress, fact.code, fact.detail, at)
    return _settled(progress)


def after_expired(progress: Progress, at: datetime) -> Progress:
    """The upload was abandoned."""
    if progress.recording_state == "refused":
        return progress
    if progress.recording_state != "expired" or _is_newer(at, progress.problem_at):
        progress = _with_problem(progress, EXPIRED_CODE, EXPIRED_DETAIL, at)
    return _settled(replace(progress, recording_state="expired"))


def after_grown(progress: Progress) -> Progress:
    """Some of what was said is known."""
    if progress.transcript_state == "complete":
        raise TranscriptSettledError
    return _settled(replace(progress, transcript_state=_further_transcript(progress, "growing")))


def after_transcribed(progress: Progress, fact: m.TranscriptCompleted) -> Progress:
    """All of what was said is known, or known better. An earlier failure is forgotten."""
    if progress.transcript_revision is not None and fact.revision < progress.transcript_revision:
        raise NewerTranscriptError
    has_ready_duration = progress.renditions_at is not None
    progress = replace(
        progress,
        transcript_state="complete",
        transcript_revision=fact.revision,
        **_renewal_after(progress, fact.request_id, None),
        # The first is heard in the author's language if they gave one; a better one may correct it.
        language=fact.language if fact.revision else progress.language or fact.language,
        duration_ms=progress.duration_ms if has_ready_duration else fact.duration_ms,
    )
    return _settled(progress)


def after_failed(progress: Progress, fact: m.TranscriptFailed, at: datetime) -> Progress:
    """There will be no transcript. A refused recording says why better, a whole one denies it."""
    progress = replace(progress, **_renewal_after(progress, fact.request_id, "failed"))
    if progress.transcript_state == "complete":
        return progress
    if progress.recording_state not in _LOST and _is_newer(at, progress.problem_at):
        progress = _with_problem(progress, fact.code, fact.detail, at)
    return _settled(replace(progress, transcript_state=_further_transcript(progress, "failed")))


def after_summarised(progress: Progress, fact: m.SummaryCompleted, at: datetime) -> Progress:
    """The summary is written; its title names the update unless the author did."""
    if progress.summary_at is not None and at <= progress.summary_at:
        raise NewerSummaryError
    progress = replace(progress, summary_state="complete", summary_at=at)
    title = title_in(fact.statements)
    if title and progress.title_by != "author":
        progress = replace(progress, title=title, title_by="summary")
    return _settled(progress)


def title_from(text: str | None) -> str | None:
    """Return a statement's text as the title of an update."""
    return " ".join((text or "").split())[:TITLE_CHARACTERS] or None


def title_in(statements: Sequence[Statement]) -> str | None:
    """Return the title a summary gives, if it does."""
    for statement in statements:
        if statement.kind is StatementKind.TITLE:
            return title_from(statement.text)
    return None


def _further_recording(progress: Progress, state: str) -> str:
    return max(progress.recording_state, state, key=RECORDING_ORDER.index)


def _further_transcript(progress: Progress, state: str) -> str:
    return max(progress.transcript_state, state, key=TRANSCRIPT_ORDER.index)


def _is_newer(at: datetime, than: datetime | None) -> bool:
    return than is None or at > than


def _renewal_after(
    progress: Progress, request_id: UUID | None, state: str | None
) -> dict[str, Any]:
    """Return what an answer changes: nothing unless it is the one to the latest wish."""
    if request_id is None or request_id != progress.renewal_id:
        return {}
    return {"renewal_state": state, "renewal_id": request_id if state else None}


def _with_problem(progress: Progress, code: str, detail: str, at: datetime) -> Progress:
    return replace(progress, problem_code=code, problem_detail=detail, problem_at=at)


def _settled(progress: Progress) -> Progress:
    """Return the progress with the states that follow from the others.

    A lost recording has no transcript to wait for, and without transcript there is no summary.
    """
    is_lost = progress.recording_state in _LOST
    if is_lost:
        progress = replace(progress, transcript_state=_further_transcript(progress, "failed"))
    elif progress.transcript_state == "complete":
        progress = replace(progress, problem_code=None, problem_detail=None, problem_at=None)
    if progress.summary_state != "complete":
        waits = progress.kind is m.UpdateKind.TEXT or progress.transcript_state != "failed"
        progress = replace(progress, summary_state="waiting" if waits else "none")
    return progress
