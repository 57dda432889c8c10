"""A thread that works for a task is never left behind by it."""

import asyncio
import threading

import pytest

from shared.blobs.threads import in_thread

pytestmark = pytest.mark.unit


async def test_a_task_cancelled_twice_still_waits_for_its_thread() -> None:
    """A deadline and then a stop: the file was closed under a thread that wrote to it."""
    may_end = threading.Event()
    task = asyncio.create_task(in_thread(None, may_end.wait))
    for _ in range(2):
        await asyncio.sleep(0.01)
        task.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
