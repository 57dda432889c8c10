"""Keeps listeners at work: claims recordings, holds their leases, answers what goes wrong.

Any number of followers share the work. A lease is short and renewed often, so that a follower that
dies is replaced within seconds.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from services.transcription import store
from services.transcription.domain import FollowingFailedError
from services.transcription.store import Claim
from services.transcription.usecases.assemble import Assembler
from services.transcription.usecases.draft import Offers
from services.transcription.usecases.follow import Listener, NothingToFollowError
from services.transcription.usecases.pace import NotYetError, Pace
from shared import log
from shared.blobs.port import Blobs
from shared.clock import Clock
from shared.db import Database
from shared.errors import UnavailableError
from shared.media.workroom import Workroom
from shared.waking import woken

POLL_S = 0.5
"""Notifications wake us at once; this finds leases that ran out and notifications that got lost."""
PATIENCE = 8
"""So many failures in a row that are not somebody else's absence, and the recording is given up."""
LONGEST_DELAY_S = 30.0
LONG_SHARE = 0.25
"""So much of what is followed may be long: the rest of the places are for what is soon heard."""


@dataclass(frozen=True, kw_only=True)
class Leases:
    """How long a recording belongs to a follower, in seconds."""

    length_s: float = 5.0
    renew_every_s: float = 1.5
    idle_s: float = 60.0
    """A recording without new parts for so long is left until there is one."""

    @property
    def length(self) -> timedelta:
        """The same as a duration."""
        return timedelta(seconds=self.length_s)


