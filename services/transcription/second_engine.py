"""The second model: in memory only while there is something for it to look at."""

import asyncio
import ctypes
import gc
from collections.abc import Callable

from services.transcription.engine import Engine
from shared.clock import Clock

UNUSED_S = 300.0
"""Loading takes seconds; memory that nobody uses for minutes belongs to others."""


class SecondEngine:
    """An engine that is loaded when it is first needed, and again after it was freed."""

    def __init__(
        self, load: Callable[[], Engine], clock: Clock, *, unused_s: float = UNUSED_S
    ) -> None:
        """``load`` may take its time; it is kept off the event loop and the engine's thread."""
        self._load = load
        self._clock = clock
        self._unused_s = unused_s
        self._engine: Engine | None = None
        self._used_at_s = 0.0

    @property
    def is_loaded(self) -> bool:
        """True while the model is in memory."""
        return self._engine is not None

    async def ready(self) -> Engine:
        """Return the engine. Raises ``EngineError`` where it cannot be loaded."""
        if self._engine is None:
            self._engine = await asyncio.to_thread(self._load)
        self._used_at_s = self._clock.monotonic_s()
        return self._engine

    async def free_unused(self) -> None:
        """Free the memory if nobody has used it for a while. Not while the engine computes."""
        is_unused = self._clock.monotonic_s() - self._used_at_s >= self._unused_s
        if self._engine is not None and is_unused:
            self._engine = None
            await asyncio.to_thread(_give_back_memory)


def _give_back_memory() -> None:
    """Let the system have what was freed: glibc else keeps most of a model that is gone."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
