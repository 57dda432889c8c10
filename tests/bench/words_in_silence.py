"""Counts the words made up where nobody speaks, beside faster-whisper with its voice filter.

``python -m tests.bench.words_in_silence [--minutes 30] [--json PATH]``
Silence, white and pink noise, mains hum, clicks and music are generated here, the same every time;
to them come the real files whose description says that they are silent. Every sound
goes through the service's own cutter and engine in this process. Beside it stands
``WhisperModel.transcribe(vad_filter=True)``: same model, number format and sounds.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel
from numpy.typing import NDArray

from services.transcription.cutting import ChunkCutter
from services.transcription.domain import FILE_RULES
from services.transcription.engine import SAMPLE_RATE, Chunk, Engine, Samples
from services.transcription.faster_whisper_engine import FasterWhisperEngine
from services.transcription.models import prepare_model
from services.transcription.usecases.place import segments_in
from shared.media import MediaError, decode_file
from tests.support.speech import manifest

Sound = NDArray[np.float64]
GLOSSARY = ("Tidings", "Wijnhaven", "Kubernetes")
"""Must not be heard in noise either."""


@dataclass(frozen=True)
class Figures:
    """One kind of sound: how long, and how many words were made up."""

    sound: str
    seconds: float
    chunks: int
    ours: int
    direct: int


def silence(length: int, _random: np.random.Generator) -> Sound:
    """Nothing at all."""
    return np.zeros(length)


def white_noise(length: int, random: np.random.Generator) -> Sound:
    """Every frequency alike."""
    return random.normal(0, 0.05, length)


def pink_noise(length: int, random: np.random.Generator) -> Sound:
    """Low frequencies louder: rain, wind, a street far away."""
    spectrum = np.fft.rfft(random.normal(0, 1, length))
    spectrum[1:] /= np.sqrt(np.arange(1, spectrum.size))
    noise = np.fft.irfft(spectrum, length)
    return np.asarray(noise / np.abs(noise).max() * 0.3)


def hum(length: int, random: np.random.Generator) -> Sound:
    """Mains hum with its overtones and a little hiss."""
    time = np.arange(length) / SAMPLE_RATE
    tones = sum(np.sin(2 * np.pi * 50 * n * time) / n for n in (1, 2, 3, 5, 7))
    return np.asarray(tones) * 0.1 + random.normal(0, 0.003, length)


def clicks(length: int, random: np.random.Generator) -> Sound:
    """Keys and a mouse."""
    sound = random.normal(0, 0.001, length)
    for place in random.integers(0, length - 400, length // 6_000):
        sound[place : place + 400] += random.normal(0, 0.4, 400) * np.exp(-np.arange(400) / 60)
    return sound


def music(length: int, random: np.random.Generator) -> Sound:
    """Chords and a melody of plucked tones."""
    sound = np.zeros(length)
    beat = SAMPLE_RATE // 2
    decay = np.exp(-np.arange(2 * beat) / (beat * 0.7))
    time = np.arange(2 * beat) / SAMPLE_RATE
    for number, start in enumerate(range(0, length - 2 * beat, beat)):
        root = (220.0, 174.6, 261.6, 196.0)[number // 4 % 4]
        melody = root * 2 ** (int(random.choice([0, 2, 4, 7, 9, 12])) / 12 + 1)
        for tone in (root, root * 1.26, root * 1.5, melody):
            overtones = sum(np.sin(2 * np.pi * tone * n * time) / n**2 for n in range(1, 5))
            sound[start : start + 2 * beat] += np.asarray(overtones) * decay * 0.08
    return sound


MAKERS: tuple[Callable[[int, np.random.Generator], Sound], ...] = (
    silence,
    white_noise,
    pink_noise,
    hum,
    clicks,
    music,
)


async def decoded(path: Path) -> Samples:
    """Decode as the service does; nothing for what cannot be decoded."""
    try:
        pcm = b"".join([data async for data in decode_file(path)])
    except MediaError:
        pcm = b""
    return np.frombuffer(pcm, dtype="<i2").astype(np.int16)


def sounds(minutes: float) -> Iterator[tuple[str, Samples]]:
    """Give every sound with its name."""
    length = int(minutes * 60 * SAMPLE_RATE / len(MAKERS))
    for number, make in enumerate(MAKERS):
        made = make(length, np.random.default_rng(number))
        yield make.__name__.replace("_", " "), (np.clip(made, -1, 1) * 32767).astype(np.int16)
    for recording in manifest():
        if recording.language is None and "silen" in (recording.note or ""):
            samples = asyncio.run(decoded(recording.path))
            if samples.size:
                yield recording.path.name, samples


def heard_by_service(engine: Engine, samples: Samples) -> tuple[int, int]:
    """Return how many chunks were cut and how many words heard in them."""
    cutter = ChunkCutter(FILE_RULES)
    cut = [*cutter.push(samples.astype("<i2").tobytes()), *cutter.finish()]
    results = engine.recognise([Chunk(pcm=made.pcm, glossary=GLOSSARY) for made in cut])
    words = [
        word
        for made, result in zip(cut, results, strict=True)
        for segment in segments_in(
            result, chunk_index=made.index, start_ms=made.start_ms, end_ms=made.end_ms
        )
        for word in segment.words
    ]
    return len(cut), len(words)


def heard_directly(whisper: WhisperModel, samples: Samples) -> int:
    """Return how many words faster-whisper hears, its voice filter on."""
    segments, _ = whisper.transcribe(samples.astype(np.float32) / 32768.0, vad_filter=True)
    return sum(len(segment.text.split()) for segment in segments)


def main() -> int:
    """Print the figures; 1 if a word was made up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    threads = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        model = prepare_model("base", Path(folder))
        engine = FasterWhisperEngine(model.folder, name=model.name, threads=threads)
        whisper = WhisperModel(
            str(model.folder), device="cpu", compute_type="int8", cpu_threads=threads
        )
        rows = []
        print(f"{'sound':<44}{'seconds':>9}{'chunks':>8}{'ours':>7}{'direct':>8}")
        for name, samples in sounds(options.minutes):
            chunks, ours = heard_by_service(engine, samples)
            direct = heard_directly(whisper, samples)
            row = Figures(name, samples.size / SAMPLE_RATE, chunks, ours, direct)
            rows.append(row)
            print(f"{name:<44}{row.seconds:>9.1f}{chunks:>8}{ours:>7}{direct:>8}", flush=True)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2))
    made_up, direct = sum(row.ours for row in rows), sum(row.direct for row in rows)
    print(f"{made_up} words made up, {direct} by faster-whisper with its voice filter")
    return int(made_up > 0)


if __name__ == "__main__":
    sys.exit(main())
