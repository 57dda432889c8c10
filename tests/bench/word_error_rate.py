"""Measures how many words come out wrong, beside faster-whisper called directly on the same files.

``python -m tests.bench.word_error_rate [--language en,de] [--system URL --token T] [--json PATH]``
Every recording with a reference text is decoded, cut and recognised by the service's own cutter and
engine in this process, or, with ``--system``, sent through a running Tidings. Beside it stands
``WhisperModel.transcribe`` with its defaults: same model, number format and given language.

Both texts are normalised alike before they are compared: NFKC, lower case, typographic apostrophes
made plain, everything but letters, digits and apostrophes to spaces. Numbers stay as written, so
"268" for a spoken "two hundred and sixty-eight" is wrong on both sides.
"""

import argparse
import asyncio
import json
import os
import re
import sys
import tempfile
import time
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby, islice
from pathlib import Path

import jiwer
from faster_whisper import WhisperModel

from services.transcription.cutting import ChunkCutter
from services.transcription.domain import FILE_RULES
from services.transcription.engine import Chunk
from services.transcription.faster_whisper_engine import FasterWhisperEngine
from services.transcription.models import Model, prepare_model
from services.transcription.usecases.place import segments_in
from shared.media import MediaError, decode_file
from tests.support.client import signed_in
from tests.support.speech import Recording, manifest

BATCH = 8
ALLOWED_POINTS = 0.5


@dataclass(frozen=True)
class Cut:
    """One chunk of one recording."""

    recording: Recording
    index: int
    start_ms: int
    end_ms: int
    chunk: Chunk


@dataclass
class Figures:
    """One language: how many words, how many of them wrong in per cent."""

    language: str
    recordings: int
    words: int
    ours: float
    direct: float

    @property
    def difference(self) -> float:
        """Points we are worse; below zero we are better."""
        return self.ours - self.direct


def normal(text: str) -> str:
    """Return the text as it is compared."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    return " ".join(re.sub(r"[^\w\s']", " ", plain).split())


async def samples_of(recording: Recording) -> bytes:
    """Decode as the service does; nothing for what cannot be decoded."""
    try:
        return b"".join([data async for data in decode_file(recording.path)])
    except MediaError:
        return b""


def cut(recordings: Iterable[Recording]) -> Iterator[Cut]:
    """Give the chunks of all recordings, one recording after the other."""
    for recording in recordings:
        cutter = ChunkCutter(FILE_RULES)
        pcm = asyncio.run(samples_of(recording))
        for made in (*cutter.push(pcm), *cutter.finish()):
            chunk = Chunk(pcm=made.pcm, language=recording.language)
            yield Cut(recording, made.index, made.start_ms, made.end_ms, chunk)


def hear_with_service(model: Model, recordings: Sequence[Recording]) -> dict[str, str]:
    """Recognise with the service's cutter and engine; batches mix recordings and languages."""
    engine = FasterWhisperEngine(model.folder, name=model.name, threads=os.cpu_count() or 1)
    texts: dict[str, list[str]] = defaultdict(list)
    cuts = cut(recordings)
    while batch := list(islice(cuts, BATCH)):
        results = engine.recognise([item.chunk for item in batch])
        for item, result in zip(batch, results, strict=True):
            segments = segments_in(
                result, chunk_index=item.index, start_ms=item.start_ms, end_ms=item.end_ms
            )
            texts[str(item.recording.path)] += [segment.text for segment in segments]
    return {path: " ".join(parts) for path, parts in texts.items()}


def hear_directly(
    model: Model, recordings: Sequence[Recording], memory: Path | None
) -> dict[str, str]:
    """Recognise with faster-whisper's own defaults. ``memory`` keeps texts for the next run."""
    texts: dict[str, str] = json.loads(memory.read_text()) if memory and memory.exists() else {}
    threads = os.cpu_count() or 1
    whisper = WhisperModel(
        str(model.folder), device="cpu", compute_type="int8", cpu_threads=threads
    )
    for recording in recordings:
        path = str(recording.path)
        if path in texts:
            continue
        heard, _ = whisper.transcribe(path, language=recording.language)
        texts[path] = "".join(segment.text for segment in heard)
        if memory:
            memory.write_text(json.dumps(texts))
    return texts


