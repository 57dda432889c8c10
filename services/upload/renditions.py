"""Makes complete recordings playable: the use cases behind the two wishes of this service.

Everything may be asked twice: blobs are named by their content, and rows and facts change once, in
the effect of the message. A recording that is no recording is refused with a reason.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from services.upload import renditions_store as rows
from services.upload import store
from services.upload.domain import recording_prefix
from services.upload.long_places import LongPlaces
from services.upload.rendering import Made, Playable, look_into, make_drawable, make_playable
from services.upload.renditions_store import Recording
from shared.blobs import Blobs
from shared.bus import Delivery, enqueue
from shared.clock import Clock
from shared.contracts.messages import (
    RecordingReady,
    RecordingRefused,
    Rendition,
    RenditionRequest,
    TranscodeRequest,
)
from shared.db import Connection, Database, deletion_allowed
from shared.errors import TidingsError
from shared.media import MediaError, MediaTookTooLongError
from shared.media.workroom import Workroom

ROOM_PER_BYTE = 3
"""Local disk for a recording: its parts put together, and the forms made of it."""
SLOW_TRIES = 3
"""A machine with too much to do looks like a file that takes too long, but not every time."""


class RenderingSlowError(TidingsError):
    """Working on the recording took too long; it will be tried again."""

    code = "rendering-slow"


class Renditions:
    """Turns what was uploaded into what can be played."""

    def __init__(
        self,
        *,
        database: Database,
        blobs: Blobs,
        clock: Clock,
        workroom: Workroom,
        long_places: LongPlaces | None = None,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._clock = clock
        self._workroom = workroom
        self._long_places = long_places or LongPlaces()

    async def make(self, request: RenditionRequest, delivery: Delivery) -> None:
        """Make a recording playable, or refuse it; ask for a transcode where browsers need one.

        Raises NoLongPlaceError for a long one that must wait for others like it.
        """
        recording = await rows.recording_to_render(self._database, request.recording_id)
        if recording is None or recording.state != "waiting":
            return
        self._long_places.require_if_long(recording.recording_id)
        async with self._at_work(recording) as (source, folder):
            try:
                found = await look_into(source, max_seconds=recording.max_seconds)
                with self._long_places.place_for(recording.recording_id, found.duration_ms or 0):
                    playable = await make_playable(source, folder, found)
            except MediaError as error:
                _try_again_if_slow(error, delivery)
                await self._refuse(recording, error, delivery)
                return
            renditions = await self._keep(recording.recording_id, playable.made)
            await self._announce(recording, playable, renditions, delivery)

    async def transcode(self, request: TranscodeRequest, delivery: Delivery) -> None:
        """Encode a picture browsers cannot draw; a failure leaves the recording as it is."""
        recording = await rows.recording_to_render(self._database, request.recording_id)
        if recording is None or not recording.needs_transcode:
            return
        async with self._at_work(recording) as (source, folder):
            try:
                made = await make_drawable(source, folder, max_seconds=recording.max_seconds)
            except MediaError as error:
                _try_again_if_slow(error, delivery)
                await self._give_up_transcode(recording, delivery)
                return
            renditions = await self._keep(recording.recording_id, (made,))
            await self._announce_drawable(recording, renditions, delivery)

    @asynccontextmanager
    async def _at_work(self, recording: Recording) -> AsyncIterator[tuple[Path, Path]]:
        """Give the complete recording as one local file, and a folder that is removed after."""
        needed_bytes = ROOM_PER_BYTE * recording.size_bytes
        async with self._workroom.folder(needed_bytes) as folder:
            parts = await store.parts_of(self._database, recording.recording_id)
            only = self._blobs.local_path(parts[0].key) if len(parts) == 1 else None
            if only is not None:
                yield only, folder
                return
            source = folder / "source"
            await self._blobs.fetch([part.key for part in parts], source)
            yield source, folder

    async def _keep(self, recording_id: UUID, made: Iterable[Made]) -> tuple[Rendition, ...]:
        return tuple([await self._keep_one(recording_id, form) for form in made])

    async def _keep_one(self, recording_id: UUID, form: Made) -> Rendition:
        # Named by content: whoever repeats this can never change bytes that are being served.
        name = f"{form.path.stem}-{form.sha256()[:16]}{form.path.suffix}"
        key = f"{recording_prefix(recording_id)}renditions/{name}"
        # An attempt that broke off may have left this very blob, long ago: from here on it is young
        # again, or the sweeper would take it away before a row names it.
        await store.drop_orphans(self._database, [key])
        kept = await self._blobs.put(key, form.path, media_type=form.media_type)
        return Rendition(
            kind=form.kind,
            key=key,
            media_type=form.media_type,
            size_bytes=kept.size_bytes,
            sha256=kept.sha256,
            width=form.width,
            height=form.height,
        )

    async def _announce(
        self,
        recording: Recording,
        playable: Playable,
        renditions: tuple[Rendition, ...],
        delivery: Delivery,
    ) -> None:
        async with delivery.effect() as tx:
            if not await self._still_there(tx, recording, renditions):
                return
            await rows.save_ready(
                tx,
                recording.recording_id,
                playable.found,
                duration_ms=playable.duration_ms,
                needs_transcode=playable.needs_transcode,
                now=self._clock.now(),
            )
            await rows.put_renditions(tx, recording.recording_id, renditions)
            await self._say_ready(
                tx, recording, playable.duration_ms, has_video=playable.found.has_video
            )
            if playable.needs_transcode:
                wish = TranscodeRequest(
                    team_id=recording.team_id, recording_id=recording.recording_id
                )
                await enqueue(tx, wish, clock=self._clock)

    async def _announce_drawable(
        self, recording: Recording, renditions: tuple[Rendition, ...], delivery: Delivery
    ) -> None:
        async with delivery.effect() as tx:
            if not await self._still_there(tx, recording, renditions):
                return
            await rows.end_transcode(tx, recording.recording_id, self._clock.now())
            await rows.put_renditions(tx, recording.recording_id, renditions)
            await self._say_ready(tx, recording, recording.duration_ms or 0, has_video=True)

    async def _say_ready(
        self, tx: Connection, recording: Recording, duration_ms: int, *, has_video: bool
    ) -> None:
        ready = RecordingReady(
            team_id=recording.team_id,
            thread_id=recording.thread_id,
            update_id=recording.update_id,
            recording_id=recording.recording_id,
            duration_ms=duration_ms,
            has_video=has_video,
            renditions=await rows.renditions_of(tx, recording.recording_id),
        )
        await enqueue(tx, ready, clock=self._clock)

    async def _refuse(self, recording: Recording, error: MediaError, delivery: Delivery) -> None:
        async with delivery.effect() as tx:
            if not await rows.lock_row(tx, recording.recording_id):
                return
            await rows.save_refused(
                tx,
                recording.recording_id,
                code=error.code,
                detail=error.detail,
                now=self._clock.now(),
            )
            refused = RecordingRefused(
                team_id=recording.team_id,
                thread_id=recording.thread_id,
                update_id=recording.update_id,
                recording_id=recording.recording_id,
                code=error.code,
                detail=error.detail,
            )
            await enqueue(tx, refused, clock=self._clock)

    async def _give_up_transcode(self, recording: Recording, delivery: Delivery) -> None:
        async with delivery.effect() as tx:
            await rows.end_transcode(tx, recording.recording_id, self._clock.now())

    async def _still_there(
        self, tx: Connection, recording: Recording, renditions: tuple[Rendition, ...]
    ) -> bool:
        """Return whether the update was not removed meanwhile; if it was, remove what was made."""
        if await rows.lock_row(tx, recording.recording_id):
            return True
        if await deletion_allowed(tx):
            await self._blobs.delete([rendition.key for rendition in renditions])
        return False


def _try_again_if_slow(error: MediaError, delivery: Delivery) -> None:
    """Raise RenderingSlowError for a time-out that is not the last one allowed."""
    if isinstance(error, MediaTookTooLongError) and delivery.attempt < SLOW_TRIES:
        raise RenderingSlowError from error
