"""Removes samples that no chunk names: a follower was killed between storing and noting them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

from services.transcription import store
from shared.blobs.port import Blobs
from shared.clock import Clock
from shared.db import Database, deletion_allowed

PREFIX = "chunks/"
LOOK_EVERY = timedelta(hours=1)


class Strays:
    """Deletes what two looks in a row, some time apart, found without need.

    A blob is stored before the row that names it, so one look would not do. While a recording is
    followed nothing of it is a stray: the next follower names what the last one stored.
    """

    def __init__(
        self,
        *,
        database: Database,
        blobs: Blobs,
        clock: Clock,
        look_every: timedelta = LOOK_EVERY,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._clock = clock
        self._look_every = look_every
        self._seen: set[str] = set()
        self._look_due_at: datetime | None = None

    async def sweep(self) -> int:
        """Look if it is time to; return how many blobs were deleted."""
        now = self._clock.now()
        if self._look_due_at is not None and now < self._look_due_at:
            return 0
        keys = [key async for key in self._blobs.list(PREFIX)]
        seen: set[str] = set()
        deleted = 0
        for recording_id, group in groupby(sorted(keys), key=_recording_of):
            if recording_id is None:
                continue
            strays = await store.unnamed_keys(self._database, recording_id, list(group))
            deleted += await self._delete(
                recording_id, [key for key in strays if key in self._seen]
            )
            seen.update(strays)
        self._seen = seen
        self._look_due_at = now + self._look_every
        return deleted

    async def _delete(self, recording_id: UUID, keys: Sequence[str]) -> int:
        """Delete what is still without need now, unless a backup wants everything kept."""
        if not keys:
            return 0
        async with self._database.transaction() as tx:
            if not await deletion_allowed(tx):
                return 0
            # Locked, so that nobody hears on while we delete.
            await store.lock_recording(tx, recording_id)
            strays = await store.unnamed_keys(tx, recording_id, keys)
            await self._blobs.delete(strays)
            return len(strays)


def _recording_of(key: str) -> UUID | None:
    try:
        return UUID(key.removeprefix(PREFIX).split("/", 1)[0])
    except ValueError:
        return None
