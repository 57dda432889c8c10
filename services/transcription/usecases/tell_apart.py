"""Tells the speakers of a recording apart, once its words are there, without delaying any.

The transcript is out already; where several people speak, one with their labels takes its place.
Voiceprints are never kept: only who speaks when, as labels that mean nothing elsewhere.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from services.transcription import store
from services.transcription.domain import RecordingRemovedError, RecordingUnknownError
from services.transcription.domain.speakers import Turn, are_several, runs_of
from services.transcription.usecases.assemble import Assembler
from services.transcription.usecases.samples import read_samples
from services.transcription.voiceprints import Floats, VoiceEncoder
from services.transcription.voices import HOP_MS, WINDOW_MS, tell_apart
from shared.blobs.port import Blobs
from shared.bus import Delivery
from shared.contracts.messages import SpeakersRequest
from shared.contracts.transcript import Segment
from shared.db import Database
from shared.errors import ConflictError

Outcome = TypeVar("Outcome")

LEAST_SPEECH_MS = WINDOW_MS // 2
"""A window with fewer words in it says little about a voice."""
LEAST_RUN_MS = 800
"""Words in a shorter run are too few to be sure of one voice."""
WHOLE = 0.95
"""One person speaks in a window that so much of lies in a run, or that holds so much of one."""
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
                await store.begin_reassembly(tx, request.recording_id)
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
        are_whole: list[bool] = []
        prints: list[Floats] = []
        for chunk, words in zip(chunks, heard, strict=True):
            starts_ms = windows_in(chunk.start_ms, chunk.end_ms, words.segments)
            if starts_ms:
                times += [chunk.start_ms + start for start in starts_ms]
                are_whole += whole_in(times[-len(starts_ms) :], words.segments)
                prints.append(await self._voiceprints(chunk.key, starts_ms))
        if not prints:
            return ()
        return await self._run(lambda: tell_apart(times, np.concatenate(prints), are_whole))

    async def _voiceprints(self, key: str, starts_ms: list[int]) -> Floats:
        pcm = await read_samples(self.blobs, key)
        frames = [start // FRAME_MS for start in starts_ms]
        return await self._run(lambda: self.encoder().voiceprints(pcm, frames))

    async def _run(self, work: Callable[[], Outcome]) -> Outcome:
        return await asyncio.get_running_loop().run_in_executor(self.executor, work)


def windows_in(start_ms: int, end_ms: int, segments: Sequence[Segment]) -> list[int]:
    """Return where windows with enough words begin, from the start of their chunk."""
    words = [word for segment in segments for word in segment.words]
    starts: list[int] = []
    for start in range(0, end_ms - start_ms - WINDOW_MS + 1, HOP_MS):
        begin = start_ms + start
        spoken = sum(
            max(0, min(word.end_ms, begin + WINDOW_MS) - max(word.start_ms, begin))
            for word in words
        )
        if spoken >= LEAST_SPEECH_MS:
            starts.append(start)
    return starts


def whole_in(times_ms: Sequence[int], segments: Sequence[Segment]) -> list[bool]:
    """Tell of each window, given by its begin in the recording, whether one person speaks in it."""
    runs = [(start, end) for start, end in runs_of(segments) if end - start >= LEAST_RUN_MS]
    return [
        any(
            min(time + WINDOW_MS, end) - max(time, start) >= WHOLE * min(end - start, WINDOW_MS)
            for start, end in runs
        )
        for time in times_ms
    ]
