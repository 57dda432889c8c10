"""Live recordings fed in real time: seconds from Stop to the complete transcript, and from a word
being said to its being on the reader's screen, provisional or settled.

With ``--spoken`` only the last so many seconds of each are fed in real time, after what came before
was sent as fast as it goes and heard: what Stop costs by length, without the length.
"""

import asyncio
import sys
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from services.transcription.engine import SAMPLE_RATE
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
    write_wav,
)
from tests.support.stack import Stack

PIECE_S = 0.25
LONGEST_CHUNK_MS = 20_000
MOST_S = 2.0


@dataclass
class Reader:
    """What an open page hears of one update, and when."""

    update_id: str
    shown: list[tuple[float, int]] = field(default_factory=list)
    """(moment, words up to this time of the recording are on the screen)"""

    async def has_heard(self, until_ms: float) -> None:
        """Return once all up to this time of the recording is settled, or close to it."""
        # Nothing is measured here, so looking now and then will do.
        while not self.shown or self.shown[-1][1] < until_ms - LONGEST_CHUNK_MS:  # noqa: ASYNC110
            await asyncio.sleep(PIECE_S)

    async def read(self, tidings: Tidings) -> None:
        """Hear what happens until the transcript is complete."""
        async with aclosing(tidings.facts(after=0)) as facts:
            async for fact in facts:
                data = fact["data"]
                if data.get("update_id") != self.update_id:
                    continue
                if data.get("segments"):
                    self.shown.append((time.monotonic(), data["segments"][-1]["end_ms"]))
                if fact["type"].startswith("tidings.transcript.completed."):
                    return


def cut_while_spoken(pcm: bytes, seconds: float) -> bytes:
    """Return so much of it, or a little less: somebody must be speaking when it stops.

    Behind a pause nothing would be left to do.
    """
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
    end, step = int(seconds * SAMPLE_RATE), SAMPLE_RATE // 4
    loud = np.abs(samples[:end]).mean()
    while np.abs(samples[end - step : end]).mean() < loud:
        end -= step
    return pcm[: 2 * end]


async def speak(tidings: Tidings, wav: Path, spoken_s: float) -> tuple[float, list[float]]:
    """Feed a recording, its end as it is spoken; return seconds after Stop, and those of each word.

    Words that were not spoken in real time do not count.
    """
    content = wav.read_bytes()
    opened = await tidings.open_update(await tidings.first_thread(), language="en")
    upload, update_id = opened["upload"], str(opened["update"]["id"])
    location = await tidings.create_upload(upload, None)
    reader = Reader(update_id)
    reading = asyncio.create_task(reader.read(tidings))
    offset, size = 0, int(PIECE_S * BYTES_PER_S)
    spoken_from = max(0, len(content) - int(spoken_s * BYTES_PER_S))
    while offset < spoken_from:
        offset = await tidings.patch(upload, location, offset, content[offset : offset + size])
    if offset:
        await reader.has_heard(1000 * offset / BYTES_PER_S)
    began_s = time.monotonic() - offset / BYTES_PER_S
    while offset < len(content):
        await asyncio.sleep(max(0.0, began_s + (offset + size) / BYTES_PER_S - time.monotonic()))
        offset = await tidings.patch(upload, location, offset, content[offset : offset + size])
    stopped_s = time.monotonic()
    await tidings.patch(upload, location, offset, b"", **{"Upload-Length": str(offset)})
    await reading
    after_s = time.monotonic() - stopped_s
    await tidings.wait(update_id)
    segments = (await tidings.transcript(update_id))["segments"]
    ends_ms = [round(word["end"] * 1000) for segment in segments for word in segment["words"]]
    delays = [
        moment - began_s - end / 1000
        for end in ends_ms
        if end > 1000 * spoken_from / BYTES_PER_S
        and (moment := next((at for at, known in reader.shown if known >= end), None)) is not None
    ]
    return after_s, delays


async def measure(
    stack: Stack, wav: Path, rounds: int, spoken_s: float
) -> tuple[list[float], list[float]]:
    """Speak one after the other; return all seconds after Stop and all seconds of words."""
    stops: list[float] = []
    words: list[float] = []
    async with signed_in(stack.url, stack.token) as tidings:
        for _ in range(rounds):
            stop, delays = await speak(tidings, wav, spoken_s)
            stops.append(stop)
            words += delays
    return stops, words


def main() -> int:
    """Measure each length, print, and answer 1 where Stop to complete takes too long."""
    asked = options(__doc__, minutes="0.5,1", rounds=3, spoken=LONGEST_S)
    pcm = samples_of(long_file())
    found: dict[str, Any] = {}
    with scratch() as folder, house() as stack:
        for minutes in (float(each) for each in asked.minutes.split(",")):
            wav = write_wav(folder / f"{minutes:g}.wav", cut_while_spoken(pcm * 2, minutes * 60))
            stops, words = asyncio.run(measure(stack, wav, asked.rounds, asked.spoken))
            found[f"{minutes:g} min, Stop to complete, s"] = spread(stops)
            found[f"{minutes:g} min, word to screen, s"] = spread(words)
    report(found, asked.json)
    return int(any(each["p50"] > MOST_S for name, each in found.items() if "Stop" in name))


if __name__ == "__main__":
    sys.exit(main())
