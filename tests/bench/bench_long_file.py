"""One long file, from sending it to its complete transcript, beside faster-whisper called directly.

The baseline is `BatchedInferencePipeline` with the same model, number format and threads, once with
the word times that Tidings gives and once without.
"""

import asyncio
import statistics
import sys
from pathlib import Path
from typing import Any

from tests.support.client import signed_in
from tests.support.measuring import (
    BYTES_PER_S,
    PeakMemory,
    directly,
    house,
    long_file,
    options,
    report,
    samples_of,
    scratch,
    transcribed,
    transcripts,
    write_wav,
)
from tests.support.stack import Stack

LEAST_SPEED = 0.9
MOST_MEMORY = 1.3


async def send(stack: Stack, path: Path) -> float:
    """Return the seconds one file takes."""
    async with signed_in(stack.url, stack.token) as tidings, transcripts(tidings) as heard:
        return await transcribed(tidings, heard, path, await tidings.first_thread())


def measure(path: Path, seconds: float, rounds: int) -> dict[str, Any]:
    """Take turns, so that both sides see the same machine."""
    ours: list[float] = []
    memory: list[float] = []
    with house() as stack:
        direct, plain = [], []
        for _ in range(rounds):
            with PeakMemory(stack.pids()["recogniser"]) as peak:
                ours.append(asyncio.run(send(stack, path)))
            memory.append(peak.mib)
            direct.append(directly([path]))
            plain.append(directly([path], words=False))
    took_s = statistics.median(ours)
    direct_s = statistics.median(each.seconds for each in direct)
    plain_s = statistics.median(each.seconds for each in plain)
    direct_mib = max(each.peak_mib for each in direct)
    return {
        "audio s": round(seconds, 1),
        "seconds": {"Tidings": took_s, "direct": direct_s, "direct without word times": plain_s},
        "times real time": {
            "Tidings": round(seconds / took_s, 1),
            "direct": round(seconds / direct_s, 1),
            "direct without word times": round(seconds / plain_s, 1),
        },
        "speed beside direct": round(direct_s / took_s, 3),
        "speed beside direct without word times": round(plain_s / took_s, 3),
        "memory beside direct": round(max(memory) / direct_mib, 3),
        "peak MiB": {"Tidings": round(max(memory)), "direct": round(direct_mib)},
    }


def main() -> int:
    """Measure, print, and answer 1 where a bound is missed."""
    asked = options(__doc__, seconds=0.0, rounds=3)
    path = long_file()
    pcm = samples_of(path)
    seconds = len(pcm) / BYTES_PER_S
    with scratch() as folder:
        if asked.seconds:
            seconds = asked.seconds
            path = write_wav(folder / "long.wav", pcm[: int(seconds * 16_000) * 2])
        found = measure(path, seconds, asked.rounds)
    report(found, asked.json)
    fast = found["speed beside direct"] >= LEAST_SPEED
    return 0 if fast and found["memory beside direct"] <= MOST_MEMORY else 1


if __name__ == "__main__":
    sys.exit(main())