async def hear_with_system(url: str, token: str, recordings: Sequence[Recording]) -> dict[str, str]:
    """Send everything through a running Tidings, a few recordings at a time."""
    texts: dict[str, str] = {}
    room = asyncio.Semaphore(4)
    async with signed_in(url, token) as tidings:
        thread = await tidings.first_thread()

        async def hear(recording: Recording) -> None:
            async with room:
                update = await tidings.send(recording.path, thread, language=recording.language)
                settled = await tidings.wait(update, "transcript", timeout_s=3600)
                if settled["transcript"]["state"] == "complete":
                    transcript = await tidings.transcript(update)
                    texts[str(recording.path)] = " ".join(s["text"] for s in transcript["segments"])

        await asyncio.gather(*(hear(recording) for recording in recordings))
    return texts


def compare(
    recordings: Sequence[Recording], ours: dict[str, str], direct: dict[str, str]
) -> list[Figures]:
    """Return the figures of each language, and of all together as the last."""

    def figures(language: str, some: Sequence[Recording]) -> Figures:
        references = [normal(recording.text or "") for recording in some]
        paths = [str(recording.path) for recording in some]
        return Figures(
            language=language,
            recordings=len(some),
            words=sum(len(reference.split()) for reference in references),
            ours=100 * jiwer.wer(references, [normal(ours.get(path, "")) for path in paths]),
            direct=100 * jiwer.wer(references, [normal(direct.get(path, "")) for path in paths]),
        )

    ordered = sorted(recordings, key=lambda recording: recording.language or "")
    by_language = [
        figures(language or "?", list(some))
        for language, some in groupby(ordered, key=lambda recording: recording.language)
    ]
    return [*by_language, figures("all", ordered)]


def show(results: Sequence[Figures]) -> None:
    """Print the table."""
    print(f"{'language':9}{'files':>6}{'words':>7}{'Tidings %':>11}{'direct %':>10}{'points':>8}")
    for row in results:
        print(
            f"{row.language:9}{row.recordings:6}{row.words:7}"
            f"{row.ours:11.2f}{row.direct:10.2f}{row.difference:8.2f}"
        )


def chosen(languages: Sequence[str], max_seconds: float) -> list[Recording]:
    """Return the recordings with a reference and sound to compare it with."""
    found = [
        recording
        for recording in manifest()
        if recording.text
        and recording.seconds <= max_seconds
        and (not languages or recording.language in languages)
    ]
    return [recording for recording in found if asyncio.run(samples_of(recording))]


def main() -> int:
    """Measure, print, and answer 1 when we are more than half a point worse over all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--language", default="", help="only these, e.g. en,de")
    parser.add_argument("--max-seconds", type=float, default=float("inf"))
    parser.add_argument("--model", default="base")
    parser.add_argument("--model-dir", type=Path, default=None)
    parser.add_argument("--direct", type=Path, default=None, help="keeps the direct texts")
    parser.add_argument("--json", type=Path, default=None)
    parser.add_argument("--system", default=None, help="address of a running Tidings")
    parser.add_argument("--token", default="")
    options = parser.parse_args()
    recordings = chosen([code for code in options.language.split(",") if code], options.max_seconds)
    with tempfile.TemporaryDirectory() as folder:
        model = prepare_model(options.model, options.model_dir or Path(folder))
        began_s, cpu_s = time.monotonic(), time.process_time()
        if options.system:
            ours = asyncio.run(hear_with_system(options.system, options.token, recordings))
        else:
            ours = hear_with_service(model, recordings)
        took_s, cpu_s = time.monotonic() - began_s, time.process_time() - cpu_s
        direct = hear_directly(model, recordings, options.direct)
    results = compare(recordings, ours, direct)
    show(results)
    audio_s = sum(recording.seconds for recording in recordings)
    print(
        f"{audio_s:.0f} s of sound in {took_s:.1f} s ({audio_s / took_s:.1f}x), CPU {cpu_s:.0f} s"
    )
    if options.json:
        options.json.write_text(
            json.dumps(
                {
                    "languages": [asdict(row) for row in results],
                    "audio_s": audio_s,
                    "took_s": took_s,
                    "cpu_s": cpu_s,
                },
                indent=2,
            )
        )
    return int(results[-1].difference > ALLOWED_POINTS)


if __name__ == "__main__":
    sys.exit(main())
