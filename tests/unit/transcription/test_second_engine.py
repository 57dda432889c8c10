"""The second model is in memory only while it is needed."""

from datetime import UTC, datetime

import pytest

from services.transcription.domain import EngineError
from services.transcription.engine import Engine
from services.transcription.second_engine import SecondEngine

pytestmark = pytest.mark.unit


class StoppedClock:
    def __init__(self) -> None:
        self.at_s = 1_000.0

    def now(self) -> datetime:
        return datetime(2026, 3, 11, tzinfo=UTC)

    def monotonic_s(self) -> float:
        return self.at_s


class PretendedEngine:
    name = "pretended"
    languages = frozenset({"en"})

    def recognise(self, batch: object) -> list[object]:
        raise NotImplementedError


async def test_it_is_loaded_when_it_is_needed_and_freed_when_it_is_not() -> None:
    loaded: list[Engine] = []

    def load() -> Engine:
        loaded.append(PretendedEngine())  # type: ignore[arg-type]
        return loaded[-1]

    clock = StoppedClock()
    second = SecondEngine(load, clock, unused_s=60)
    await second.free_unused()
    assert not loaded
    assert await second.ready() is await second.ready()
    clock.at_s += 59
    await second.free_unused()
    assert second.is_loaded
    await second.ready()
    clock.at_s += 59
    await second.free_unused()
    assert second.is_loaded
    clock.at_s += 1
    await second.free_unused()
    assert not second.is_loaded
    await second.ready()
    assert len(loaded) == 2


async def test_what_cannot_be_loaded_is_tried_again() -> None:
    tries = []

    def load() -> Engine:
        tries.append(1)
        raise EngineError

    second = SecondEngine(load, StoppedClock())
    for _ in range(2):
        with pytest.raises(EngineError):
            await second.ready()
    assert not second.is_loaded
    assert len(tries) == 2
