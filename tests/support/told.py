"""Puts words into a running Tidings as if they had been recognised: through its database and blobs.

For tests of reading, where it matters what was said exactly, or that it was very much.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from services.workspace.projections.usecases import Keeper
from shared.blobs import Blobs, open_blobs
from shared.contracts import messages as m
from shared.contracts.summary import Statement
from shared.contracts.transcript import Segment, Word
from shared.db import Database
from tests.support.client import signed_in
from tests.support.said import completed, delivery
from tests.support.stack import Stack

WORD_MS = 360
PAUSE_MS = 40


def sentence_of(
    number: int,
    text: str,
    *,
    start_ms: int,
    language: str = "en",
    speaker: str | None = None,
    confidence: float = 0.9,
) -> Segment:
    """Return a sentence as an engine tells it, two and a half words a second."""
    words = []
    for word in text.split():
        words.append(
            Word(
                start_ms=start_ms,
                end_ms=start_ms + WORD_MS,
                text=f" {word}",
                confidence=confidence,
            )
        )
        start_ms += WORD_MS + PAUSE_MS
    return Segment(
        id=number,
        start_ms=words[0].start_ms,
        end_ms=words[-1].end_ms,
        text=text,
        language=language,
        language_probability=0.9,
        confidence=confidence,
        speaker=speaker,
        words=tuple(words),
    )


def tell(
    stack: Stack,
    place: m.UpdateFact,
    recording_id: UUID,
    segments: Sequence[Segment],
    statements: Sequence[Statement] = (),
) -> None:
    """Let the workspace keep this transcript, and a summary if there are statements."""
    # Playwright's own loop runs in this thread.
    with ThreadPoolExecutor(1) as thread:
        told = _tell(stack, place, recording_id, segments, statements)
        thread.submit(asyncio.run, told).result()


def expire(stack: Stack, update: Any) -> None:
    """Let the workspace hear that the recording was left unfinished for too long."""

    async def told() -> None:
        async with _keeper(stack) as (keeper, database):
            fact = m.RecordingExpired(
                team_id=update["team_id"],
                thread_id=update["thread_id"],
                update_id=update["id"],
                recording_id=update["recording"]["id"],
            )
            await keeper.keep_expired(fact, delivery(database))

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, told()).result()


def sent_recording(stack: Stack, path: Path, thread_id: str | None = None) -> Any:
    """Send a file, to the first thread if to no other, and return its update once it plays."""

    async def sent() -> Any:
        async with signed_in(stack.url, stack.token) as tidings:
            update_id = await tidings.send(path, thread_id or await tidings.first_thread())
            return await tidings.wait(update_id, "recording")

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, sent()).result()


async def _tell(
    stack: Stack,
    place: m.UpdateFact,
    recording_id: UUID,
    segments: Sequence[Segment],
    statements: Sequence[Statement],
) -> None:
    async with _keeper(stack) as (keeper, database):
        fact = await completed(_blobs(stack), place, recording_id, segments)
        await keeper.keep_transcript(fact, delivery(database))
        if statements:
            summary = m.SummaryCompleted(
                **place.model_dump(), language="en", statements=tuple(statements)
            )
            await keeper.keep_summary(summary, delivery(database, second=1))


@asynccontextmanager
async def _keeper(stack: Stack) -> AsyncIterator[tuple[Keeper, Database]]:
    url = (stack.home.run / "database-url-workspace").read_text(encoding="utf-8").strip()
    database = await Database.connect(url, schema="workspace")
    try:
        yield Keeper(database=database, blobs=_blobs(stack)), database
    finally:
        await database.close()


def _blobs(stack: Stack) -> Blobs:
    return open_blobs(stack.home.blobs.as_uri())
