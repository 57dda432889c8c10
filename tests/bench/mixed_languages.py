"""Measures recordings in which the language changes, beside whole-file detection.

``python -m tests.bench.mixed_languages [--seconds 120] [--languages en,de,nl] [--json PATH]``
Real recordings are joined with pauses: one file that changes its language with every recording, and
one file for each language alone, which must not suffer. All are cut, recognised and settled by the
service's own cutter, engine and rules in this process, as for a team that speaks these languages.
Beside it stands ``WhisperModel.transcribe`` with its defaults, which tells one language for a file.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

import jiwer
import numpy as np
from faster_whisper import WhisperModel

from services.transcription.cutting import ChunkCutter
from services.transcription.domain import FILE_RULES, Guess, settled_languages
from services.transcription.engine import SAMPLE_RATE, Chunk, Engine, Samples
from services.transcription.faster_whisper_engine import FasterWhisperEngine
from services.transcription.models import prepare_model
from services.transcription.usecases.place import segments_in
from shared.contracts.transcript import Segment
from shared.media import decode_file
from tests.bench.word_error_rate import normal
from tests.support.speech import Recording, manifest

PAUSE = np.zeros(SAMPLE_RATE * 6 // 10, dtype=np.int16)
BATCH = 8
ALLOWED_POINTS = 0.5


@dataclass(frozen=True)
class Joined:
    """One file of several recordings, and where each language lies."""

    name: str
    pcm: Samples
    text: str
    spoken: tuple[tuple[int, int, str], ...]
    """(start, end in ms, language)."""

    def language_at(self, ms: int) -> str:
        """Return what is spoken at this moment."""
        return next((code for _, end, code in self.spoken if ms < end), self.spoken[-1][2])


@dataclass(frozen=True)
class Figures:
    """One file: shares of segments in the wrong language and of wrong words, in per cent."""

    file: str
    seconds: float
    segments: int
    wrong_language: float
    wrong_language_direct: float
    wrong_words: float
    wrong_words_direct: float


def usable(language: str) -> Iterator[Recording]:
    """Give short recordings with trustworthy words, from all sources in turn."""
    found = [
        recording
        for recording in manifest()
        if recording.language == language
        and recording.kind == "speech"
        and recording.text
        and 2.5 < recording.seconds < 14
    ]
    step = max(1, len(found) // 12)
    for first in range(step):
        yield from found[first::step]


async def samples_of(recording: Recording) -> Samples:
    """Decode as the service does."""
    pcm = b"".join([data async for data in decode_file(recording.path)])
    return np.frombuffer(pcm, dtype="<i2").astype(np.int16)


def joined(name: str, recordings: Iterator[Recording], seconds: float) -> Joined:
    """Return recordings one after the other until there is enough."""
    parts: list[Samples] = []
    texts, spoken = [], []
    length = 0
    for recording in recordings:
        pcm = asyncio.run(samples_of(recording))
        begin, length = length, length + pcm.size + PAUSE.size
        parts += [pcm, PAUSE]
        texts.append(recording.text or "")
        spoken.append((_ms(begin), _ms(length), recording.language or ""))
        if length >= seconds * SAMPLE_RATE:
            break
    return Joined(name, np.concatenate(parts), " ".join(texts), tuple(spoken))


def files(languages: Sequence[str], seconds: float) -> Iterator[Joined]:
    """Give the mixed file, then one for each language."""
    in_turn = zip(*(usable(language) for language in languages), strict=False)
    yield joined("mixed", (one for turn in in_turn for one in turn), seconds)
    for language in languages:
        yield joined(language, usable(language), seconds)


def hear_with_service(engine: Engine, file: Joined, languages: Sequence[str]) -> list[Segment]:
    """Cut, recognise, settle each chunk's language, and hear again what was in another one."""
    cutter = ChunkCutter(FILE_RULES)
    cut = [*cutter.push(file.pcm.astype("<i2").tobytes()), *cutter.finish()]
    chunks = [Chunk(pcm=made.pcm, languages=tuple(languages)) for made in cut]
    waiting = iter(chunks)
    results = []
    while batch := list(islice(waiting, BATCH)):
        results += engine.recognise(batch)
    guesses = [
        Guess(
            languages=result.languages,
            probability=result.language_probability,
            speech_ms=made.end_ms - made.start_ms if result.words else 0,
        )
        for made, result in zip(cut, results, strict=True)
    ]
    for place, language in enumerate(settled_languages(guesses, is_all=True)):
        if results[place].words and results[place].languages[-1] != language:
            results[place] = engine.recognise([replace(chunks[place], language=language)])[0]
    return [
        segment
        for made, result in zip(cut, results, strict=True)
        for segment in segments_in(
            result, chunk_index=made.index, start_ms=made.start_ms, end_ms=made.end_ms
        )
    ]


def measured(file: Joined, ours: Sequence[Segment], whisper: WhisperModel) -> Figures:
    """Compare with what faster-whisper makes of the same samples."""
    found, info = whisper.transcribe(file.pcm.astype(np.float32) / 32768.0)
    direct = [(segment.start, segment.end, segment.text) for segment in found]
    wrong = sum(file.language_at((s.start_ms + s.end_ms) // 2) != s.language for s in ours)
    wrong_direct = sum(
        file.language_at(int((start + end) * 500)) != info.language for start, end, _ in direct
    )
    truth = normal(file.text)
    return Figures(
        file=file.name,
        seconds=file.pcm.size / SAMPLE_RATE,
        segments=len(ours),
        wrong_language=100 * wrong / max(1, len(ours)),
        wrong_language_direct=100 * wrong_direct / max(1, len(direct)),
        wrong_words=100 * jiwer.wer(truth, normal(" ".join(s.text for s in ours))),
        wrong_words_direct=100 * jiwer.wer(truth, normal(" ".join(text for *_, text in direct))),
    )


def _ms(samples: int) -> int:
    return samples * 1000 // SAMPLE_RATE


def main() -> int:
    """Print the figures; 1 if mixing does not gain, or a file of one language suffers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--languages", default="en,de,nl")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    languages = options.languages.split(",")
    threads = os.cpu_count() or 1
    rows = []
    print(f"{'file':<8}{'seconds':>9}{'segments':>10}{'wrong language':>24}{'wrong words':>24}")
    with tempfile.TemporaryDirectory() as folder:
        model = prepare_model("base", Path(folder))
        engine = FasterWhisperEngine(model.folder, name=model.name, threads=threads)
        whisper = WhisperModel(
            str(model.folder), device="cpu", compute_type="int8", cpu_threads=threads
        )
        for file in files(languages, options.seconds):
            row = measured(file, hear_with_service(engine, file, languages), whisper)
            rows.append(row)
            print(
                f"{row.file:<8}{row.seconds:>9.1f}{row.segments:>10}"
                f"{row.wrong_language:>11.1f} % ({row.wrong_language_direct:5.1f} %)"
                f"{row.wrong_words:>11.1f} % ({row.wrong_words_direct:5.1f} %)",
                flush=True,
            )
    print("In brackets: faster-whisper with one language for the whole file.")
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2))
    mixed, *alone = rows
    suffers = any(row.wrong_words > row.wrong_words_direct + ALLOWED_POINTS for row in alone)
    return int(suffers or mixed.wrong_words >= mixed.wrong_words_direct)


if __name__ == "__main__":
    sys.exit(main())
