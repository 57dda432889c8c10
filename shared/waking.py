"""Waiting for a wake-up that may have got lost: until it comes, or it is time to look anyway."""

import asyncio
from contextlib import suppress


async def woken(event: asyncio.Event, *, within_s: float) -> None:
    """Return when the event is set or the time is over; the event is clear afterwards.

    Not by ``asyncio.wait_for``: in Python 3.11 it swallows a cancellation that comes together with
    the event, and whoever then waits for the cancelled task waits for ever.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await event.wait()
    event.clear()
