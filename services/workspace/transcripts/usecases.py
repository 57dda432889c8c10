"""Read what was said and what it comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from services.workspace.corrections import store as corrections
from services.workspace.domain import Asker
from services.workspace.speakers import store as speakers
from services.workspace.transcripts import store
from services.workspace.transcripts.domain import StoredSegment, StoredTranscript
from services.workspace.transcripts.store import Head
from shared.contracts.messages import UpdateKind
from shared.contracts.summary import Statement, StatementKind
from shared.db import Database
from shared.errors import ConflictError, MissingError

UNTITLED = "Untitled update"


class TranscriptNotReadyError(MissingError):
    """The transcript is not there yet; it will be soon."""

    code = "transcript-not-ready"


class TranscriptFailedError(ConflictError):
    """There is no transcript of this update."""

    code = "transcript-failed"


@dataclass(frozen=True, kw_only=True)
class StoredSummary:
    """What an update comes to."""

    head: Head
    statements: tuple[Statement, ...]


async def get_transcript(
    database: Database, asker: Asker, update_id: UUID, *, public_url: str, may_grow: bool
) -> StoredTranscript:
    """Return the transcript of an update the asker may see.

    While it grows only a reader that can tell (``may_grow``) gets the part that is known; nobody
    gets an empty transcript for one that failed or has not begun.
    """
    async with database.transaction(snapshot=True) as tx:
        head = await store.fetch_head(tx, asker, update_id)
        _require_words(head, may_grow=may_grow)
        segments = await store.list_segments(tx, update_id)
        statements = await store.list_statements(tx, update_id)
        made = await corrections.corrections_of(tx, update_id)
        names = await speakers.names_of(tx, update_id)
    is_written = head.kind is UpdateKind.TEXT
    return StoredTranscript(
        update_id=update_id,
        title=head.title or UNTITLED,
        address=f"{public_url}/updates/{update_id}",
        state="complete" if is_written else head.transcript_state,
        language=head.language,
        duration_ms=head.duration_ms,
        segments=tuple(_named(segment, names) for segment in segments),
        gist=tuple(each.text for each in statements if each.kind is StatementKind.GIST),
        corrections=made,
    )


async def get_summary(database: Database, asker: Asker, update_id: UUID) -> StoredSummary:
    """Return the summary of an update the asker may see, as far as there is one."""
    async with database.transaction(snapshot=True) as tx:
        head = await store.fetch_head(tx, asker, update_id)
        statements = await store.list_statements(tx, update_id)
    return StoredSummary(head=head, statements=statements)


def _named(segment: StoredSegment, names: Mapping[str, str]) -> StoredSegment:
    label = segment.speaker
    if label is None:
        return segment
    return replace(segment, speaker=names.get(label, label), speaker_label=label)


def _require_words(head: Head, *, may_grow: bool) -> None:
    if head.kind is UpdateKind.TEXT or head.transcript_state == "complete":
        return
    if head.transcript_state == "failed":
        raise TranscriptFailedError(head.problem_detail, problem=head.problem_code)
    if head.transcript_state == "growing" and may_grow:
        return
    raise TranscriptNotReadyError
