"""Fills the queue of chunks, a batch at a time and only when an engine has room.

What is on the queue is served in the order it came. So chunks wait in the database, where the order
can still change: whoever begins to speak now goes before hours of files that were sent earlier.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from services.transcription import queue_store
from services.transcription.engine_room import EngineRoom
from services.transcription.queue_store import AskedChunk, Rank
from shared.bus import enqueue
from shared.clock import Clock
from shared.contracts.messages import TranscriptionRequest
from shared.db import Connection, Database
from shared.errors import UnavailableError
from shared.ids import derived_id
from shared.waking import woken

SHORT = 8
"""A recording of more chunks than this, some two minutes, is a long one."""
POLL_S = 0.5
"""Notifications wake us at once; this finds those that got lost."""


@dataclass(frozen=True, kw_only=True)
class Fairness:
    """How the engine is shared out."""

    max_batch: int
    """Chunks recognised together."""
    beside_speech: int = 2
    """The same for chunks of files while somebody speaks."""
    beside_others: int = 4
    """The same for chunks of long recordings while there are several."""
    shares: Mapping[UUID, float] = field(default_factory=dict)
    """How many turns a team has where every other has one."""
    most_of_a_team: int | None = None
    """Chunks of one team that may be with recognisers; None: any number."""


@dataclass(frozen=True, kw_only=True)
class Dispatcher:
    """Asks for the next chunks whenever the engine beside it has nothing to do."""

    room: EngineRoom
    database: Database
    clock: Clock
    fairness: Fairness
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Fill until cancelled."""
        self.room.when_free(self._woken.set)
        listening = asyncio.create_task(self._hear_notifications())
        try:
            while True:
                await woken(self._woken, within_s=POLL_S)
                if not self.room.is_expecting:
                    with suppress(UnavailableError):
                        await self.fill()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def fill(self) -> int:
        """Put the next chunks on the queue until a batch lies there; return how many it took."""
        async with self.database.transaction() as tx:
            await queue_store.lock_queue(tx)
            room = self.fairness.max_batch - await queue_store.untaken(tx)
            chunks = await self._next(tx, room) if room > 0 else []
            for chunk in chunks:
                await queue_store.mark_queued(tx, chunk.recording_id, chunk.index)
                await enqueue(
                    tx,
                    request_for(chunk),
                    message_id=chunk.message_id,
                    clock=self.clock,
                )
        return len(chunks)

    async def _next(self, tx: Connection, room: int) -> list[AskedChunk]:
        """Return the next batch: the smaller, the more somebody may mind to wait for its end.

        What is on the engine cannot be interrupted. While somebody speaks, their next words should
        wait for a second, not for a whole batch of files. Where several recordings want the engine,
        another short one may come, and should not wait long for, or together with, long ones.
        """
        fair = self.fairness
        rank, chunks = await queue_store.next_chunks(
            tx, room, short=SHORT, shares=fair.shares, most_of_a_team=fair.most_of_a_team
        )
        if rank is not Rank.LIVE and await queue_store.is_someone_speaking(tx):
            return chunks[: fair.beside_speech]
        if rank >= Rank.LONG and len({chunk.recording_id for chunk in chunks}) > 1:
            return chunks[: fair.beside_others]
        return chunks

    async def _hear_notifications(self) -> None:
        while True:
            try:
                async with self.database.listen(queue_store.ASKED_CHANNEL) as notifications:
                    async for _ in notifications:
                        self._woken.set()
            except UnavailableError:
                await asyncio.sleep(POLL_S)


def request_for(chunk: AskedChunk) -> TranscriptionRequest:
    """Return what a recogniser is told of a chunk."""
    return TranscriptionRequest(
        team_id=chunk.team_id,
        recording_id=chunk.recording_id,
        chunk_id=derived_id(chunk.recording_id, chunk.index),
        chunk_index=chunk.index,
        key=chunk.key,
        start_ms=chunk.start_ms,
        end_ms=chunk.end_ms,
        language=chunk.language,
    )
