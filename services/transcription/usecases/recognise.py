"""Recognises chunks of several recordings together and brings each recording forward.

The engine's failure is a failure: the chunk is tried again, and at the end the recording has an
error, never an empty transcript.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from services.transcription import queue_store, store
from services.transcription.domain import (
    ChunkSettledError,
    ChunkUnknownError,
    EngineError,
)
from services.transcription.engine import Chunk, ChunkResult
from services.transcription.engine_room import EngineRoom
from services.transcription.usecases.assemble import Assembler
from services.transcription.usecases.place import segments_in
from services.transcription.usecases.samples import read_samples
from shared.blobs.port import Blobs
from shared.bus import Delivery, Release
from shared.clock import Clock
from shared.contracts.messages import TranscriptionRequest
from shared.db import Connection, Database
from shared.errors import TidingsError

Work = tuple[TranscriptionRequest, Delivery]
Outcome = TypeVar("Outcome")


@dataclass(frozen=True, kw_only=True)
class Recogniser:
    """One engine at work."""

    room: EngineRoom
    blobs: Blobs
    database: Database
    assembler: Assembler
    clock: Clock
    max_attempts: int
    """After so many attempts nobody tries again, so the recording must be ended."""

    async def recognise(self, batch: Sequence[Work], release: Release) -> list[Exception | None]:
        """Handle a batch; one outcome for each message, in order.

        It is released as soon as the engine is free: words are saved while it goes on.
        """
        with self.room.expecting():
            loaded = await _each(self._load, batch)
            chunks = [chunk for chunk in loaded if isinstance(chunk, Chunk)]
            results = iter(await self._hear(chunks))
        release()
        heard = [next(results) if isinstance(chunk, Chunk) else chunk for chunk in loaded]
        return [await self._settle(work, result) for work, result in zip(batch, heard, strict=True)]

    async def _load(self, work: Work) -> Chunk:
        request, delivery = work
        awaited = await queue_store.is_awaited(
            self.database, request.recording_id, request.chunk_index, delivery.message_id
        )
        if awaited is None:
            raise ChunkUnknownError
        if not awaited:
            raise ChunkSettledError
        await queue_store.mark_taken(
            self.database, request.recording_id, request.chunk_index, delivery.message_id
        )
        return await self.load(request)

    async def load(self, request: TranscriptionRequest) -> Chunk:
        """Return the samples of a chunk, and what guides the engine."""
        team = await store.team_of(self.database, request.team_id)
        return Chunk(
            pcm=await read_samples(self.blobs, request.key),
            language=request.language,
            languages=team.languages,
            glossary=team.glossary,
        )

    async def _hear(self, chunks: Sequence[Chunk]) -> list[ChunkResult | EngineError]:
        """Recognise all together; when that fails, one by one, so only the faulty one fails."""
        if not chunks:
            return []
        try:
            return list(await self.room.recognise(chunks))
        except EngineError as exc:
            if len(chunks) == 1:
                return [exc]
        alone = [await self._hear([chunk]) for chunk in chunks]
        return [result for results in alone for result in results]

    async def _settle(self, work: Work, result: ChunkResult | TidingsError) -> TidingsError | None:
        if isinstance(result, EngineError) and work[1].attempt >= self.max_attempts:
            await self._give_up(work[0], result)
        if isinstance(result, TidingsError):
            return result
        try:
            await self._save(work, result)
        except TidingsError as exc:
            return exc
        return None

    async def _give_up(self, request: TranscriptionRequest, error: EngineError) -> None:
        async with self.database.transaction() as tx:
            await self.assembler.fail(tx, request.recording_id, error)

    async def _save(self, work: Work, result: ChunkResult) -> None:
        request, delivery = work
        async with delivery.effect() as tx:
            await self.keep(tx, request, delivery.message_id, result)

    async def keep(
        self, tx: Connection, request: TranscriptionRequest, message_id: UUID, result: ChunkResult
    ) -> None:
        """Keep what was heard. Raises ChunkSettledError where nobody waits for it any more."""
        segments = segments_in(
            result,
            chunk_index=request.chunk_index,
            start_ms=request.start_ms,
            end_ms=request.end_ms,
        )
        # The recording first: whoever assembles locks it before its chunks, and so must we.
        await store.lock_recording(tx, request.recording_id)
        saved = await store.save_result(
            tx,
            request.recording_id,
            request.chunk_index,
            message_id=message_id,
            languages=result.languages,
            language_probability=result.language_probability,
            model=self.room.engine.name,
            segments=segments,
        )
        if not saved:
            raise ChunkSettledError
        await self.assembler.advance(tx, request.recording_id)


async def _each(
    load: Callable[[Work], Awaitable[Outcome]], batch: Sequence[Work]
) -> list[Outcome | TidingsError]:
    """Do it for all at once; an expected error is the outcome of its message only."""

    async def outcome(work: Work) -> Outcome | TidingsError:
        try:
            return await load(work)
        except TidingsError as exc:
            return exc

    return list(await asyncio.gather(*(outcome(work) for work in batch)))
