"""One engine, the one thread it computes on, and who comes first there."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager

from services.transcription.engine import SAMPLE_RATE, Chunk, ChunkResult, Engine
from shared import telemetry
from shared.clock import Clock


class EngineRoom:
    """Keeps the engine's calls from overlapping, and off the event loop."""

    def __init__(self, engine: Engine, executor: Executor, clock: Clock) -> None:
        """``executor`` must have one thread."""
        self.engine = engine
        self._executor = executor
        self._clock = clock
        self._expected = 0
        self._computing = 0
        self.longest_s = 0.0
        """How long the longest batch took so far."""
        self._on_free: list[Callable[[], None]] = []

    @property
    def is_expecting(self) -> bool:
        """True while settled work is on its way to the engine or computed."""
        return self._expected > 0

    def when_free(self, callback: Callable[[], None]) -> None:
        """Call back whenever the settled work is computed."""
        self._on_free.append(callback)

    @property
    def is_busy(self) -> bool:
        """True while the engine computes or settled work is on its way to it."""
        return self.is_expecting or self._computing > 0

    @contextmanager
    def expecting(self) -> Iterator[None]:
        """Keep the engine for the settled work that is dealt with in this block."""
        self._expected += 1
        try:
            yield
        finally:
            self._expected -= 1
            if not self._expected:
                for callback in self._on_free:
                    callback()

    async def recognise(self, chunks: Sequence[Chunk]) -> list[ChunkResult]:
        """Recognise all together, after what was given before. Raises ``EngineError``."""
        results, busy_s = await self._compute(self.engine, chunks)
        self.longest_s = max(self.longest_s, busy_s)
        telemetry.metrics.recognition_batch.observe(len(chunks))
        heard_s = sum(chunk.pcm.size for chunk in chunks) / SAMPLE_RATE
        telemetry.metrics.recognised_audio_seconds.inc(heard_s)
        return results

    async def look(self, engine: Engine, chunk: Chunk) -> ChunkResult:
        """Let another engine hear one chunk in the meantime. Raises ``EngineError``.

        On the same thread, so that the two never share the cores: what comes now waits for it.
        """
        (result,), _ = await self._compute(engine, [chunk])
        return result

    async def _compute(
        self, engine: Engine, chunks: Sequence[Chunk]
    ) -> tuple[list[ChunkResult], float]:
        """Return the results, and how long they took."""
        self._computing += 1
        try:
            started_s = self._clock.monotonic_s()
            results = await asyncio.get_running_loop().run_in_executor(
                self._executor, engine.recognise, chunks
            )
            busy_s = self._clock.monotonic_s() - started_s
        finally:
            self._computing -= 1
        telemetry.metrics.recognition_busy_seconds.inc(busy_s)
        return results, busy_s
