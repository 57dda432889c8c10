"""Removes what nobody needs any more, and ends recordings whose recognition was given up."""

from dataclasses import dataclass
from datetime import timedelta

from services.transcription import looks_store, store
from services.transcription.domain import EngineError
from services.transcription.usecases.assemble import Assembler
from shared.blobs.port import Blobs
from shared.clock import Clock
from shared.contracts.registry import Consumer
from shared.db import Database, deletion_allowed

KEEP_FAILED = timedelta(days=7)
"""A dead letter may be replayed that long: its chunk must still be there."""
KEEP_FINISHED = timedelta(seconds=30)
"""A request on its way may still ask for the samples of a recording that has just ended."""
KEEP_DOUBTFUL = timedelta(days=1)
"""So long a second look may wait for an idle moment; then the first words stand."""


@dataclass(frozen=True, kw_only=True)
class Sweeper:
    """Works in small transactions; any number may run at a time."""

    database: Database
    blobs: Blobs
    assembler: Assembler
    clock: Clock
    recognising: Consumer
    """The consumer whose requests may be given up without a word."""

    async def sweep(self) -> int:
        """Do what is due and return how many recordings were cleared."""
        await self._end_given_up()
        await self._end_overdue_looks()
        swept = 0
        while await self._sweep_one():
            swept += 1
        return swept

    async def _end_given_up(self) -> None:
        for recording_id in await store.given_up(self.database, self.recognising.durable):
            async with self.database.transaction() as tx:
                await self.assembler.fail(tx, recording_id, EngineError())

    async def _end_overdue_looks(self) -> None:
        """Publish what has got better so far."""
        since_before = self.clock.now() - KEEP_DOUBTFUL
        for recording_id in await looks_store.overdue_looks(self.database, since_before):
            async with self.database.transaction() as tx:
                await store.lock_recording(tx, recording_id)
                await looks_store.give_up_looks(tx, recording_id)
                await self.assembler.publish_better(tx, recording_id)

    async def _sweep_one(self) -> bool:
        """Clear one recording; False when none is due or a backup wants everything kept for now."""
        async with self.database.transaction() as tx:
            if not await deletion_allowed(tx):
                return False
            now = self.clock.now()
            found = await store.to_sweep(
                tx, failed_before=now - KEEP_FAILED, finished_before=now - KEEP_FINISHED
            )
            if found is None:
                return False
            recording_id, is_removed = found
            keys = [key async for key in self.blobs.list(f"chunks/{recording_id}/")]
            if is_removed:
                keys += [key async for key in self.blobs.list(f"transcripts/{recording_id}")]
            await self.blobs.delete(keys)
            # The transcript's blob and whoever read it hold the words now.
            await (store.forget if is_removed else store.forget_chunks)(tx, recording_id)
            await store.mark_swept(tx, recording_id, now)
            return True
