"""Rows of corrections, and the segments they change. Visibility comes from visible_updates."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from asyncpg import Record

from services.workspace.domain import Asker
from services.workspace.transcripts.domain import Anchor, Correction, StoredSegment, StoredWord
from services.workspace.visibility import CorrectionMissingError, UpdateMissingError
from shared.contracts.messages import UpdateKind
from shared.contracts.summary import Statement
from shared.db import Connection, load_queries

_QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


async def lock_words(tx: Connection, update_id: UUID) -> tuple[UpdateKind, str]:
    """Let nobody else change an update's words; return its kind and how far they have come."""
    row = await tx.fetchrow(_QUERIES["lock_words"], update_id)
    if row is None:
        raise UpdateMissingError
    return UpdateKind(row["kind"]), row["transcript_state"]


async def insert_correction(
    tx: Connection, correction: Correction, request_key: str | None
) -> None:
    """Make a correction."""
    await tx.execute(
        _QUERIES["insert_correction"],
        correction.id,
        correction.update_id,
        correction.author_id,
        correction.anchor.start_ms,
        correction.anchor.end_ms,
        correction.anchor.original,
        correction.replacement,
        correction.made_at,
        request_key,
    )


async def correction_by_key(tx: Connection, author_id: UUID, request_key: str) -> UUID | None:
    """Return the correction an author has made under a request key."""
    correction_id: UUID | None = await tx.fetchval(
        _QUERIES["correction_by_key"], author_id, request_key
    )
    return correction_id


async def list_corrections(
    tx: Connection, asker: Asker, update_id: UUID, *, after: UUID | None, limit: int
) -> list[Correction]:
    """Return corrections of an update the asker may see, oldest first."""
    rows = await tx.fetch(
        _QUERIES["list_corrections"], asker.person_id, asker.only_team, update_id, after, limit
    )
    return [_correction(row) for row in rows]


async def fetch_correction(tx: Connection, asker: Asker, correction_id: UUID) -> Correction:
    """Return a correction the asker may see."""
    row = await tx.fetchrow(
        _QUERIES["fetch_correction"], asker.person_id, asker.only_team, correction_id
    )
    if row is None:
        raise CorrectionMissingError
    return _correction(row)


async def corrections_of(tx: Connection, update_id: UUID) -> tuple[Correction, ...]:
    """Return every correction of an update, oldest first."""
    rows = await tx.fetch(_QUERIES["corrections_of"], update_id)
    return tuple(_correction(row) for row in rows)


async def delete_correction(tx: Connection, correction_id: UUID) -> None:
    """Take a correction back."""
    await tx.execute(_QUERIES["delete_correction"], correction_id)


async def is_corrected(tx: Connection, update_id: UUID) -> bool:
    """Tell whether any words are shown that were not heard."""
    return bool(await tx.fetchval(_QUERIES["is_corrected"], update_id))


async def heard_segments(tx: Connection, update_id: UUID) -> tuple[StoredSegment, ...]:
    """Return what was heard, before anybody corrected it."""
    rows = await tx.fetch(_QUERIES["heard_segments"], update_id)
    return tuple(
        StoredSegment(**{**row, "words": tuple(StoredWord(**word) for word in row["words"])})
        for row in rows
    )


async def save_segments(tx: Connection, update_id: UUID, segments: Sequence[StoredSegment]) -> None:
    """Keep segments as they are shown now, and let the search find them so."""
    await tx.execute(
        _QUERIES["save_segments"],
        update_id,
        [
            {
                "id": segment.id,
                "text": segment.text,
                "words": [word.model_dump(mode="json") for word in segment.words],
                "is_corrected": segment.original is not None,
            }
            for segment in segments
        ],
    )
    await tx.execute(_QUERIES["refresh_passages"], update_id, [segment.id for segment in segments])
    await tx.execute(_QUERIES["prune_words"], update_id)


async def heard_statements(tx: Connection, update_id: UUID) -> tuple[Statement, ...]:
    """Return what an update comes to in the words that were heard."""
    rows = await tx.fetch(_QUERIES["heard_statements"], update_id)
    return tuple(Statement.model_validate(dict(row)) for row in rows)


async def save_statements(
    tx: Connection, update_id: UUID, heard: Sequence[Statement], shown: Sequence[Statement]
) -> None:
    """Keep all statements of an update as they are shown now."""
    await tx.execute(
        _QUERIES["save_statements"],
        update_id,
        [
            {
                "number": number,
                "is_corrected": now != before,
                **now.model_dump(mode="json", include={"text", "owner", "evidence"}),
            }
            for number, (before, now) in enumerate(zip(heard, shown, strict=True))
        ],
    )


async def note_restated(
    tx: Connection, update_id: UUID, *, title: str | None, now: datetime
) -> None:
    """Let readers look at the summary again, and name the update anew unless its author did."""
    await tx.execute(_QUERIES["note_restated"], update_id, title, now)


def _correction(row: Record) -> Correction:
    fields: dict[str, Any] = dict(row)
    anchor = Anchor(**{name: fields.pop(name) for name in ("start_ms", "end_ms", "original")})
    return Correction(anchor=anchor, **fields)
