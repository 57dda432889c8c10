"""Carries a service's outbox to the bus, in order, until the stream acknowledged each message."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Final

import asyncpg

from shared import log, telemetry
from shared.bus import metrics
from shared.bus.bus import Bus, growing_delay
from shared.bus.sql import QUERIES
from shared.clock import Clock
from shared.db import Connection, Database
from shared.errors import TidingsError, UnavailableError
from shared.waking import woken

BATCH: Final = 100
TURN_S: Final = 20.0
"""A batch is marked after so long at the latest: the database ends who stays idle for a minute."""
POLL_S: Final = 2.0
LONGEST_DELAY_S: Final = 5.0
TIDY_EVERY_S: Final = 3600.0
KEEP_PUBLISHED: Final = timedelta(days=30)
KEEP_HEARD: Final = timedelta(days=100)
"""Longer than any stream keeps a message: 30 days for facts, 90 for dead letters."""


class Relay:
    """Publishes outbox rows of one schema. Any number may run: a lock lets one act at a time."""

    def __init__(self, bus: Bus, database: Database, clock: Clock) -> None:
        self._bus = bus
        self._database = database
        self._clock = clock
        self._woken = asyncio.Event()
        self._failures = 0
        self._tidied_s: float | None = None

    @property
    def is_healthy(self) -> bool:
        """True while what waits gets out."""
        return self._failures == 0

    async def run(self) -> None:
        """Relay until cancelled. Neither a lost bus nor a lost database ends it."""
        listener = asyncio.create_task(self._listen())
        forget = self._bus.when_back(self._woken.set)
        try:
            while True:
                delay_s = await self._turn()
                await woken(self._woken, within_s=delay_s)
        finally:
            forget()
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)

    async def flush(self) -> None:
        """Publish what waits, as a last thing; what fails stays for the next start."""
        with suppress(TidingsError):
            while await self._publish_batch():
                pass

    async def _turn(self) -> float:
        """Publish all there is; return how long to wait for a wake-up."""
        try:
            while await self._publish_batch():
                pass
            await self._tidy()
        except UnavailableError as exc:
            self._failures += 1
            metrics.PUBLISH_FAILURES.labels(self._bus.service).inc()
            log.get().warning("relay waits", code=exc.code, failures=self._failures)
            return growing_delay(self._failures, base_s=0.1, cap_s=LONGEST_DELAY_S)
        self._failures = 0
        return POLL_S

    async def _publish_batch(self) -> bool:
        """Publish what a turn has time for; return whether more waits that is ours to publish."""
        failure: UnavailableError | None = None
        async with self._database.transaction() as tx:
            if not await tx.fetchval(QUERIES["claim_relay"]):
                return False
            rows = await tx.fetch(QUERIES["waiting"], BATCH)
            published: list[int] = []
            until_s = self._clock.monotonic_s() + TURN_S
            for row in rows:
                if self._clock.monotonic_s() > until_s:
                    break
                try:
                    await self._publish(row)
                except UnavailableError as exc:
                    # Nothing may overtake this one; keep what went before it.
                    failure = exc
                    break
                published.append(row["id"])
            await self._mark(tx, published)
        telemetry.metrics.bus_outbox_waiting.set(len(rows) - len(published))
        if failure is not None:
            raise failure
        return len(rows) == BATCH or len(published) < len(rows)

    async def _publish(self, row: asyncpg.Record) -> None:
        await self._bus.publish(
            row["subject"],
            row["payload"],
            message_id=str(row["message_id"]),
            headers=row["headers"],
        )
        message_type = ".".join(row["subject"].split(".")[-3:])
        telemetry.metrics.bus_published.labels(message_type).inc()

    async def _mark(self, tx: Connection, published: list[int]) -> None:
        if published:
            await tx.execute(QUERIES["mark_published"], published, self._clock.now())

    async def _tidy(self) -> None:
        now_s = self._clock.monotonic_s()
        if self._tidied_s is not None and now_s - self._tidied_s < TIDY_EVERY_S:
            return
        self._tidied_s = now_s
        now = self._clock.now()
        await self._database.execute(QUERIES["forget_published"], now - KEEP_PUBLISHED)
        await self._database.execute(QUERIES["forget_heard"], now - KEEP_HEARD)

    async def _listen(self) -> None:
        """Keep listening for wake-ups; while that fails the poll alone carries on."""
        attempt = 0
        while True:
            try:
                channel = await self._database.fetchval(QUERIES["relay_channel"])
                async with self._database.listen(channel) as payloads:
                    attempt = 0
                    self._woken.set()
                    async for _ in payloads:
                        self._woken.set()
            except UnavailableError:
                attempt += 1
                await asyncio.sleep(growing_delay(attempt, base_s=0.1, cap_s=LONGEST_DELAY_S))
