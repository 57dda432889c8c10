"""Rows of segments and statements, for reading. Visibility comes from visible_updates."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from pydantic import TypeAdapter

from services.workspace.domain import Asker
from services.workspace.transcripts.domain import StoredSegment, StoredWord
from services.workspace.visibility import UpdateMissingError
from shared.contracts.messages import UpdateKind
from shared.contracts.summary import Statement
from shared.db import Connection, load_queries

_QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
#: Two hours have twenty thousand words: they become values at once, with no dicts between.
_WORDS = TypeAdapter(tuple[StoredWord, ...])


@dataclass(frozen=True, kw_only=True)
class Head:
    """What is known of an update's words as a whole."""

    id: UUID
    kind: UpdateKind
    title: str | None
    language: str | None
    duration_ms: int | None
    transcript_state: str
    summary_state: str
    problem_code: str | None
    problem_detail: str | None
    changed_at: datetime


async def fetch_head(tx: Connection, asker: Asker, update_id: UUID) -> Head:
    """Return the head of an update the asker may see."""
    row = await tx.fetchrow(_QUERIES["fetch_head"], asker.person_id, asker.only_team, update_id)
    if row is None:
        raise UpdateMissingError
    return Head(**{**row, "kind": UpdateKind(row["kind"])})


async def list_segments(tx: Connection, update_id: UUID) -> tuple[StoredSegment, ...]:
    """Return what was said, in order."""
    rows = await tx.fetch(_QUERIES["list_segments"], update_id)
    return tuple(
        StoredSegment(**{**row, "words": _WORDS.validate_json(row["words"])}) for row in rows
    )


async def list_statements(tx: Connection, update_id: UUID) -> tuple[Statement, ...]:
    """Return what it comes to, in order."""
    rows = await tx.fetch(_QUERIES["list_statements"], update_id)
    return tuple(Statement.model_validate(dict(row)) for row in rows)
