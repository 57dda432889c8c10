"""Fetches messages, gives them to handlers with a deadline and heartbeats, and stops gracefully.

Stopping lets running handlers finish within the grace time, then interrupts them; an interrupted
attempt does not count. What becomes of a message is decided and answered in `shared.bus.consuming`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from typing import Any, Final, TypeVar

from nats.aio.msg import Msg
from typing_extensions import override

from shared import log, telemetry
from shared.bus import metrics
from shared.bus.bus import Bus
from shared.bus.consuming import Consuming, Job
from shared.bus.delivery import BatchHandler, Handler
from shared.bus.pull import Pull
from shared.clock import Clock
from shared.contracts import registry
from shared.contracts.registry import Consumer
from shared.db import Database

GRACE_S: Final = 20.0
SUSPECT_FROM_ATTEMPT: Final = 3
"""From here on a message is tried alone: one that kills the process must not take others along."""

_T = TypeVar("_T")


class _Loop:
    """Fetches for one consumer and keeps its tasks."""

    def __init__(self, consuming: Consuming) -> None:
        self._consuming = consuming
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, grace_s: float) -> None:
        """Fetch until cancelled, then wind down."""
        consumer = self._consuming.consumer
        pull = Pull(self._consuming.bus, stream=consumer.stream, durable=consumer.durable)
        try:
            while True:
                await self._consuming.database_answers()
                await self._take(pull)
        finally:
            for raw in await pull.close():
                await self._consuming.give_back(raw)
            await self._wind_down(grace_s)

    async def _take(self, pull: Pull) -> None:
        """Fetch once and start the work on it."""
        raise NotImplementedError

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _work(self, raws: Sequence[Msg]) -> None:
        """Take deliveries from the wire to their answers. Nothing escapes to hurt the others."""
        jobs: list[Job] = []
        try:
            for raw in raws:
                job = await self._consuming.prepare(raw)
                if job is not None:
                    jobs.append(job)
            chosen = await self._choose(jobs)
            async with self._kept_alive(chosen):
                await self._handle(chosen)
        except asyncio.CancelledError:
            for raw in raws:
                job = next((job for job in jobs if job.raw is raw), None)
                await self._consuming.interrupt(raw, job)
            raise
        except Exception as exc:  # noqa: BLE001 - the one place on the bus where our own bugs end
            log.uncaught(exc)
            for raw in raws:
                await self._consuming.give_back(raw, self._consuming.backoff_s(raw))
        finally:
            for raw in raws:
                self._consuming.forget(raw)

    async def _choose(self, jobs: Sequence[Job]) -> Sequence[Job]:
        """Return the jobs that are handled now, all of them unless a loop knows better."""
        return jobs

    async def _handle(self, jobs: Sequence[Job]) -> None:
        """Run the handler and settle each job."""
        raise NotImplementedError

    async def _tried(self, attempt: Awaitable[_T]) -> _T | Exception:
        """Await the handler within its deadline; return what it raised."""
        consumer = self._consuming.consumer
        with (
            telemetry.metrics.bus_duration.labels(consumer.durable).time(),
            metrics.RUNNING.labels(consumer.durable).track_inprogress(),
        ):
            try:
                async with asyncio.timeout(consumer.deadline_s):
                    return await attempt
            except Exception as exc:  # noqa: BLE001 - whatever a handler raises becomes an outcome
                return exc

    @asynccontextmanager
    async def _kept_alive(self, jobs: Sequence[Job]) -> AsyncIterator[None]:
        beating = asyncio.create_task(self._consuming.keep_alive(jobs))
        try:
            yield
        finally:
            beating.cancel()

    async def _wind_down(self, grace_s: float) -> None:
        running = set(self._running)
        if not running:
            return
        try:
            _, running = await asyncio.wait(running, timeout=grace_s)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


class _EachLoop(_Loop):
    """Several messages at a time, each on its own."""

    def __init__(self, consuming: Consuming, handlers: Mapping[type[Any], Handler]) -> None:
        super().__init__(consuming)
        self._handlers = handlers

    @override
    async def _take(self, pull: Pull) -> None:
        room = self._consuming.consumer.concurrency - len(self._running)
        if room <= 0:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
            return
        raw = await pull.next(room)
        if raw is not None:
            self._start(self._work([raw]))

    @override
    async def _handle(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            handler = self._handlers[type(job.message)]
            with job.span():
                error = await self._tried(handler(job.message, job.delivery))
                await self._consuming.settle(job, error)


class _BatchLoop(_Loop):
    """One batch after the other, as many messages as come together.

    The next is fetched when the handler releases this one, which it may still be settling then.
    """

    def __init__(
        self, consuming: Consuming, handler: BatchHandler, max_batch: int, linger_s: float
    ) -> None:
        super().__init__(consuming)
        self._handler = handler
        self._max_batch = max_batch
        self._linger_s = linger_s
        self._released = asyncio.Event()

    @override
    async def _take(self, pull: Pull) -> None:
        await self._until_released()
        first = await pull.next(1)
        if first is None:
            return
        batch = [first]
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._linger_s
        try:
            while len(batch) < self._max_batch:
                raw = await pull.more(self._max_batch - len(batch), until_s - loop.time())
                if raw is None:
                    break
                batch.append(raw)
        except asyncio.CancelledError:
            for raw in batch:
                await self._consuming.give_back(raw)
            raise
        self._released.clear()
        self._start(self._work(batch))

    async def _until_released(self) -> None:
        """Wait until the batch at work is released or over, and no earlier one is being settled."""
        released = asyncio.create_task(self._released.wait())
        try:
            while self._running and not self._released.is_set():
                await asyncio.wait({*self._running, released}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            released.cancel()
        while len(self._running) > 1:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)

    @override
    async def _choose(self, jobs: Sequence[Job]) -> Sequence[Job]:
        """Return a suspect alone. What came with it goes back first, or would die with it again."""
        suspect = next((job for job in jobs if job.delivery.attempt >= SUSPECT_FROM_ATTEMPT), None)
        if suspect is None:
            return jobs
        for job in jobs:
            if job is not suspect:
                await self._consuming.put_back(job)
        return [suspect]

    @override
    async def _handle(self, jobs: Sequence[Job]) -> None:
        if not jobs:
            return
        with ExitStack() as spans:
            for job in jobs:
                spans.enter_context(job.span())
            result = await self._tried(
                self._handler([(job.message, job.delivery) for job in jobs], self._released.set)
            )
            if isinstance(result, Exception):
                errors: Sequence[Exception | None] = [result] * len(jobs)
            elif len(result) != len(jobs):
                wrong = RuntimeError(f"{len(result)} outcomes for {len(jobs)} messages")
                errors = [wrong] * len(jobs)
            else:
                errors = result
            for job, error in zip(jobs, errors, strict=True):
                await self._consuming.settle(job, error)


class Runner:
    """Runs the registered consumers of one service until cancelled."""

    def __init__(
        self, bus: Bus, database: Database, clock: Clock, *, grace_s: float = GRACE_S
    ) -> None:
        self._bus = bus
        self._database = database
        self._clock = clock
        self._grace_s = grace_s
        self._loops: list[_Loop] = []

    @property
    def is_healthy(self) -> bool:
        """True while messages can be fetched."""
        return self._bus.is_healthy

    def on(self, durable: str, handlers: Mapping[type[Any], Handler]) -> None:
        """Handle each message class of the durable, several messages at a time.

        Raises ValueError when the handlers are not exactly those of the registry.
        """
        consumer = self._registered(durable, handlers)
        self._loops.append(_EachLoop(self._consuming(consumer), handlers))

    def on_batch(
        self, durable: str, handler: BatchHandler, max_batch: int, linger_s: float
    ) -> None:
        """Handle up to ``max_batch`` messages together, waiting ``linger_s`` for company.

        The handler returns one outcome per message, in order; raising means that for all of them.
        Once it releases a batch the next may come, so that two overlap at most.
        """
        consumer = self._registered(durable, None)
        self._loops.append(_BatchLoop(self._consuming(consumer), handler, max_batch, linger_s))

    async def run(self) -> None:
        """Work until cancelled; then finish what runs in the grace time and give the rest back."""
        async with asyncio.TaskGroup() as group:
            for loop in self._loops:
                group.create_task(loop.run(self._grace_s))

    def _consuming(self, consumer: Consumer) -> Consuming:
        return Consuming(self._bus, self._database, self._clock, consumer)

    def _registered(self, durable: str, handlers: Mapping[type[Any], Handler] | None) -> Consumer:
        consumer = registry.CONSUMER_BY_DURABLE.get(durable)
        if consumer is None or consumer.service != self._bus.service:
            message = f"{durable} is not a consumer of {self._bus.service} in the registry"
            raise ValueError(message)
        if handlers is not None and set(handlers) != set(consumer.messages):
            message = f"{durable} must handle exactly the messages the registry gives it"
            raise ValueError(message)
        return consumer
