"""Measures how far the times of words are from when they were spoken, beside faster-whisper's own.

``python -m tests.bench.word_times [--seconds 90] [--languages en,de,nl] [--noise-db N] [--json P]``
Real recordings are joined with silences of several lengths and go through the service's own cutter
and engine in this process. Two truths are compared with, each only for words heard right:

- Sound: where a clean recording begins and ceases to be loud is where its first word begins and its
  last one ends. Also counted is how far any word reaches into the silence around its recording.
  The service looks at loudness too, in the joined file, so this truth and it may err alike.
- A second opinion on every word: for English the known text, aligned with each recording alone by
  another model (tiny.en); for other languages the same model's times for each recording alone.
  It is a model's opinion with a bias of its own: the last two columns tell regularity, not truth.

``--noise-db 25`` lays white noise so far below the speech over the joined file, after the truth was
found.

Beside it stands ``WhisperModel.transcribe(word_timestamps=True)`` on the same joined samples.
"""

import argparse
import asyncio
import difflib
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer

from services.transcription.engine import SAMPLE_RATE, Samples
from services.transcription.faster_whisper_engine import FasterWhisperEngine
from services.transcription.models import prepare_model
from tests.bench.mixed_languages import Joined, hear_with_service, samples_of, usable
from tests.bench.word_error_rate import normal
from tests.support.measuring import percentile
from tests.support.speech import Recording

SILENCES_MS = (200, 600, 1_200, 2_500)
FRAME = SAMPLE_RATE // 100
LOUD = 10 ** (-35 / 20)
"""Of a recording's loud passages: above this somebody speaks."""
QUIET = 10 ** (-45 / 20)
"""Below this the background of a clean recording stays."""
STEADY = 3
"""So many frames of 10 ms are speech; fewer are a click."""
ALLOWED_MS = 50


@dataclass(frozen=True)
class Word:
    """One word as it is compared, and when it was said."""

    text: str
    start_ms: float
    end_ms: float


@dataclass(frozen=True)
class Part:
    """One recording in the joined file; all times are those of that file."""

    start_ms: float
    words: tuple[Word, ...]
    """By the second opinion."""
    speech: tuple[float, float] | None
    """From where to where it is loud; None where its background is, too."""


@dataclass(frozen=True)
class Spread:
    """Errors in milliseconds: their size, and by how much half of them are later than the truth."""

    count: int
    median: float
    p95: float
    bias: float


@dataclass(frozen=True)
class Figures:
    """One language, one way of hearing it."""

    language: str
    heard_by: str
    second_opinion: str
    first_start: Spread
    """First words of recordings, against sound."""
    last_end: Spread
    """Last words, likewise."""
    outside: Spread
    """How far words reach into the silence around their recording."""
    start: Spread
    """All words, against the second opinion."""
    end: Spread