class Follower:
    """Follows up to ``max_followed`` recordings at a time, until cancelled."""

    def __init__(
        self,
        *,
        owner: str,
        database: Database,
        blobs: Blobs,
        assembler: Assembler,
        max_followed: int,
        max_seconds: float,
        workroom: Workroom,
        clock: Clock,
        draft_every_s: float = 0.0,
        leases: Leases | None = None,
    ) -> None:
        """``owner`` must be this process's alone, and the same after a restart."""
        self._owner = owner
        self._database = database
        self._blobs = blobs
        self._assembler = assembler
        self._max_followed = max_followed
        self._max_seconds = max_seconds
        self._workroom = workroom
        self._clock = clock
        self._draft_every_s = draft_every_s
        self._leases = leases or Leases()
        self._woken = asyncio.Event()
        self._growing: dict[UUID, _Growth] = defaultdict(_Growth)
        self._following: set[asyncio.Task[None]] = set()
        self._pace = Pace(database, places=max(1, round(max_followed * LONG_SHARE)))

    @property
    def followed(self) -> int:
        """How many recordings are being followed."""
        return len(self._following)

    async def run(self) -> None:
        """Follow until cancelled; leases are given back on the way out."""
        waking = asyncio.create_task(self._hear_notifications())
        is_clean = False
        try:
            while True:
                if not is_clean:
                    is_clean = await self._forget_former_life()
                else:
                    await self._claim_what_waits()
                await woken(self._woken, within_s=POLL_S)
        finally:
            tasks = {waking, *self._following}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with suppress(UnavailableError):
                await store.release_own_leases(self._database, self._owner)

    async def _forget_former_life(self) -> bool:
        try:
            await store.release_own_leases(self._database, self._owner)
        except UnavailableError:
            return False
        return True

    async def _claim_what_waits(self) -> None:
        while len(self._following) < self._max_followed:
            try:
                claim = await store.claim_recording(
                    self._database,
                    self._owner,
                    self._leases.length,
                    may_be_long=self._pace.has_place,
                )
            except UnavailableError:
                return
            if claim is None:
                return
            if claim.is_long:
                self._pace.enter(claim.recording_id)
            task = asyncio.create_task(self._attend(claim))
            self._following.add(task)
            task.add_done_callback(self._left)

    def _left(self, task: asyncio.Task[None]) -> None:
        self._following.discard(task)
        self._woken.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.uncaught(error)

    async def _attend(self, claim: Claim) -> None:
        """Let a listener work as long as the lease holds, then settle how it ended."""
        growth = self._growing[claim.recording_id]
        listener = Listener(
            claim=claim,
            owner=self._owner,
            database=self._database,
            blobs=self._blobs,
            assembler=self._assembler,
            max_seconds=self._max_seconds,
            workroom=self._workroom,
            offers=Offers(
                database=self._database,
                recording_id=claim.recording_id,
                clock=self._clock,
                every_s=self._draft_every_s,
            ),
            new_parts=growth.wait,
            pace=partial(self._pace.keep, claim.recording_id),
        )
        try:
            async with (
                _running(listener.listen()) as listening,
                _running(self._hold(claim.recording_id, growth)) as holding,
            ):
                await asyncio.wait({listening, holding}, return_when=asyncio.FIRST_COMPLETED)
                ended = listening if listening.done() else holding
            await self._settle(claim.recording_id, ended.exception())
        finally:
            self._growing.pop(claim.recording_id, None)
            self._pace.leave(claim.recording_id)

    async def _hold(self, recording_id: UUID, growth: "_Growth") -> None:
        """Renew the lease; return when it is lost or nothing has happened for long."""
        held_until_s = asyncio.get_running_loop().time() + self._leases.length_s
        while True:
            await asyncio.sleep(self._leases.renew_every_s)
            now_s = asyncio.get_running_loop().time()
            if growth.idle_s(now_s) > self._leases.idle_s:
                log.get().info("recording is idle", recording_id=recording_id)
                return
            try:
                held = await store.renew_lease(
                    self._database, recording_id, self._owner, self._leases.length
                )
            except UnavailableError:
                # While the database is away nobody else can take the lease either.
                held = now_s < held_until_s + LONGEST_DELAY_S
            else:
                held_until_s = now_s + self._leases.length_s
            if not held:
                return

    async def _settle(self, recording_id: UUID, error: BaseException | None) -> None:
        if error is None:
            await self._release(recording_id)
            return
        if isinstance(error, NothingToFollowError):
            return
        if isinstance(error, NotYetError):
            with suppress(UnavailableError):
                await store.put_off(self._database, recording_id, self._owner)
            return
        log.get().warning("following failed", recording_id=recording_id, exc_info=error)
        is_ours = not isinstance(error, UnavailableError)
        try:
            failures = await self._postpone(recording_id)
            if is_ours and failures >= PATIENCE:
                async with self._database.transaction() as tx:
                    await self._assembler.fail(tx, recording_id, FollowingFailedError())
        except UnavailableError:
            # The lease runs out by itself, and whoever is there then tries again.
            log.get().info("lease left to run out", recording_id=recording_id)

    async def _release(self, recording_id: UUID) -> None:
        """Leave a recording that was heard to its end, is idle, or waits to be complete."""
        with suppress(UnavailableError):
            parts = await store.part_total(self._database, recording_id)
            await store.release_lease(self._database, recording_id, self._owner, parts)

    async def _postpone(self, recording_id: UUID) -> int:
        failures = await store.failures_of(self._database, recording_id)
        delay_s = min(LONGEST_DELAY_S, 0.25 * 2.0**failures)
        return await store.postpone(
            self._database, recording_id, self._owner, timedelta(seconds=delay_s)
        )

    async def _hear_notifications(self) -> None:
        while True:
            try:
                async with self._database.listen(store.PARTS_CHANNEL) as notifications:
                    async for recording_id in notifications:
                        self._woken.set()
                        if (growth := self._growing.get(UUID(recording_id))) is not None:
                            growth.notice()
            except UnavailableError:
                await asyncio.sleep(POLL_S)


class _Growth:
    """Whether a recording may have new parts, and since when it has none."""

    def __init__(self) -> None:
        self._news = asyncio.Event()
        self._waiting_since_s: float | None = None

    def notice(self) -> None:
        """Something was told of the recording."""
        self._waiting_since_s = None
        self._news.set()

    def idle_s(self, now_s: float) -> float:
        """Return for how long the listener has waited in vain."""
        return 0.0 if self._waiting_since_s is None else now_s - self._waiting_since_s

    async def wait(self) -> None:
        """Return when something was told, or when it is time to look anyway."""
        if self._waiting_since_s is None:
            self._waiting_since_s = asyncio.get_running_loop().time()
        await woken(self._news, within_s=POLL_S)


@asynccontextmanager
async def _running(work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    """Run as a task that is over, cancelled if need be, when the block is left."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
