"""Brings a recording's chunks together: has them recognised, settles languages, publishes, ends.

`advance` is called in every transaction that changed something, by whichever process made the
change; the lock on the recording's row makes one of them the last.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.transcription import looks_store, queue_store, store
from services.transcription.domain import (
    EngineError,
    NoSpeechError,
    main_language,
    settled_languages,
)
from services.transcription.domain.second_look import is_doubtful
from services.transcription.domain.speakers import with_speakers
from services.transcription.store import HeardChunk, Recording, StoredChunk
from shared import telemetry
from shared.blobs.port import Blobs
from shared.bus import enqueue
from shared.clock import Clock
from shared.contracts.messages import (
    SpeakersRequest,
    TranscriptCompleted,
    TranscriptFailed,
    TranscriptGrew,
)
from shared.contracts.transcript import Transcript
from shared.db import Connection
from shared.errors import TidingsError
from shared.ids import derived_id


@dataclass(frozen=True, kw_only=True)
class Assembler:
    """What is needed to bring a recording forward."""

    blobs: Blobs
    clock: Clock
    max_in_flight: int
    """Chunks of one recording that may wait for recognisers, so that a long one starves nobody."""
    tells_speakers: bool = True
    """Whether voices are told apart once the words are there."""
    looks_again: bool = False
    """Whether another model hears doubtful chunks once the words are there."""

    async def advance(self, tx: Connection, recording_id: UUID) -> None:
        """Do everything that can be done for this recording now. Repeating it changes nothing."""
        recording = await store.lock_recording(tx, recording_id)
        if recording is None or not _may_advance(recording):
            return
        chunks = await store.chunks_of(tx, recording_id)
        languages = _languages(recording, chunks)
        chunks = await self._dispatch(tx, recording, chunks, languages)
        await self._tell(tx, recording, chunks)
        is_whole = recording.chunk_count is not None and len(chunks) >= recording.chunk_count
        if is_whole and all(chunk.state == "done" for chunk in chunks):
            await self._complete(tx, recording, chunks)

    async def fail(self, tx: Connection, recording_id: UUID, error: TidingsError) -> None:
        """End a recording with an error, once; what is complete, failed or removed stays so."""
        recording = await store.lock_recording(tx, recording_id)
        if recording is not None and recording.is_open:
            await self._fail(tx, recording, code=error.code, detail=error.detail)

    async def refuse(self, tx: Connection, recording_id: UUID, *, code: str, detail: str) -> None:
        """End a recording for a reason found elsewhere, once."""
        recording = await store.lock_recording(tx, recording_id)
        if recording is not None and recording.is_open:
            await self._fail(tx, recording, code=code, detail=detail)

    async def publish_better(self, tx: Connection, recording_id: UUID) -> None:
        """Publish the next revision where the looks at a recording are over and words got better.

        One that is being heard anew gets other words anyway.
        """
        recording = await store.lock_recording(tx, recording_id)
        if recording is None or recording.state != "complete":
            return
        if await looks_store.end_looks(tx, recording_id):
            await store.begin_reassembly(tx, recording_id)
            await self.advance(tx, recording_id)

    async def _dispatch(
        self,
        tx: Connection,
        recording: Recording,
        chunks: Sequence[StoredChunk],
        languages: Sequence[str | None],
    ) -> list[StoredChunk]:
        """Ask for the next chunks; return them all as they stand now, ``done`` only for good."""
        standing = list(zip(chunks, languages, strict=True))
        wanted = [pair for pair in standing if _is_wanted(recording, *pair)]
        room = max(0, self.max_in_flight - sum(chunk.state == "sent" for chunk in chunks))
        for chunk, language in wanted[:room]:
            again = language if chunk.state == "done" else None
            await self._ask(tx, recording, chunk, recording.author_language or again)
        return [
            chunk if _is_final(recording, chunk, language) else replace(chunk, state="sent")
            for chunk, language in standing
        ]

    async def _ask(
        self, tx: Connection, recording: Recording, chunk: StoredChunk, language: str | None
    ) -> None:
        chunk_id = derived_id(recording.recording_id, chunk.index)
        message_id = _once(recording, chunk_id, "recognise", language or "detect")
        await queue_store.mark_sent(
            tx, recording.recording_id, chunk.index, message_id=message_id, language=language
        )

    async def _tell(
        self, tx: Connection, recording: Recording, chunks: Sequence[StoredChunk]
    ) -> None:
        """Publish what is newly known, in order and without gaps: one message a chunk."""
        known = 0
        while known < len(chunks) and chunks[known].state == "done":
            known += 1
        # While a recording is heard anew, its readers have the earlier words.
        if recording.revision or known <= recording.told_chunks:
            return
        heard = await store.segments_of(tx, recording.recording_id, recording.told_chunks, known)
        for chunk in heard:
            if chunk.segments:
                await enqueue(
                    tx,
                    TranscriptGrew(
                        **_places(recording),
                        segments=chunk.segments,
                        known_ms=chunk.end_ms,
                        arrived_ms=max(recording.heard_ms, chunk.end_ms),
                    ),
                    clock=self.clock,
                )
        await store.note_told(tx, recording.recording_id, known)

    async def _complete(
        self,
        tx: Connection,
        recording: Recording,
        chunks: Sequence[StoredChunk],
    ) -> None:
        heard = await store.segments_of(tx, recording.recording_id, 0, len(chunks))
        segments = with_speakers(
            [segment for chunk in heard for segment in chunk.segments], recording.turns or ()
        )
        if not segments:
            nothing = NoSpeechError()
            if recording.is_open:
                await self._fail(tx, recording, code=nothing.code, detail=nothing.detail)
            return
        language = main_language([(s.language, len(s.words)) for s in segments])
        transcript = Transcript(
            update_id=recording.update_id,
            recording_id=recording.recording_id,
            language=language,
            duration_ms=recording.heard_ms,
            model=next(chunk.model for chunk in chunks if chunk.model),
            second_model=next((each.second_model for each in chunks if each.second_model), None),
            segments=segments,
        )
        # The same words give the same bytes, so a repeat after a crash replaces the blob by itself.
        blob = await self.blobs.put(
            f"transcripts/{recording.recording_id}/{recording.revision}.json",
            transcript.model_dump_json().encode(),
            media_type="application/json",
        )
        await enqueue(
            tx,
            TranscriptCompleted(
                **_places(recording),
                revision=recording.revision,
                request_id=recording.request_id,
                language=language,
                duration_ms=recording.heard_ms,
                segment_count=len(segments),
                word_count=sum(len(segment.words) for segment in segments),
                key=blob.key,
                size_bytes=blob.size_bytes,
                sha256=blob.sha256,
            ),
            message_id=_once(recording, recording.recording_id, "transcript-completed"),
            clock=self.clock,
        )
        now = self.clock.now()
        await store.finish(tx, recording.recording_id, "complete", now)
        if self.tells_speakers and recording.turns is None:
            await self._ask_for_speakers(tx, recording)
        if self.looks_again:
            await self._ask_for_looks(tx, recording, heard)
        if recording.completed_at is not None and recording.revision == 0:
            delay_s = (now - recording.completed_at).total_seconds()
            telemetry.metrics.transcript_delay.observe(max(0.0, delay_s))

    async def _ask_for_speakers(self, tx: Connection, recording: Recording) -> None:
        await store.await_speakers(tx, recording.recording_id)
        await enqueue(
            tx,
            SpeakersRequest(team_id=recording.team_id, recording_id=recording.recording_id),
            message_id=_once(recording, recording.recording_id, "speakers"),
            clock=self.clock,
        )

    async def _ask_for_looks(
        self, tx: Connection, recording: Recording, heard: Sequence[HeardChunk]
    ) -> None:
        doubtful = [chunk.index for chunk in heard if is_doubtful(chunk.segments)]
        await looks_store.ask_for_looks(tx, recording.recording_id, doubtful)

    async def _fail(self, tx: Connection, recording: Recording, *, code: str, detail: str) -> None:
        await enqueue(
            tx,
            TranscriptFailed(
                **_places(recording), request_id=recording.request_id, code=code, detail=detail
            ),
            message_id=_once(recording, recording.recording_id, "transcript-failed"),
            clock=self.clock,
        )
        await store.finish(tx, recording.recording_id, "failed", self.clock.now(), code)


def _languages(recording: Recording, chunks: Sequence[StoredChunk]) -> list[str | None]:
    """Return the language of each chunk, None where it is too early to tell."""
    if recording.author_language is not None:
        return [recording.author_language] * len(chunks)
    return settled_languages(
        [chunk.guess for chunk in chunks], is_all=recording.chunk_count == len(chunks)
    )


def _is_wanted(recording: Recording, chunk: StoredChunk, language: str | None) -> bool:
    """Nobody has asked for it yet, or what was heard is not in the language it turned out to be."""
    if chunk.state == "done" and language is not None:
        return not _is_final(recording, chunk, language)
    return chunk.state == "cut"


def _is_final(recording: Recording, chunk: StoredChunk, language: str | None) -> bool:
    """Its words stand: it was heard in the right language, or has none."""
    if chunk.state != "done":
        return False
    if recording.author_language or chunk.asked_language or chunk.guess is None:
        return True
    return chunk.guess.speech_ms == 0 or chunk.guess.languages[-1] == language


def _may_advance(recording: Recording) -> bool:
    """An engine that failed may be mended and its dead letter replayed; other ends are for good."""
    return recording.is_open or recording.problem_code == EngineError.code


def _once(recording: Recording, *parts: str | UUID) -> UUID:
    """Return the id of what is said once in each revision."""
    return derived_id(*parts, *([recording.revision] if recording.revision else []))


def _places(recording: Recording) -> dict[str, UUID]:
    return {
        "team_id": recording.team_id,
        "thread_id": recording.thread_id,
        "update_id": recording.update_id,
        "recording_id": recording.recording_id,
    }
