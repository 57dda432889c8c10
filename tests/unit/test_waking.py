"""Waiting for a wake-up: it ends by the event, by time, and always by a cancellation."""

import asyncio

import pytest

from shared.waking import woken

pytestmark = pytest.mark.unit


async def test_it_ends_with_the_event_or_with_the_time_and_the_event_is_clear() -> None:
    event = asyncio.Event()
    await woken(event, within_s=0)
    event.set()
    await woken(event, within_s=60)
    assert not event.is_set()


@pytest.mark.parametrize("turns", range(4))
async def test_a_cancellation_that_comes_with_the_event_is_not_lost(turns: int) -> None:
    event = asyncio.Event()
    waiting = asyncio.create_task(woken(event, within_s=60))
    await asyncio.sleep(0)
    event.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    was_waiting = waiting.cancel()
    (outcome,) = await asyncio.gather(waiting, return_exceptions=True)
    assert isinstance(outcome, asyncio.CancelledError) == was_waiting
