"""Keeps what upload and workspace tell about recordings, where followers find their work."""

from dataclasses import dataclass

from services.transcription import store
from services.transcription.domain import (
    RecordingExpiredError,
    RecordingGoneError,
    RecordingRemovedError,
    RecordingUnknownError,
)
from services.transcription.store import Part
from services.transcription.usecases.assemble import Assembler
from shared.bus import Delivery
from shared.clock import Clock
from shared.contracts.messages import (
    RecordingCompleted,
    RecordingExpired,
    RecordingGrew,
    RecordingRefused,
    RecordingStarted,
    RetranscriptionRequest,
    TeamChanged,
    UpdateRemoved,
)


@dataclass(frozen=True, kw_only=True)
class Notes:
    """Each fact is kept once, however often and in whatever order it arrives."""

    assembler: Assembler
    clock: Clock

    async def note_started(self, fact: RecordingStarted, delivery: Delivery) -> None:
        """A recording will come; now its language is known, or known to be unknown."""
        async with delivery.effect() as tx:
            await store.note_recording(tx, fact, fact.recording_id, self.clock.now())
            await store.announce(
                tx, fact.recording_id, is_live=fact.is_live, language=fact.language
            )
            await store.wake_followers(tx, fact.recording_id)

    async def note_grew(self, fact: RecordingGrew, delivery: Delivery) -> None:
        """A part can be read."""
        async with delivery.effect() as tx:
            await store.note_recording(tx, fact, fact.recording_id, self.clock.now())
            part = Part(number=fact.part_number, key=fact.key)
            await store.add_part(tx, fact.recording_id, part, fact.size_bytes)
            await store.wake_followers(tx, fact.recording_id)

    async def note_completed(self, fact: RecordingCompleted, delivery: Delivery) -> None:
        """No further part will come."""
        async with delivery.effect() as tx:
            await store.note_recording(tx, fact, fact.recording_id, self.clock.now())
            await store.complete_parts(
                tx, fact.recording_id, part_count=fact.part_count, completed_at=delivery.time
            )
            await store.wake_followers(tx, fact.recording_id)

    async def note_refused(self, fact: RecordingRefused, delivery: Delivery) -> None:
        """The bytes are no recording: nobody waits for text of them."""
        async with delivery.effect() as tx:
            await store.note_recording(tx, fact, fact.recording_id, self.clock.now())
            await self.assembler.refuse(tx, fact.recording_id, code=fact.code, detail=fact.detail)

    async def note_expired(self, fact: RecordingExpired, delivery: Delivery) -> None:
        """The rest will never come, and what came is gone."""
        expired = RecordingExpiredError()
        async with delivery.effect() as tx:
            await store.note_recording(tx, fact, fact.recording_id, self.clock.now())
            await self.assembler.refuse(
                tx, fact.recording_id, code=expired.code, detail=expired.detail
            )

    async def note_team(self, fact: TeamChanged, delivery: Delivery) -> None:
        """From now on its recordings are heard with these languages and names in mind."""
        async with delivery.effect() as tx:
            await store.note_team(tx, fact)

    async def note_renewal(self, request: RetranscriptionRequest, delivery: Delivery) -> None:
        """Hear a recording anew. What was in the works for an earlier revision comes to nothing."""
        async with delivery.effect() as tx:
            recording = await store.lock_recording(tx, request.recording_id)
            if recording is None:
                raise RecordingUnknownError
            if recording.state == "removed":
                raise RecordingRemovedError
            is_whole = await store.begin_revision(
                tx,
                request.recording_id,
                request_id=delivery.message_id,
                language=request.language,
            )
            if not is_whole:
                await self.assembler.fail(tx, request.recording_id, RecordingGoneError())
            await store.wake_followers(tx, request.recording_id)

    async def note_removed(self, fact: UpdateRemoved, delivery: Delivery) -> None:
        """Forget what was said. Samples go with the next sweep; a bare row stays."""
        async with delivery.effect() as tx:
            if fact.recording_id is None:
                return
            now = self.clock.now()
            await store.note_recording(tx, fact, fact.recording_id, now)
            await store.lock_recording(tx, fact.recording_id)
            await store.forget(tx, fact.recording_id)
            await store.finish(tx, fact.recording_id, "removed", now)
