"""Rows that are kept from other services' facts: progress, segments, index passages, statements."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from services.workspace.projections.domain import Progress, UpdateRemovedError, UpdateUnknownError
from services.workspace.search.passages import cut_passages
from services.workspace.transcripts.domain import StoredSegment
from shared.contracts.messages import UpdateKind
from shared.contracts.summary import Statement
from shared.db import Connection, Database, load_queries

_QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
_FIRST = -1
"""Below every segment id."""


async def require_standing(database: Database, update_id: UUID) -> None:
    """Raise ConflictError for a removed update and MissingError for an unknown one."""
    is_removed = await database.fetchval(_QUERIES["is_removed"], update_id)
    if is_removed is None:
        raise UpdateUnknownError
    if is_removed:
        raise UpdateRemovedError


async def lock_progress(tx: Connection, update_id: UUID) -> Progress:
    """Return what is known of an update, locked; raise when it is unknown or removed."""
    row = await tx.fetchrow(_QUERIES["lock_progress"], update_id)
    if row is None:
        raise UpdateUnknownError
    fields: dict[str, Any] = dict(row)
    if fields.pop("removed_at") is not None:
        raise UpdateRemovedError
    fields["kind"] = UpdateKind(fields["kind"])
    fields["renditions"] = tuple(fields["renditions"])
    return Progress(**fields)


async def save_progress(tx: Connection, update_id: UUID, progress: Progress, at: datetime) -> None:
    """Keep what is now known of an update."""
    await tx.execute(
        _QUERIES["save_progress"],
        update_id,
        progress.title,
        progress.title_by,
        progress.language,
        progress.recording_state,
        progress.transcript_state,
        progress.transcript_revision,
        progress.renewal_id,
        progress.renewal_state,
        progress.summary_state,
        progress.problem_code,
        _storable(progress.problem_detail),
        progress.problem_at,
        progress.duration_ms,
        progress.has_video,
        list(progress.renditions),
        progress.renditions_at,
        progress.summary_at,
        at,
    )


async def replace_segments(
    tx: Connection, update_id: UUID, segments: Sequence[StoredSegment]
) -> None:
    """Keep exactly these segments and index them."""
    await tx.execute(_QUERIES["delete_segments"], update_id)
    await _insert_segments(tx, update_id, segments)
    await _index(tx, update_id, _FIRST)
    await tx.execute(_QUERIES["prune_words"], update_id)


async def append_segments(
    tx: Connection, update_id: UUID, segments: Sequence[StoredSegment]
) -> None:
    """Keep those segments that are not here yet and index from the first of them on."""
    if not segments:
        return
    first_new = min(segment.id for segment in segments)
    stale = await tx.fetchval(_QUERIES["first_stale_segment"], update_id, first_new)
    await _insert_segments(tx, update_id, segments)
    await _index(tx, update_id, _FIRST if stale is None else stale)


async def replace_statements(
    tx: Connection, update_id: UUID, statements: Sequence[Statement]
) -> None:
    """Keep exactly these statements."""
    await tx.execute(_QUERIES["delete_statements"], update_id)
    rows = [
        (
            update_id,
            number,
            statement.kind.value,
            _storable(statement.text),
            _storable(statement.owner),
            statement.due,
            _storable(statement.due_text),
            [evidence.model_dump(mode="json") for evidence in statement.evidence],
        )
        for number, statement in enumerate(statements)
    ]
    await tx.executemany(_QUERIES["insert_statement"], rows)


async def _insert_segments(
    tx: Connection, update_id: UUID, segments: Sequence[StoredSegment]
) -> None:
    await tx.execute(
        _QUERIES["insert_segments"],
        update_id,
        [
            {
                "id": segment.id,
                "start_ms": segment.start_ms,
                "end_ms": segment.end_ms,
                "text": _storable(segment.text),
                "language": segment.language,
                "language_probability": segment.language_probability,
                "repeats_cut": segment.repeats_cut or None,
                "confidence": segment.confidence,
                "speaker": _storable(segment.speaker),
                "words": [
                    {
                        **word.model_dump(mode="json", exclude_none=True),
                        "text": _storable(word.text),
                    }
                    for word in segment.words
                ],
            }
            for segment in segments
        ],
    )


async def _index(tx: Connection, update_id: UUID, first_segment: int) -> None:
    rows = await tx.fetch(_QUERIES["segments_from"], update_id, first_segment)
    passages = cut_passages([StoredSegment(**row) for row in rows])
    await tx.execute(_QUERIES["delete_passages"], update_id, first_segment)
    await tx.execute(
        _QUERIES["insert_passages"],
        update_id,
        [passage.first_segment for passage in passages],
        [passage.last_segment for passage in passages],
        [passage.language for passage in passages],
        [passage.text for passage in passages],
    )


def _storable(text: str | None) -> str | None:
    """Return text without NUL, the one character PostgreSQL cannot keep."""
    return text and text.replace("\x00", "")
