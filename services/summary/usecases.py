"""Summarise what was said or written, once; forget what was removed."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from services.summary import store
from services.summary.domain.sentences import Spoken
from services.summary.domain.summarise import guess_language, summarise
from shared.blobs import Blobs
from shared.bus import Delivery, enqueue
from shared.clock import Clock
from shared.contracts import messages as m
from shared.contracts.transcript import Transcript
from shared.db import Connection, Database
from shared.errors import ConflictError, InvalidError

UNKNOWN_LANGUAGE = "und"
"""ISO 639-2 for a language that could not be told."""


class UpdateRemovedError(ConflictError):
    """The update was removed meanwhile; nobody wants its summary."""

    code = "update-removed"


class NewerTranscriptError(ConflictError):
    """A better transcript of the recording was summarised already."""

    code = "newer-transcript"


class TranscriptDamagedError(InvalidError):
    """The stored transcript is not the one that was announced."""

    code = "transcript-damaged"


@dataclass(frozen=True, kw_only=True)
class Summaries:
    """The verbs, with what they need."""

    database: Database
    blobs: Blobs
    clock: Clock

    async def on_posted(self, fact: m.UpdatePosted, delivery: Delivery) -> None:
        """Remember the day; summarise what was written."""
        language = fact.language or guess_language(fact.sentences)
        segments = [
            Spoken(id=number, text=sentence, language=language)
            for number, sentence in enumerate(fact.sentences)
        ]
        is_written = fact.kind is m.UpdateKind.TEXT
        summary = await self._summary(fact, segments, fact.posted_at) if is_written else None
        async with delivery.effect() as tx:
            await self._require_standing(tx, fact)
            await store.note_posted(tx, fact.update_id, fact.posted_at)
            if summary is not None:
                await enqueue(tx, summary, clock=self.clock)

    async def on_transcribed(self, fact: m.TranscriptCompleted, delivery: Delivery) -> None:
        """Summarise what was said."""
        remembered = await store.recall(self.database, fact.update_id)
        if remembered.is_removed:
            raise UpdateRemovedError
        if fact.revision < (remembered.revision or 0):
            raise NewerTranscriptError
        transcript = await self._read(fact)
        segments = [
            Spoken(
                id=segment.id,
                text=segment.text,
                language=segment.language,
                start_ms=segment.start_ms,
                end_ms=segment.end_ms,
            )
            for segment in transcript.segments
        ]
        summary = await self._summary(fact, segments, remembered.posted_at or delivery.time)
        async with delivery.effect() as tx:
            if not await store.note_revision(tx, fact.update_id, fact.revision):
                await self._require_standing(tx, fact)
                raise NewerTranscriptError
            await enqueue(tx, summary, clock=self.clock)

    async def on_removed(self, fact: m.UpdateRemoved, delivery: Delivery) -> None:
        """Forget an update; a late transcript of it will not be summarised."""
        async with delivery.effect() as tx:
            await store.note_removed(tx, fact.update_id, delivery.time)

    async def _summary(
        self, fact: m.UpdateFact, segments: Sequence[Spoken], said_at: datetime
    ) -> m.SummaryCompleted:
        # A long talk takes a second or so, which other updates need not wait for.
        statements = await asyncio.to_thread(summarise, segments, said_at.date())
        return m.SummaryCompleted(
            team_id=fact.team_id,
            thread_id=fact.thread_id,
            update_id=fact.update_id,
            language=_main_language(segments),
            statements=statements,
        )

    async def _require_standing(self, tx: Connection, fact: m.UpdateFact) -> None:
        remembered = await store.recall_locked(tx, fact.update_id)
        if remembered.is_removed:
            raise UpdateRemovedError

    async def _read(self, fact: m.TranscriptCompleted) -> Transcript:
        content = b"".join([chunk async for chunk in self.blobs.read(fact.key)])
        if hashlib.sha256(content).hexdigest() != fact.sha256:
            raise TranscriptDamagedError
        try:
            return Transcript.model_validate_json(content)
        except ValidationError as exc:
            raise TranscriptDamagedError from exc


def _main_language(segments: Sequence[Spoken]) -> str:
    """Return the language most is said in."""
    said: Counter[str] = Counter()
    for segment in segments:
        said[segment.language or UNKNOWN_LANGUAGE] += len(segment.text)
    return said.most_common(1)[0][0] if said else UNKNOWN_LANGUAGE
