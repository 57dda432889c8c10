"""A short update sent behind hours of backlog, beside the same update on an idle system."""

import asyncio
import statistics
import sys
from pathlib import Path
from typing import Any

from shared.testing.waiting import until
from tests.support.client import Tidings, signed_in
from tests.support.measuring import (
    BYTES_PER_S,
    LONGEST_S,
    house,
    long_file,
    options,
    report,
    samples_of,
    scratch,
    spread,
    transcribed,
    transcripts,
    write_wav,
)
from tests.support.stack import Stack

MOST_TIMES = 2.0


async def measure(
    stack: Stack, *, short: Path, long: Path, copies: int, rounds: int
) -> tuple[list[float], list[float], bool]:
    """Return the seconds of the short update when idle and behind, and if the backlog lasted."""
    async with signed_in(stack.url, stack.token) as tidings, transcripts(tidings) as heard:
        thread = await tidings.first_thread()
        idle = [await transcribed(tidings, heard, short, thread) for _ in range(rounds)]
        backlog = [await tidings.send(long, thread, language="en") for _ in range(copies)]
        await _begun(tidings, backlog[0])
        behind = [await transcribed(tidings, heard, short, thread) for _ in range(rounds)]
        last = await tidings.update(backlog[-1])
        return idle, behind, last["transcript"]["state"] != "complete"


async def _begun(tidings: Tidings, update_id: str) -> None:
    """Wait until the backlog is being worked on."""

    async def is_begun() -> bool:
        return bool((await tidings.update(update_id))["transcript"]["state"] != "waiting")

    await until(is_begun, timeout_s=LONGEST_S, every_s=0.1)


def main() -> int:
    """Measure, print, and answer 1 where the bound is missed."""
    asked = options(__doc__, hours=0.5, seconds=60.0, rounds=3)
    pcm = samples_of(long_file())
    copies = max(1, round(asked.hours * 3600 * BYTES_PER_S / len(pcm)))
    with scratch() as folder, house() as stack:
        short = write_wav(folder / "short.wav", pcm[: int(asked.seconds * 16_000) * 2])
        idle, behind, lasted = asyncio.run(
            measure(stack, short=short, long=long_file(), copies=copies, rounds=asked.rounds)
        )
    times = statistics.median(behind) / statistics.median(idle)
    found: dict[str, Any] = {
        "hours of backlog": round(copies * len(pcm) / BYTES_PER_S / 3600, 2),
        "backlog lasted to the end": lasted,
        "idle s": spread(idle),
        "behind s": spread(behind),
        "times as long": round(times, 2),
    }
    report(found, asked.json)
    return int(times > MOST_TIMES)


if __name__ == "__main__":
    sys.exit(main())
