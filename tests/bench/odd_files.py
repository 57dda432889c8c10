"""Sends every odd file of the corpus through a running Tidings and tells what became of each.

    python -m tests.bench.odd_files --url http://localhost:8080 --token "$(cat var/owner-token)"

Fails (exit 1) when a file hangs, when a refusal has no code or sentence, or when an update claims a
complete transcript without a word in it.
"""

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from tests.support.client import ApiError, Tidings, signed_in
from tests.support.speech import manifest

LIMIT_S = 90


async def outcome_of(tidings: Tidings, thread: str, path: Path) -> dict[str, Any]:
    """Send one file and return its row of the table."""
    began = time.monotonic()
    row: dict[str, Any] = {"file": path.name, "bytes": path.stat().st_size}
    try:
        update_id = await tidings.send(path, thread)
        await tidings.wait(update_id, "recording", LIMIT_S)
        update = await tidings.wait(update_id, "transcript", LIMIT_S)
    except ApiError as error:
        row |= {"outcome": "refused", "code": error.code, "sentence": error.problem.get("detail")}
    except TimeoutError:
        row |= {"outcome": "hangs"}
    else:
        row |= await settled(tidings, update)
    return row | {"seconds": round(time.monotonic() - began, 1)}


async def settled(tidings: Tidings, update: dict[str, Any]) -> dict[str, Any]:
    """Describe an update that has come to rest."""
    recording, transcript = update["recording"]["state"], update["transcript"]["state"]
    problem = update["problem"] or {}
    words = 0
    if transcript == "complete":
        words = len((await tidings.transcript(update["id"], "txt")).split())
    played = recording == "ready"
    return {
        "outcome": "transcribed" if words else "plays, no text" if played else "refused",
        "recording": recording,
        "transcript": transcript,
        "words": words,
        "code": problem.get("code"),
        "sentence": problem.get("detail"),
    }


def is_wrong(row: dict[str, Any]) -> bool:
    """Return whether the row breaks a promise."""
    if row["outcome"] == "hangs":
        return True
    if row["outcome"] == "transcribed":
        return False
    return not (row["code"] and row["sentence"])


def line_of(row: dict[str, Any]) -> str:
    """Return the row as one line, wrong ones marked."""
    reason = f"{row.get('code')}: {row.get('sentence')}"
    detail = f"{row['words']} words" if row.get("words") else reason
    mark = "!" if is_wrong(row) else " "
    return f"{mark} {row['file']:48} {row['outcome']:15} {row['seconds']:6} s  {detail}"


async def main(url: str, token: str) -> int:
    """Send all, print the table, and say how many rows break a promise."""
    paths = [entry.path for entry in manifest() if entry.kind == "odd"]
    gate = asyncio.Semaphore(4)
    async with signed_in(url, token) as tidings:
        thread = await tidings.first_thread()

        async def one(path: Path) -> dict[str, Any]:
            async with gate:
                return await outcome_of(tidings, thread, path)

        rows = await asyncio.gather(*(one(path) for path in paths))
    for row in rows:
        print(line_of(row))
    wrong = sum(map(is_wrong, rows))
    print(json.dumps({"files": len(rows), "wrong": wrong}))
    return 1 if wrong else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://localhost:8080")
    parser.add_argument("--token", required=True)
    arguments = parser.parse_args()
    sys.exit(asyncio.run(main(arguments.url, arguments.token)))
