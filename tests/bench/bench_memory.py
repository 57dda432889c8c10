"""Memory of each process while hours of sound come in small pieces: it should not grow.

The baseline is the same process after the first tenth, when everything was used once.
"""

import asyncio
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import psutil

from tests.support.client import signed_in
from tests.support.measuring import (
    MIB,
    house,
    long_file,
    options,
    pieces_of,
    report,
    samples_of,
    scratch,
    transcribed,
    transcripts,
    write_wav,
)
from tests.support.stack import Stack

AT_ONCE = 8
MOST_GROWTH = 1.2


def memory_of(stack: Stack) -> dict[str, float]:
    """Return the resident memory of each process in MiB."""
    return {
        name: round(psutil.Process(pid).memory_info().rss / MIB, 1)
        for name, pid in stack.pids().items()
    }


async def send(stack: Stack, paths: list[Path], pieces: int) -> None:
    """Send so many pieces, a few at a time."""
    room = asyncio.Semaphore(AT_ONCE)
    async with signed_in(stack.url, stack.token) as tidings, transcripts(tidings) as heard:
        thread = await tidings.first_thread()

        async def one(number: int) -> None:
            async with room:
                await transcribed(tidings, heard, paths[number % len(paths)], thread)

        await asyncio.gather(*(one(number) for number in range(pieces)))


def main() -> int:
    """Measure, print, and answer 1 where a process of ours grew too much."""
    asked = options(__doc__, hours=0.1, seconds=20.0)
    pieces = max(10, round(asked.hours * 3600 / asked.seconds))
    with scratch() as folder, house() as stack:
        sounds = islice(pieces_of(samples_of(long_file()), asked.seconds), 16)
        paths = [write_wav(folder / f"{n}.wav", pcm) for n, pcm in enumerate(sounds)]
        asyncio.run(send(stack, paths, max(pieces // 10, AT_ONCE)))
        early = memory_of(stack)
        asyncio.run(send(stack, paths, pieces))
        late = memory_of(stack)
    growth = {name: round(late[name] / early[name], 3) for name in early if name in late}
    found: dict[str, Any] = {
        "hours": round(pieces * asked.seconds / 3600, 2),
        "MiB after a tenth,": early,
        "MiB at the end,": late,
        "growth,": growth,
    }
    report(found, asked.json)
    # PostgreSQL and NATS fill caches of a size they were given.
    ours = {name: grown for name, grown in growth.items() if name not in {"postgres", "nats"}}
    return int(max(ours.values()) > MOST_GROWTH)


if __name__ == "__main__":
    sys.exit(main())
