"""Wishes that were given up without a verdict on the recording are wished again, a few times.

A worker that is killed again and again, say by a machine that restarts, uses up the attempts of
whatever it was at. Every complete recording ends playable or refused all the same.
"""

from typing import Final

from services.upload import renditions_store as rows
from services.upload.renditions_store import GivenUp
from shared import log
from shared.bus import enqueue
from shared.clock import Clock
from shared.contracts.messages import RecordingRefused, RenditionRequest, TranscodeRequest
from shared.db import Database
from shared.errors import TidingsError
from shared.ids import derived_id

WISHES_MORE: Final = 2
"""So often a wish is made again; what fails then is the recording's own fault."""
RENDERING: Final = "upload-make-renditions"
TRANSCODING: Final = "upload-transcode"


class RenditionsFailedError(TidingsError):
    """This recording could not be made playable: the work on it broke off every time."""

    code = "renditions-failed"


class Reviver:
    """Looks for wishes that were given up. Any number may: what they say has the same id."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def revive(self) -> int:
        """Wish again or end what was wished often enough; return how many recordings that is."""
        rendering = await rows.given_up_renditions(self._database, RENDERING)
        for one in rendering:
            await self._render_again(one)
        transcoding = await rows.given_up_transcodes(self._database, TRANSCODING)
        for one in transcoding:
            await self._transcode_again(one)
        return len(rendering) + len(transcoding)

    async def _render_again(self, one: GivenUp) -> None:
        async with self._database.transaction() as tx:
            if await rows.lock_state(tx, one.recording_id) != "waiting":
                return
            if one.times <= WISHES_MORE:
                wish = RenditionRequest(team_id=one.team_id, recording_id=one.recording_id)
                # While this one is on its way the count stays, and so does the id.
                wish_id = derived_id(one.recording_id, RENDERING, one.times)
                await enqueue(tx, wish, message_id=wish_id, clock=self._clock)
                return
            error = RenditionsFailedError()
            await rows.save_refused(
                tx, one.recording_id, code=error.code, detail=error.detail, now=self._clock.now()
            )
            refused = RecordingRefused(
                team_id=one.team_id,
                thread_id=one.thread_id,
                update_id=one.update_id,
                recording_id=one.recording_id,
                code=error.code,
                detail=error.detail,
            )
            await enqueue(tx, refused, clock=self._clock)
        log.get().error("recording given up", recording_id=one.recording_id)

    async def _transcode_again(self, one: GivenUp) -> None:
        async with self._database.transaction() as tx:
            if await rows.lock_state(tx, one.recording_id) != "ready":
                return
            if one.times <= WISHES_MORE:
                wish = TranscodeRequest(team_id=one.team_id, recording_id=one.recording_id)
                wish_id = derived_id(one.recording_id, TRANSCODING, one.times)
                await enqueue(tx, wish, message_id=wish_id, clock=self._clock)
                return
            # It can be heard, and that was said; only the picture stays away.
            await rows.end_transcode(tx, one.recording_id, self._clock.now())
        log.get().error("transcode given up", recording_id=one.recording_id)
