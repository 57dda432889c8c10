"""Runs blocking calls in threads, without ever leaving one behind that still writes."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager, suppress
from functools import partial
from io import FileIO
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(
    executor: Executor | None, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Return the call's result. Cancelled, however often, wait for its end first.

    A thread cannot be stopped, and closing a file under one that still writes would let the bytes
    go wherever the file's number is used next.
    """
    loop = asyncio.get_running_loop()
    future = loop.run_in_executor(executor, partial(call, *args, **kwargs))
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({future})
        raise


@asynccontextmanager
async def opened(path: Path, mode: str) -> AsyncIterator[FileIO]:
    """Give the file, unbuffered, and close it however this ends; a new one is ours alone."""
    files: list[FileIO] = []

    def open_file() -> None:
        # Kept here and not returned: a cancelled caller never gets what a thread returns.
        files.append(FileIO(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600)))

    try:
        await in_thread(None, open_file)
        yield files[0]
    finally:
        for file in files:
            file.close()
