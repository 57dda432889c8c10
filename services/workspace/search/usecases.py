"""Search: from what someone typed to the moments that answer, among what they may see."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.workspace import visibility
from services.workspace.domain import Asker
from services.workspace.search import store
from services.workspace.search.domain import Moment, Query, best_moments, words_of
from services.workspace.search.store import Filters, FoundUpdate, Hit
from shared.db import Connection, Database


@dataclass(frozen=True, kw_only=True)
class Found:
    """An update that answers, with its best moments."""

    update: FoundUpdate
    moments: tuple[Moment, ...]


async def find_moments(
    database: Database, asker: Asker, query: Query, filters: Filters, *, limit: int, offset: int
) -> list[Found]:
    """Return the updates that answer, best first; a team or thread not theirs is missing."""
    async with database.transaction() as tx:
        if filters.team_id is not None:
            await visibility.team_for(tx, asker, filters.team_id)
        if filters.thread_id is not None:
            await visibility.thread_for(tx, asker, filters.thread_id)
        hits = await store.find(tx, asker, query, filters, limit=limit, offset=offset)
        return await _show(tx, asker, query, hits)


async def _show(tx: Connection, asker: Asker, query: Query, hits: Sequence[Hit]) -> list[Found]:
    described = await store.describe_found(tx, asker, [hit.update_id for hit in hits])
    excerpts = await store.excerpts(tx, hits)
    spoken = {
        (excerpt.segment.language or "", word)
        for each in excerpts.values()
        for excerpt in each
        for word in words_of(excerpt.segment.text)
    }
    matches = await store.match_words(tx, query, sorted(spoken))
    return [
        Found(
            update=described[hit.update_id],
            moments=tuple(best_moments(excerpts[hit.update_id], matches)),
        )
        for hit in hits
        if hit.update_id in described
    ]
