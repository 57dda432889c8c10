"""Measures how often a question finds the paragraph that answers it, beside plain full text search.

``python -m tests.bench.search_recall xquad.jsonl [--json PATH]``: every line holds a paragraph and
its questions, each in several languages (`text`, `questions`). Each paragraph becomes an update of
its own in each language; a question has to find the one in its own language among all of them.
Beside it, in the same run on the same index: PostgreSQL's ``websearch_to_tsquery`` (all words) and
the same words joined by OR, both ranked by ``ts_rank``.
"""

import argparse
import asyncio
import json
import re
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from services.workspace.domain import Asker
from services.workspace.search import store
from services.workspace.search.domain import parse_query
from services.workspace.search.store import Filters
from shared.db import Database
from tests.support.postgres import TestPostgres, open_databases, running_postgres
from tests.support.said import Archive

RANKS = (1, 5, 10)
CONFIGS = {"en": "english", "de": "german"}
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_PLAIN = """
select update_id from passages, (select {query} as q) asked
where lexemes @@ q group by update_id order by max(ts_rank(lexemes, q)) desc, update_id limit 10
"""
ALL_WORDS = _PLAIN.format(query="websearch_to_tsquery($1::text::regconfig, $2)")
ANY_WORD = _PLAIN.format(
    query="replace(plainto_tsquery($1::text::regconfig, $2)::text, '&', '|')::tsquery"
)


@dataclass
class Figures:
    """How often the right paragraph was among the first, in per cent."""

    language: str
    method: str
    questions: int = 0
    found: dict[int, float] = field(default_factory=dict)
    median_ms: float = 0.0
    slowest_in_20_ms: float = 0.0


async def fill(database: Database, paragraphs: Sequence[Any]) -> tuple[Asker, dict[Any, UUID]]:
    """Post every paragraph in every language; return who may look, and which update is which."""
    archive = Archive(database)
    owner = await archive.person("Olga")
    thread = await archive.thread(await archive.team(owner), owner)
    places = {}
    for paragraph in paragraphs:
        for language, text in paragraph["text"].items():
            sentences = _SENTENCE.split(text)
            update_id = await archive.update(thread, owner, *sentences, language=language)
            places[paragraph["id"], language] = update_id
    return owner, places


async def ask(
    database: Database, asker: Asker, method: str, language: str, question: str
) -> list[UUID]:
    """Return the first ten updates one method finds."""
    if method == "tidings":
        async with database.transaction() as tx:
            query = parse_query(question)
            hits = await store.find(tx, asker, query, Filters(), limit=10, offset=0)
        return [hit.update_id for hit in hits]
    sql = ALL_WORDS if method == "all words" else ANY_WORD
    rows = await database.fetch(sql, CONFIGS.get(language, "simple"), question)
    return [row["update_id"] for row in rows]


async def measure(postgres: TestPostgres, paragraphs: Sequence[Any]) -> list[Figures]:
    """Return the figures of every language and method."""
    figures = []
    async for database_for in open_databases(postgres):
        database = await database_for("workspace")
        asker, places = await fill(database, paragraphs)
        name = await database.fetchval("select current_database()")
        admin = await asyncpg.connect(postgres.admin_url(name))
        await admin.execute("vacuum analyze")
        await admin.close()
        for language in paragraphs[0]["text"]:
            for method in ("tidings", "all words", "any word"):
                ranks, times_ms = [], []
                for paragraph in paragraphs:
                    wanted = places[paragraph["id"], language]
                    for question in paragraph["questions"]:
                        began_s = time.perf_counter()
                        found = await ask(database, asker, method, language, question[language])
                        times_ms.append((time.perf_counter() - began_s) * 1000)
                        ranks.append(found.index(wanted) + 1 if wanted in found else 99)
                figures.append(
                    Figures(
                        language=language,
                        method=method,
                        questions=len(ranks),
                        found={
                            limit: 100 * sum(rank <= limit for rank in ranks) / len(ranks)
                            for limit in RANKS
                        },
                        median_ms=statistics.median(times_ms),
                        slowest_in_20_ms=sorted(times_ms)[int(len(times_ms) * 0.95)],
                    )
                )
    return figures


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    lines = arguments.path.read_text(encoding="utf-8").splitlines()
    with running_postgres() as postgres:
        figures = asyncio.run(measure(postgres, [json.loads(line) for line in lines]))
    print("language  method     questions   top 1   top 5  top 10   median ms  95 % ms")
    for each in figures:
        found = "".join(f"{each.found[limit]:8.1f}" for limit in RANKS)
        print(
            f"{each.language:9} {each.method:10} {each.questions:9}{found}"
            f"{each.median_ms:12.1f}{each.slowest_in_20_ms:9.1f}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(each) for each in figures], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
