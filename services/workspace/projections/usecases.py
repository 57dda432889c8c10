"""Keeps what other services tell about updates: recordings, transcripts, summaries.

Each verb is one transaction with the inbox mark, so an effect happens once.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import ValidationError

from services.workspace.corrections.usecases import lay_over
from services.workspace.projections import domain, store
from services.workspace.projections.domain import Progress
from services.workspace.transcripts.domain import StoredSegment
from shared.blobs import Blobs
from shared.bus import Delivery
from shared.contracts import messages as m
from shared.contracts.transcript import Transcript
from shared.db import Connection, Database
from shared.errors import InvalidError


class TranscriptDamagedError(InvalidError):
    """The stored transcript is not the one that was announced."""

    code = "transcript-damaged"


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """The verbs, with what they need."""

    database: Database
    blobs: Blobs

    async def keep_started(self, fact: m.RecordingStarted, delivery: Delivery) -> None:
        """Bytes are on their way."""
        await self._move(fact.update_id, fact.recording_id, delivery, domain.after_started)

    async def keep_completed(self, fact: m.RecordingCompleted, delivery: Delivery) -> None:
        """All bytes are here."""
        await self._move(fact.update_id, fact.recording_id, delivery, domain.after_completed)

    async def keep_ready(self, fact: m.RecordingReady, delivery: Delivery) -> None:
        """The recording can be played."""
        await self._move(
            fact.update_id,
            fact.recording_id,
            delivery,
            lambda progress: domain.after_ready(progress, fact, delivery.time),
        )

    async def keep_refused(self, fact: m.RecordingRefused, delivery: Delivery) -> None:
        """The bytes are of no use."""
        await self._move(
            fact.update_id,
            fact.recording_id,
            delivery,
            lambda progress: domain.after_refused(progress, fact, delivery.time),
        )

    async def keep_expired(self, fact: m.RecordingExpired, delivery: Delivery) -> None:
        """The upload was abandoned."""
        await self._move(
            fact.update_id,
            fact.recording_id,
            delivery,
            lambda progress: domain.after_expired(progress, delivery.time),
        )

    async def keep_growth(self, fact: m.TranscriptGrew, delivery: Delivery) -> None:
        """Show and find what is known already."""
        segments = [StoredSegment.spoken(segment) for segment in fact.segments]
        async with delivery.effect() as tx:
            progress = await _lock(tx, fact.update_id, fact.recording_id)
            progress = domain.after_grown(progress)
            await store.append_segments(tx, fact.update_id, segments)
            await store.save_progress(tx, fact.update_id, progress, delivery.time)

    async def keep_transcript(self, fact: m.TranscriptCompleted, delivery: Delivery) -> None:
        """Put the whole transcript in the place of what was known; a removed update needs none."""
        await store.require_standing(self.database, fact.update_id)
        transcript = await self._read(fact)
        segments = [StoredSegment.spoken(segment) for segment in transcript.segments]
        async with delivery.effect() as tx:
            progress = await _lock(tx, fact.update_id, fact.recording_id)
            progress = domain.after_transcribed(progress, fact)
            await store.replace_segments(tx, fact.update_id, segments)
            await store.save_progress(tx, fact.update_id, progress, delivery.time)
            await lay_over(tx, fact.update_id, delivery.time)

    async def keep_failure(self, fact: m.TranscriptFailed, delivery: Delivery) -> None:
        """Say why there will be no transcript."""
        await self._move(
            fact.update_id,
            fact.recording_id,
            delivery,
            lambda progress: domain.after_failed(progress, fact, delivery.time),
        )

    async def keep_summary(self, fact: m.SummaryCompleted, delivery: Delivery) -> None:
        """Keep the statements and the title they give."""
        async with delivery.effect() as tx:
            progress = await store.lock_progress(tx, fact.update_id)
            progress = domain.after_summarised(progress, fact, delivery.time)
            await store.replace_statements(tx, fact.update_id, fact.statements)
            await store.save_progress(tx, fact.update_id, progress, delivery.time)
            await lay_over(tx, fact.update_id, delivery.time)

    async def _move(
        self,
        update_id: UUID,
        recording_id: UUID,
        delivery: Delivery,
        after: Callable[[Progress], Progress],
    ) -> None:
        async with delivery.effect() as tx:
            progress = await _lock(tx, update_id, recording_id)
            await store.save_progress(tx, update_id, after(progress), delivery.time)

    async def _read(self, fact: m.TranscriptCompleted) -> Transcript:
        content = b"".join([chunk async for chunk in self.blobs.read(fact.key)])
        if hashlib.sha256(content).hexdigest() != fact.sha256:
            raise TranscriptDamagedError
        try:
            return Transcript.model_validate_json(content)
        except ValidationError as exc:
            raise TranscriptDamagedError from exc


async def keep_written(
    tx: Connection, update_id: UUID, sentences: Sequence[str], language: str | None
) -> None:
    """Keep a written update's sentences as segments without times, to be found and quoted alike."""
    segments = [
        StoredSegment(id=number, start_ms=None, end_ms=None, text=sentence, language=language)
        for number, sentence in enumerate(sentences)
    ]
    await store.replace_segments(tx, update_id, segments)


async def _lock(tx: Connection, update_id: UUID, recording_id: UUID) -> Progress:
    progress = await store.lock_progress(tx, update_id)
    if progress.recording_id != recording_id:
        raise domain.UpdateUnknownError
    return progress
