"""Finds passages and loads what is shown of them. Visibility comes from visible_updates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from services.workspace.domain import Asker
from services.workspace.search.domain import Excerpt, Query, reaches
from services.workspace.transcripts.domain import StoredSegment
from shared.db import Connection, load_queries

_QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Where to look. What is None does not matter."""

    team_id: UUID | None = None
    thread_id: UUID | None = None
    author_id: UUID | None = None
    language: str | None = None
    posted_from: datetime | None = None
    posted_before: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Hit:
    """An update that answers, with the index passages that do so best."""

    update_id: UUID
    score: float
    passages: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class FoundUpdate:
    """What is shown of an update that was found."""

    update_id: UUID
    team_id: UUID
    thread_id: UUID
    thread_title: str
    title: str | None
    kind: str
    author_id: UUID
    author_name: str
    posted_at: datetime


async def find(
    tx: Connection, asker: Asker, query: Query, filters: Filters, *, limit: int, offset: int
) -> list[Hit]:
    """Return the updates that answer, best first, among those the asker may see."""
    await tx.execute(_QUERIES["prepare"])
    rows = await tx.fetch(
        _QUERIES["find"],
        asker.person_id,
        asker.only_team,
        list(query.words),
        [reach.value for reach in reaches(query)],
        list(query.phrases),
        list(query.excluded),
        filters.team_id,
        filters.thread_id,
        filters.author_id,
        filters.language,
        filters.posted_from,
        filters.posted_before,
        limit,
        offset,
    )
    return [
        Hit(
            update_id=row["update_id"],
            score=float(row["score"]),
            passages=tuple(row["best_passages"]),
        )
        for row in rows
    ]


async def describe_found(
    tx: Connection, asker: Asker, update_ids: Sequence[UUID]
) -> dict[UUID, FoundUpdate]:
    """Return what is shown of updates, as far as the asker may see them."""
    rows = await tx.fetch(
        _QUERIES["describe_found"], asker.person_id, asker.only_team, list(update_ids)
    )
    return {row["update_id"]: FoundUpdate(**row) for row in rows}


async def excerpts(tx: Connection, hits: Sequence[Hit]) -> dict[UUID, list[Excerpt]]:
    """Return the text behind the best passages of each hit, in order."""
    passages = [passage for hit in hits for passage in hit.passages]
    found: dict[UUID, list[Excerpt]] = {hit.update_id: [] for hit in hits}
    for row in await tx.fetch(_QUERIES["excerpts"], passages):
        segment = StoredSegment(
            id=row["segment_id"],
            start_ms=row["start_ms"],
            end_ms=row["start_ms"],
            text=row["text"] or "",
            language=row["language"],
        )
        excerpt = Excerpt(source=row["source"], segment=segment, comment_id=row["comment_id"])
        found[row["update_id"]].append(excerpt)
    return found


async def match_words(
    tx: Connection, query: Query, spoken: Sequence[tuple[str, str]]
) -> Mapping[tuple[str, str], Mapping[int, float]]:
    """Return for each (language, word) which asked words it answers, and how well."""
    rows = await tx.fetch(
        _QUERIES["match_words"],
        [word for _, word in spoken],
        [language for language, _ in spoken],
        list(query.words),
        [reach.value for reach in reaches(query)],
    )
    matches: dict[tuple[str, str], dict[int, float]] = {}
    for row in rows:
        matches.setdefault((row["language"], row["word"]), {})[row["number"]] = row["worth"]
    return matches
