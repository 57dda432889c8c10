"""Many short updates sent at once, beside the same files transcribed one after the other.

The baseline is faster-whisper called directly, model loaded once, with word times. Where
`--program` names an installed `whisper-ctranslate2`, it runs on all files in one call as well, as
its users would have it: its defaults, the same model, format and threads, and loading counts.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.transcription.models import prepare_model
from tests.support.client import signed_in
from tests.support.measuring import (
    THREADS,
    directly,
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

LEAST_SPEED = 1.5


def with_program(program: Path, paths: Sequence[Path], folder: Path) -> float:
    """Return the seconds the command line tool takes for all files."""
    model = prepare_model("base", folder / "models")
    command = [program, *paths, "--model_directory", model.folder, "--output_dir", folder / "out"]
    how = ["--device", "cpu", "--compute_type", "int8", "--threads", THREADS, "--language", "en"]
    began_s = time.monotonic()
    subprocess.run(
        [str(each) for each in (*command, *how, "--output_format", "json", "--verbose", "False")],
        check=True,
        capture_output=True,
    )
    return time.monotonic() - began_s


async def send_all(stack: Stack, paths: Sequence[Path]) -> tuple[float, list[float]]:
    """Send all at once; return the seconds until the last is complete, and those of each."""
    async with signed_in(stack.url, stack.token) as tidings, transcripts(tidings) as heard:
        thread = await tidings.first_thread()
        began_s = time.monotonic()
        each = await asyncio.gather(*(transcribed(tidings, heard, path, thread) for path in paths))
        return time.monotonic() - began_s, each


def main() -> int:
    """Measure, print, and answer 1 where the bound is missed."""
    asked = options(__doc__, updates=40, seconds=10.0, rounds=2, program="")
    ours, one_by_one, batched = [], [], []
    with scratch() as folder, house() as stack:
        pieces = pieces_of(samples_of(long_file()), asked.seconds)
        paths = [
            write_wav(folder / f"{number}.wav", next(pieces)) for number in range(asked.updates)
        ]
        program_s = [with_program(Path(asked.program), paths, folder)] if asked.program else []
        for _ in range(asked.rounds):
            ours.append(asyncio.run(send_all(stack, paths)))
            one_by_one.append(directly(paths, batched=False).seconds)
            batched.append(directly(paths).seconds)
    took_s = statistics.median(took for took, _ in ours)
    alone_s, batched_s = statistics.median(one_by_one), statistics.median(batched)
    found: dict[str, Any] = {
        "updates": asked.updates,
        "seconds of each": asked.seconds,
        "seconds": {
            "Tidings": round(took_s, 2),
            "transcribe": round(alone_s, 2),
            "BatchedInferencePipeline": round(batched_s, 2),
        },
        "speed beside transcribe": round(alone_s / took_s, 3),
        "speed beside BatchedInferencePipeline": round(batched_s / took_s, 3),
        "half complete after s": round(
            statistics.median(second for _, each in ours for second in each), 2
        ),
    }
    if program_s:
        found["speed beside whisper-ctranslate2"] = round(program_s[0] / took_s, 3)
    report(found, asked.json)
    return int(found["speed beside BatchedInferencePipeline"] < LEAST_SPEED)


if __name__ == "__main__":
    sys.exit(main())
