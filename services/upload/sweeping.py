"""Clears away what nobody needs, and takes up again what was given up.

Abandoned uploads and their parts, stray blobs, removed updates, wishes without an answer.
A blob is deleted only while no backup runs (`deletion_allowed`).
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from services.upload import store
from services.upload.domain import UploadState, recording_prefix
from services.upload.reviving import Reviver
from shared import log
from shared.blobs import Blobs
from shared.bus import enqueue
from shared.clock import Clock
from shared.contracts.messages import RecordingExpired
from shared.db import Connection, Database, deletion_allowed
from shared.errors import TidingsError, UnavailableError

BATCH = 100
KEYS_AT_ONCE = 1000


class BackupRunningError(UnavailableError):
    """Nothing can be deleted while a backup is being made; it is tried again later."""

    code = "backup-running"


@dataclass(frozen=True, kw_only=True)
class SweepRules:
    """When what is cleared away."""

    every_s: float = 300.0
    """Pause between two looks for abandoned uploads."""
    orphans_every_s: float = 6 * 3600.0
    """Pause between two looks through all blobs."""
    orphan_after: timedelta = timedelta(hours=24)
    """A blob without a row is deleted this long after it was first seen so."""


class Sweeper:
    """Sweeps one service's uploads. Any number may run: each skips what another one is at."""

    def __init__(
        self, *, database: Database, blobs: Blobs, clock: Clock, rules: SweepRules
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._clock = clock
        self._rules = rules
        self._reviver = Reviver(database=database, clock=clock)

    async def run(self) -> None:
        """Sweep until cancelled. A lost database or store only delays it."""
        orphans_due_at = self._clock.monotonic_s() + self._rules.orphans_every_s
        while True:
            await asyncio.sleep(self._rules.every_s)
            try:
                await self.expire_abandoned()
                await self.delete_ended()
                await self.revive_given_up()
                if self._clock.monotonic_s() >= orphans_due_at:
                    await self.delete_orphans()
                    orphans_due_at = self._clock.monotonic_s() + self._rules.orphans_every_s
            except TidingsError as exc:
                log.get().warning("sweep failed", code=exc.code)

    async def expire_abandoned(self) -> int:
        """Expire uploads nobody continued in time; return how many."""
        expired = 0
        while count := await self._expire_some():
            expired += count
        return expired

    async def delete_ended(self) -> int:
        """Delete the parts of terminated and expired uploads; return of how many uploads."""
        deleted = 0
        while count := await self._delete_some():
            deleted += count
        return deleted

    async def revive_given_up(self) -> int:
        """Wish again what was given up without a verdict; return for how many recordings."""
        return await self._reviver.revive()

    async def delete_orphans(self) -> int:
        """Note blobs without a row and delete those noted long ago; return how many."""
        await self._note_orphans()
        deleted = 0
        while (count := await self._delete_some_orphans()) is not None:
            deleted += count
        return deleted

    async def forget(self, tx: Connection, recording_id: UUID) -> None:
        """Remove every blob and row of a recording for good. Raises BackupRunningError."""
        if not await deletion_allowed(tx):
            raise BackupRunningError
        await store.lock_recording(tx, recording_id)
        keys = set(await store.keys_of(tx, recording_id))
        keys.update([key async for key in self._blobs.list(recording_prefix(recording_id))])
        await self._blobs.delete(keys)
        await store.forget(tx, recording_id, self._clock.now())

    async def _expire_some(self) -> int:
        async with self._database.transaction() as tx:
            now = self._clock.now()
            recording_ids = await store.abandoned_uploads(tx, now, BATCH)
            for recording_id in recording_ids:
                upload = await store.end_upload(tx, recording_id, UploadState.EXPIRED, now)
                if upload is not None:
                    expired = RecordingExpired(
                        team_id=upload.team_id,
                        thread_id=upload.thread_id,
                        update_id=upload.update_id,
                        recording_id=recording_id,
                    )
                    await enqueue(tx, expired, clock=self._clock)
            return len(recording_ids)

    async def _delete_some(self) -> int:
        async with self._database.transaction() as tx:
            if not await deletion_allowed(tx):
                return 0
            recording_ids = await store.ended_uploads_with_parts(tx, BATCH)
            for recording_id in recording_ids:
                await self._blobs.delete(await store.keys_of(tx, recording_id))
                await store.drop_parts(tx, recording_id)
            return len(recording_ids)

    async def _note_orphans(self) -> None:
        keys: list[str] = []
        async for key in self._blobs.list("recordings/"):
            keys.append(key)
            if len(keys) == KEYS_AT_ONCE:
                await self._note_unnamed(keys)
                keys = []
        await self._note_unnamed(keys)

    async def _note_unnamed(self, keys: list[str]) -> None:
        unnamed = await store.unnamed_keys(self._database, keys)
        await store.note_orphans(self._database, unnamed, self._clock.now())

    async def _delete_some_orphans(self) -> int | None:
        """Return how many were deleted, or None when none is old enough or a backup runs."""
        async with self._database.transaction() as tx:
            if not await deletion_allowed(tx):
                return None
            seen_before = self._clock.now() - self._rules.orphan_after
            keys = await store.old_orphans(tx, seen_before, KEYS_AT_ONCE)
            if not keys:
                return None
            # What got a row since it was noted is no orphan any more.
            unnamed = await store.unnamed_keys(tx, keys)
            await self._blobs.delete(unnamed)
            await store.drop_orphans(tx, keys)
            return len(unnamed)
