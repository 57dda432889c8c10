"""Waiting for something to become true, with a deadline instead of a guess."""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any


async def until(
    condition: Callable[[], object], *, timeout_s: float = 15.0, every_s: float = 0.01
) -> Any:
    """Return the first true result, awaited where need be; AssertionError if none comes in time."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        result = condition()
        value = await result if inspect.isawaitable(result) else result
        if value:
            return value
        if time.monotonic() > deadline_s:
            message = f"waited {timeout_s} s in vain; last: {value!r}"
            raise AssertionError(message)
        await asyncio.sleep(every_s)
