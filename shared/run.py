"""Runs a process: uvloop, a clean stop on SIGTERM and SIGINT, one log line if it fails."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

import uvloop

from shared import log
from shared.errors import TidingsError


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run until done or told to stop; a signal cancels ``main``, whose ``finally`` blocks clean up.

    Ends with exit status 1 when ``main`` fails; the reason is logged once.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        status = runner.run(_until_told(main))
    if status:
        raise SystemExit(status)


async def _until_told(main: Coroutine[Any, Any, None]) -> int:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(main)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        await asyncio.wait({task})
        if task.cancelled():
            return 0
        error = task.exception()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
    if error is None:
        return 0
    if isinstance(error, TidingsError):
        # Expected trouble (a server that cannot be reached) needs its sentence, not a place.
        log.get().error("stopped", code=error.code, detail=error.detail)
    else:
        log.uncaught(error)
    return 1
