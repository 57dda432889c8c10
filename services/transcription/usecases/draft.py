"""Words before they are settled: the chunk that is still open, recognised again and again.

Both ends give way to everything else. The listener offers at most now and then, and what it offered
before is replaced; the recogniser takes an offer only while no settled work waits for its engine.
Nothing depends on any of it, so whatever fails is left to the next offer.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np

from services.transcription import store
from services.transcription.cutting import CutChunk
from services.transcription.domain import EngineError
from services.transcription.engine import Chunk, ChunkResult
from services.transcription.engine_room import EngineRoom
from services.transcription.store import OpenChunk
from services.transcription.usecases.place import segments_in
from shared.bus import Bus, mention
from shared.clock import Clock
from shared.contracts.messages import TranscriptHeard
from shared.db import Database
from shared.errors import UnavailableError
from shared.waking import woken

LEAST_MS = 800
"""Less sound than this makes more noise than words."""
POLL_S = 0.5
"""Notifications wake us at once; this finds those that got lost."""


@dataclass(kw_only=True)
class Offers:
    """Offers what is being said in one recording, at most every ``every_s``; 0 offers nothing."""

    database: Database
    recording_id: UUID
    clock: Clock
    every_s: float
    _offered: tuple[int, int] = (-1, 0)
    """Index and end of the chunk offered last."""
    _due_s: float = 0.0

    async def offer(self, chunk: CutChunk | None) -> None:
        """Offer the open chunk, if something was said since the last time."""
        now_s = self.clock.monotonic_s()
        if chunk is None or not self.every_s or now_s < self._due_s:
            return
        said = (chunk.index, chunk.end_ms)
        if chunk.end_ms - chunk.start_ms < LEAST_MS or said <= self._offered:
            return
        self._offered, self._due_s = said, now_s + self.every_s
        offered = OpenChunk(
            recording_id=self.recording_id,
            index=chunk.index,
            start_ms=chunk.start_ms,
            end_ms=chunk.end_ms,
            samples=chunk.pcm.astype("<i2").tobytes(),
        )
        with suppress(UnavailableError):
            await store.offer_open_chunk(self.database, offered)


@dataclass(frozen=True, kw_only=True)
class Drafter:
    """Recognises open chunks of any recordings together, as long as the engine has time."""

    room: EngineRoom
    database: Database
    bus: Bus
    clock: Clock
    max_batch: int
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Draft until cancelled."""
        listening = asyncio.create_task(self._hear_notifications())
        try:
            while True:
                await woken(self._woken, within_s=POLL_S)
                # What cannot be done now is not worth doing later.
                with suppress(UnavailableError, EngineError):
                    await self.draft()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def draft(self) -> int:
        """Recognise what is offered, unless there is better to do; return how many chunks."""
        if self.room.is_busy:
            return 0
        offers = await store.take_open_chunks(self.database, self.max_batch)
        if not offers or self.room.is_busy:
            return 0
        chunks = [
            Chunk(
                pcm=np.frombuffer(offer.samples, dtype="<i2"),
                language=offer.language,
                languages=tuple(offer.languages),
                glossary=tuple(offer.glossary),
                is_draft=True,
            )
            for offer in offers
        ]
        results = await self.room.recognise(chunks)
        for offer, result in zip(offers, results, strict=True):
            await self._tell(offer, result)
        return len(offers)

    async def _tell(self, offer: OpenChunk, result: ChunkResult) -> None:
        """Publish, unless the chunk was closed meanwhile: settled words come at once then."""
        recording = await store.recording_with_open_chunk(
            self.database, offer.recording_id, offer.index
        )
        if recording is None:
            return
        heard = TranscriptHeard(
            team_id=recording.team_id,
            thread_id=recording.thread_id,
            update_id=recording.update_id,
            recording_id=recording.recording_id,
            segments=segments_in(
                result, chunk_index=offer.index, start_ms=offer.start_ms, end_ms=offer.end_ms
            ),
            from_ms=offer.start_ms,
            heard_ms=offer.end_ms,
        )
        await mention(self.bus, heard, clock=self.clock)

    async def _hear_notifications(self) -> None:
        while True:
            try:
                async with self.database.listen(store.OPEN_CHUNKS_CHANNEL) as notifications:
                    async for _ in notifications:
                        self._woken.set()
            except UnavailableError:
                await asyncio.sleep(POLL_S)
