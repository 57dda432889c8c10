"""How fast page and API answer while recognition takes all cores, beside the same when idle."""

import asyncio
import sys
import time
from typing import Any

from shared.testing.waiting import until
from tests.support.client import Tidings, signed_in
from tests.support.measuring import LONGEST_S, house, long_file, options, report, spread
from tests.support.stack import Stack

PAUSE_S = 0.02


async def ask(tidings: Tidings, paths: dict[str, str], seconds: float) -> dict[str, list[float]]:
    """Ask for each in turn, as long as told; return how many milliseconds each answer took."""
    taken: dict[str, list[float]] = {name: [] for name in paths}
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        for name, path in paths.items():
            began_s = time.monotonic()
            await tidings.call("GET", path)
            taken[name].append(1000 * (time.monotonic() - began_s))
            # Slower than the limit of requests for one token.
            await asyncio.sleep(PAUSE_S)
    return taken


async def measure(stack: Stack, seconds: float) -> dict[str, Any]:
    """Ask when idle, then while the long file is recognised."""
    async with signed_in(stack.url, stack.token) as tidings:
        thread = await tidings.first_thread()
        paths = {
            "page": "/",
            "thread": f"/api/v1/threads/{thread}",
            "updates": f"/api/v1/threads/{thread}/updates",
            "search": "/api/v1/search?q=house",
        }
        idle = await ask(tidings, paths, seconds)
        update = await tidings.send(long_file(), thread, language="en")

        async def is_growing() -> bool:
            return bool((await tidings.update(update))["transcript"]["state"] == "growing")

        await until(is_growing, timeout_s=LONGEST_S, every_s=0.1)
        busy = await ask(tidings, paths, seconds)
        lasted = (await tidings.update(update))["transcript"]["state"] == "growing"
    found: dict[str, Any] = {"busy to the end": lasted}
    for name in paths:
        found[f"{name}, idle, ms"] = spread(idle[name])
        found[f"{name}, busy, ms"] = spread(busy[name])
    return found


def main() -> int:
    """Measure and print."""
    asked = options(__doc__, seconds=8.0)
    with house() as stack:
        found = asyncio.run(measure(stack, asked.seconds))
    report(found, asked.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