def speech_limits(pcm: Samples) -> tuple[float, float] | None:
    """Return from where to where somebody speaks, in ms; None where the background is loud."""
    frames = pcm[: pcm.size // FRAME * FRAME].astype(np.float64).reshape(-1, FRAME)
    loudness = np.sqrt(np.mean(np.square(frames), axis=1))
    loud = float(np.percentile(loudness, 95))
    if np.percentile(loudness, 5) > loud * QUIET:
        return None
    spoken = np.convolve(loudness > loud * LOUD, np.ones(STEADY), "valid") == STEADY
    places = np.flatnonzero(spoken)
    return (float(places[0] * 10), float((places[-1] + STEADY) * 10)) if places.size else None


def words_of(pairs: Iterator[tuple[str, float, float]], offset_ms: float = 0.0) -> Iterator[Word]:
    """Give words as they are compared; one with a hyphen or apostrophe may be two."""
    for text, start_ms, end_ms in pairs:
        for piece in normal(text).split():
            yield Word(piece, start_ms + offset_ms, end_ms + offset_ms)


def heard_directly(whisper: WhisperModel, pcm: Samples, language: str) -> list[Word]:
    """Return faster-whisper's words and their times."""
    segments, _ = whisper.transcribe(
        pcm.astype(np.float32) / 32768.0, language=language, word_timestamps=True
    )
    found = ((w.word, w.start * 1000, w.end * 1000) for s in segments for w in s.words or ())
    return list(words_of(found))


def aligned(whisper: WhisperModel, pcm: Samples, text: str) -> list[Word]:
    """Return where the known words lie, by the attention of a model that need not guess them."""
    features = whisper.feature_extractor(pcm.astype(np.float32) / 32768.0)
    tokenizer = Tokenizer(
        whisper.hf_tokenizer, whisper.model.is_multilingual, task="transcribe", language="en"
    )
    padded = np.pad(features, ((0, 0), (0, max(0, 3000 - features.shape[-1]))))[:, :3000]
    (found,) = whisper.find_alignment(
        tokenizer, [tokenizer.encode(f" {text}")], whisper.encode(padded), features.shape[-1] - 1
    )
    return list(words_of((w["word"], w["start"] * 1000, w["end"] * 1000) for w in found))


def joined(
    language: str,
    seconds: float,
    opinion: Callable[[Recording, Samples], list[Word]],
    noise_db: float | None = None,
) -> tuple[Joined, list[Part]]:
    """Return recordings with silences between them, and what is known of each."""
    pieces: list[Samples] = []
    parts: list[Part] = []
    length = 0
    for recording, silence_ms in zip(usable(language), cycle(SILENCES_MS), strict=False):
        pcm = asyncio.run(samples_of(recording))
        at_ms = length * 1000 / SAMPLE_RATE
        limits = speech_limits(pcm)
        words = [
            Word(word.text, word.start_ms + at_ms, word.end_ms + at_ms)
            for word in opinion(recording, pcm)
        ]
        speech = (limits[0] + at_ms, limits[1] + at_ms) if limits else None
        parts.append(Part(at_ms, tuple(words), speech))
        pieces += [pcm, np.zeros(SAMPLE_RATE * silence_ms // 1000, dtype=np.int16)]
        length += pieces[-2].size + pieces[-1].size
        if length >= seconds * SAMPLE_RATE:
            break
    spoken = ((0, length * 1000 // SAMPLE_RATE, language),)
    return Joined(language, noisy(np.concatenate(pieces), noise_db), "", spoken), parts


def noisy(pcm: Samples, noise_db: float | None) -> Samples:
    """Return the samples with white noise so far below them, the same every time."""
    if noise_db is None:
        return pcm
    level = float(np.sqrt(np.mean(np.square(pcm.astype(np.float64))))) * 10 ** (-noise_db / 20)
    noise = np.random.default_rng(1).normal(0, level, pcm.size)
    return np.clip(pcm + noise, -32768, 32767).astype(np.int16)


def spread(errors: Sequence[float]) -> Spread:
    """Return how large errors are."""
    if not errors:
        return Spread(0, 0.0, 0.0, 0.0)
    sizes = [abs(error) for error in errors]
    return Spread(
        len(errors), statistics.median(sizes), percentile(sizes, 0.95), statistics.median(errors)
    )


def compare(
    parts: Sequence[Part], heard: Sequence[Word], *, language: str, heard_by: str, opinion: str
) -> Figures:
    """Compare what was heard in a joined file with both truths."""
    known = [word for part in parts for word in part.words]
    matcher = difflib.SequenceMatcher(
        None, [word.text for word in known], [word.text for word in heard], autojunk=False
    )
    match = {
        block.a + step: heard[block.b + step]
        for block in matcher.get_matching_blocks()
        for step in range(block.size)
    }
    first_start, last_end = [], []
    place = 0
    for part in parts:
        first, place = place, place + len(part.words)
        if part.speech is None or not part.words:
            continue
        if first in match:
            first_start.append(match[first].start_ms - part.speech[0])
        if place - 1 in match:
            last_end.append(match[place - 1].end_ms - part.speech[1])
    return Figures(
        language=language,
        heard_by=heard_by,
        second_opinion=opinion,
        first_start=spread(first_start),
        last_end=spread(last_end),
        outside=spread(list(outside(parts, heard))),
        start=spread([word.start_ms - known[at].start_ms for at, word in match.items()]),
        end=spread([word.end_ms - known[at].end_ms for at, word in match.items()]),
    )


def outside(parts: Sequence[Part], heard: Sequence[Word]) -> Iterator[float]:
    """Give how far each word reaches beyond the speech of the recording it lies in."""
    for word in heard:
        middle = (word.start_ms + word.end_ms) / 2
        part = max((p for p in parts if p.start_ms <= middle), key=lambda p: p.start_ms)
        if part.speech is not None:
            begin, end = part.speech
            yield max(0.0, begin - word.start_ms) + max(0.0, word.end_ms - end)


def show(row: Figures) -> None:
    """Print one line of the table."""
    cells = "".join(
        f"{one.median:6.0f} /{one.p95:5.0f} ({one.bias:+4.0f})"
        for one in (row.first_start, row.last_end, row.outside, row.start, row.end)
    )
    print(f"{row.language:<4}{row.heard_by:<16}{row.start.count:>6}{cells}", flush=True)


def main() -> int:
    """Print the figures; 1 if the times of a language are worse than faster-whisper's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=90.0)
    parser.add_argument("--languages", default="en,de,nl")
    parser.add_argument("--noise-db", type=float, default=None)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    threads = os.cpu_count() or 1
    rows: list[Figures] = []
    print("error in ms: median / 95th percentile (median with its sign: + is too late)")
    heads = ("first start", "last end", "outside", "start", "end")
    print(f"{'':<20}{'words':>6}" + "".join(f"{head:>20}" for head in heads))
    with tempfile.TemporaryDirectory() as folder:
        model = prepare_model("base", Path(folder))
        engine = FasterWhisperEngine(model.folder, name=model.name, threads=threads)
        whisper = WhisperModel(
            str(model.folder), device="cpu", compute_type="int8", cpu_threads=threads
        )
        other = WhisperModel(
            str(prepare_model("tiny.en", Path(folder)).folder),
            device="cpu",
            compute_type="int8",
            cpu_threads=threads,
        )

        def opinion(recording: Recording, pcm: Samples) -> list[Word]:
            if recording.language == "en":
                return aligned(other, pcm, recording.text or "")
            return heard_directly(whisper, pcm, recording.language or "")

        for language in options.languages.split(","):
            file, parts = joined(language, options.seconds, opinion, options.noise_db)
            ours = words_of(
                (word.text, word.start_ms, word.end_ms)
                for segment in hear_with_service(engine, file, [language])
                for word in segment.words
            )
            direct = heard_directly(whisper, file.pcm, language)
            named = "tiny.en, aligned" if language == "en" else "base, alone"
            for heard_by, words in (("Tidings", list(ours)), ("faster-whisper", direct)):
                rows.append(
                    compare(parts, words, language=language, heard_by=heard_by, opinion=named)
                )
                show(rows[-1])
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2))
    ours_all, direct_all = rows[::2], rows[1::2]
    return int(
        any(
            mine.start.median > theirs.start.median + ALLOWED_MS
            or mine.first_start.median > theirs.first_start.median + ALLOWED_MS
            or mine.last_end.median > theirs.last_end.median + ALLOWED_MS
            for mine, theirs in zip(ours_all, direct_all, strict=True)
        )
    )


if __name__ == "__main__":
    sys.exit(main())
