"""Tells the speakers of a recording apart, once its words are there, without delaying any.

The transcript is out already; where several people speak, one with their labels takes its place.
Voiceprints are never kept: only who speaks when, as labels that mean nothing elsewhere.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from services.transcription import store
from services.transcription.domain import RecordingRemovedError, RecordingUnknownError
from services.transcription.domain.speakers import Turn, are_several
from services.transcription.engine import Samples
from services.transcription.store import HeardChunk, StoredChunk
from services.transcription.usecases.assemble import Assembler
from services.transcription.voiceprints import Floats, VoiceEncoder
from services.transcription.voices import HOP_MS, WINDOW_MS, tell_apart
from shared.blobs.port import Blobs
from shared.bus import Delivery
from shared.contracts.messages import SpeakersRequest
from shared.db import Database
from shared.errors import ConflictError

Outcome = TypeVar("Outcome")

LEAST_SPEECH_MS = WINDOW_MS // 2
"""A window with fewer words in it says little about a voice."""
FRAME_MS = 10


class SpeakersSettledError(ConflictError):
    """The speakers are told apart already, or the recording is being heard anew."""

    code = "speakers-settled"


@dataclass(frozen=True, kw_only=True)
class Speakers:
    """One encoder at work."""

    encoder: Callable[[], VoiceEncoder]
    """Gives the one encoder; its weights are read when a recording first needs them."""
    executor: Executor
    """One thread of low priority: recognition goes first."""
    database: Database
    blobs: Blobs
    assembler: Assembler

    async def tell(self, request: SpeakersRequest, delivery: Delivery) -> None:
        """Keep who speaks when; where several do, publish the transcript again with labels."""
        turns = await self._listen(request)
        async with delivery.effect() as tx:
            recording = await store.lock_recording(tx, request.recording_id)
            if recording is None or recording.state == "removed":
                raise RecordingRemovedError
            await store.keep_turns(tx, request.recording_id, turns)
            if are_several(turns) and recording.state == "complete":
                await store.begin_labelled_revision(tx, request.recording_id)
                await self.assembler.advance(tx, request.recording_id)

    async def _listen(self, request: SpeakersRequest) -> tuple[Turn, ...]:
        async with self.database.transaction() as tx:
            recording = await store.lock_recording(tx, request.recording_id)
            if recording is None:
                raise RecordingUnknownError
            if recording.state != "complete" or recording.turns is not None:
                raise SpeakersSettledError
            chunks = await store.chunks_of(tx, request.recording_id)
            heard = await store.segments_of(tx, request.recording_id, 0, len(chunks))
        times: list[int] = []
        prints: list[Floats] = []
        for chunk, words in zip(chunks, heard, strict=True):
            starts_ms = _windows(chunk, words)
            if starts_ms:
                times += [chunk.start_ms + start for start in starts_ms]
                prints.append(await self._voiceprints(chunk.key, starts_ms))
        if not prints:
            return ()
        return await self._run(lambda: tell_apart(times, np.concatenate(prints)))

    async def _voiceprints(self, key: str, starts_ms: list[int]) -> Floats:
        samples = b"".join([data async for data in self.blobs.read(key)])
        pcm: Samples = np.frombuffer(samples, dtype="<i2").astype(np.int16)
        frames = [start // FRAME_MS for start in starts_ms]
        return await self._run(lambda: self.encoder().voiceprints(pcm, frames))

    async def _run(self, work: Callable[[], Outcome]) -> Outcome:
        return await asyncio.get_running_loop().run_in_executor(self.executor, work)


def _windows(chunk: StoredChunk, heard: HeardChunk) -> list[int]:
    """Return where windows with enough words begin, from the start of the chunk."""
    words = [word for segment in heard.segments for word in segment.words]
    starts: list[int] = []
    for start in range(0, chunk.end_ms - chunk.start_ms - WINDOW_MS + 1, HOP_MS):
        begin = chunk.start_ms + start
        spoken = sum(
            max(0, min(word.end_ms, begin + WINDOW_MS) - max(word.start_ms, begin))
            for word in words
        )
        if spoken >= LEAST_SPEECH_MS:
            starts.append(start)
    return starts
