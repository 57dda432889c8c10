"""What the measures of transcription share: sound of any length, a house, a baseline, a report."""

import argparse
import asyncio
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil

from services.standalone.programs import free_port
from shared.media import decode_file
from tests.support.client import Tidings
from tests.support.speech import REPOSITORY, speech_dir
from tests.support.stack import READY_TIMEOUT_S, Stack, is_ready, running_stack, wait_until

LONG_FILE = "derived/long_en_mixed-dev.opus"
BYTES_PER_S = 2 * 16_000
MIB = 1 << 20
THREADS = os.cpu_count() or 1
LONGEST_S = 24 * 3600.0


def long_file() -> Path:
    """Return the long recording all measures are made with; ends the program without it."""
    folder = speech_dir()
    if folder is None or not (folder / LONG_FILE).is_file():
        sys.exit(f"{LONG_FILE} is needed: set TIDINGS_TEST_SPEECH")
    return folder / LONG_FILE


def samples_of(path: Path) -> bytes:
    """Return all samples of a recording: 16 kHz mono, 16 bit."""

    async def decode() -> bytes:
        return b"".join([data async for data in decode_file(path)])

    return asyncio.run(decode())


def write_wav(path: Path, pcm: bytes) -> Path:
    """Write samples as a file."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(pcm)
    return path


def pieces_of(pcm: bytes, seconds: float) -> Iterator[bytes]:
    """Give stretches of this length, over and over."""
    size = int(seconds * 16_000) * 2
    starts = range(0, max(1, len(pcm) - size), size)
    for start in itertools.cycle(starts):
        yield pcm[start : start + size]


@contextmanager
def house(**settings: object) -> Iterator[Stack]:
    """Give a running Tidings with these settings of transcription, warmed up."""
    env = {f"TIDINGS_TRANSCRIPTION_{name.upper()}": str(value) for name, value in settings.items()}
    with running_stack(env={"TIDINGS_TRANSCRIPTION_THREADS": str(THREADS), **env}) as stack:
        stack.wait_ready()
        yield stack


class Transcripts:
    """When transcripts are complete, heard as an open page does: asking is work for the house."""

    def __init__(self, tidings: Tidings) -> None:
        self._tidings = tidings
        self._settled: defaultdict[str, asyncio.Future[float]] = defaultdict(asyncio.Future)

    async def complete(self, update_id: str) -> float:
        """Return the moment the update's transcript was complete; fails where there is none."""
        return await self._settled[update_id]

    async def hear(self, after: int) -> None:
        """Note what happens after that fact, until cancelled."""
        async with aclosing(self._tidings.facts(after)) as facts:
            async for fact in facts:
                kind, settled = fact["type"], self._settled[fact["data"].get("update_id", "")]
                if settled.done():
                    continue
                if kind.startswith("tidings.transcript.completed."):
                    settled.set_result(time.monotonic())
                elif kind.startswith(("tidings.transcript.failed.", "tidings.recording.refused.")):
                    settled.set_exception(AssertionError(fact["data"]))


@asynccontextmanager
async def transcripts(tidings: Tidings) -> AsyncIterator[Transcripts]:
    """Give what hears of all transcripts from now on."""
    heard = Transcripts(tidings)
    async with asyncio.TaskGroup() as group:
        hearing = group.create_task(heard.hear(await tidings.newest_fact()))
        yield heard
        hearing.cancel()


async def transcribed(tidings: Tidings, heard: Transcripts, path: Path, thread: str) -> float:
    """Send a file and return the seconds until its transcript is complete."""
    began_s = time.monotonic()
    update = await tidings.send(path, thread, language="en")
    return await heard.complete(update) - began_s


@dataclass(frozen=True)
class Direct:
    """faster-whisper called directly, in a process of its own, model loaded before."""

    seconds: float
    peak_mib: float


def directly(
    paths: Iterable[Path], *, threads: int = THREADS, batched: bool = True, words: bool = True
) -> Direct:
    """Transcribe the files one after the other and return what it took in all.

    ``words`` asks for the time of each word, as Tidings always gives it.
    """
    how = (threads, int(batched), int(words), *paths)
    command = [sys.executable, "-m", "tests.support.direct", *(str(each) for each in how)]
    done = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    return Direct(**json.loads(done.stdout))


class PeakMemory:
    """The most resident memory of a process while the block runs, in MiB."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.mib = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.mib = max(self.mib, self._process.memory_info().rss / MIB)
            if self._done.wait(0.05):
                return


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return median, 95th and 99th percentile."""
    return {
        "p50": round(statistics.median(values), 4),
        "p95": round(percentile(values, 0.95), 4),
        "p99": round(percentile(values, 0.99), 4),
    }


def options(about: str | None, **defaults: Any) -> argparse.Namespace:
    """Read the command line: an option for each default, and ``--json``."""
    parser = argparse.ArgumentParser(description=about)
    for name, value in defaults.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def report(found: Mapping[str, Any], path: Path | None) -> None:
    """Print a table of the figures, one a line, and write them all as JSON where asked for."""
    for name, value in found.items():
        rows = value.items() if isinstance(value, dict) else [("", value)]
        for key, figure in rows:
            print(f"{f'{name} {key}'.strip():58} {figure}")
    if path is not None:
        path.write_text(json.dumps({"cpus": os.cpu_count(), **found}, indent=2))


@contextmanager
def second_recogniser(stack: Stack) -> Iterator[subprocess.Popen[bytes]]:
    """Give one more recogniser of this house, once it is ready; it is gone afterwards."""
    environment = psutil.Process(stack.pids()["recogniser"]).environ()
    port = free_port()
    environment |= {"TIDINGS_HTTP_PORT": str(port), "TIDINGS_INSTANCE": "recogniser-2"}
    command = [sys.executable, "-m", "services.transcription"]
    with (stack.home.path.parent / "recogniser-2.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_until(lambda: is_ready(port), READY_TIMEOUT_S)
            yield process
        finally:
            process.kill()
            process.wait()


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder for files that are sent."""
    with tempfile.TemporaryDirectory(prefix="tidings-bench-") as folder:
        yield Path(folder)
