"""Measures what a second look at doubtful chunks mends, and what it costs.

``python -m tests.bench.second_look [--first tiny.en] [--second base] [--language en] [--json P]``
Every recording with a reference text is cut and recognised by the service's own cutter and engine
in this process, as it is and in pink noise a little softer than the speech. Beside the first model
alone stand: its doubtful chunks heard again, better words taking the place of others as in the
service; the same without that choice, whatever the second model hears; and the second model for
everything, which is as good as it can get. Texts are compared as in `word_error_rate`.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import jiwer
import numpy as np

from services.transcription.cutting import ChunkCutter
from services.transcription.domain import FILE_RULES
from services.transcription.domain.second_look import is_better, is_doubtful
from services.transcription.engine import Chunk, Engine
from services.transcription.faster_whisper_engine import FasterWhisperEngine
from services.transcription.models import prepare_model
from services.transcription.usecases.place import segments_in
from shared.contracts.transcript import Segment
from tests.bench.word_error_rate import BATCH, Cut, chosen, cut, normal, samples_of
from tests.bench.words_in_silence import pink_noise
from tests.support.speech import Recording

NOISE_DB = -5.0
"""How loud the noise is beside the speech."""

Heard = dict[int, tuple[Segment, ...]]
"""What was heard in some chunks, by their places in the list of all."""


@dataclass(frozen=True)
class Figures:
    """One way of hearing everything."""

    sound: str
    way: str
    looks: int
    """Chunks the second model heard."""
    taken: int
    """Chunks whose words are the second model's."""
    wrong: float
    """Word error rate, in per cent."""
    better: int
    """Recordings with fewer wrong words than by the first model alone."""
    worse: int
    cpu_s: float
    """What the engines computed for it, on all cores together."""


def cut_in_noise(recordings: Sequence[Recording]) -> Iterator[Cut]:
    """Give the chunks of all recordings with noise in them, the same every time."""
    random = np.random.default_rng(1)
    for recording in recordings:
        pcm = np.frombuffer(asyncio.run(samples_of(recording)), dtype="<i2").astype(np.float64)
        spoken = np.abs(pcm) > 0.02 * np.abs(pcm).max()
        noise = pink_noise(pcm.size, random)
        gain = np.sqrt(np.mean(pcm[spoken] ** 2) / np.mean(noise**2) * 10 ** (NOISE_DB / 10))
        mixed = pcm + gain * noise
        mixed *= min(1.0, 32_000 / np.abs(mixed).max())
        cutter = ChunkCutter(FILE_RULES)
        for made in (*cutter.push(mixed.astype("<i2").tobytes()), *cutter.finish()):
            chunk = Chunk(pcm=made.pcm, language=recording.language)
            yield Cut(recording, made.index, made.start_ms, made.end_ms, chunk)


def hear(
    engine: Engine, cuts: Sequence[Cut], places: Sequence[int], batch: int
) -> tuple[Heard, float]:
    """Return what is heard in these chunks, and how much CPU time that took."""
    heard: Heard = {}
    began_s = time.process_time()
    for at in range(0, len(places), batch):
        some = places[at : at + batch]
        results = engine.recognise([cuts[place].chunk for place in some])
        for place, result in zip(some, results, strict=True):
            item = cuts[place]
            heard[place] = segments_in(
                result, chunk_index=item.index, start_ms=item.start_ms, end_ms=item.end_ms
            )
    return heard, time.process_time() - began_s


def wrong_words(cuts: Sequence[Cut], heard: Heard) -> dict[str, tuple[int, int]]:
    """Return how many words of each recording are wrong, and how many there are."""
    texts: dict[str, list[str]] = defaultdict(list)
    references: dict[str, str] = {}
    for place, item in enumerate(cuts):
        path = str(item.recording.path)
        references[path] = normal(item.recording.text or "")
        texts[path] += [segment.text for segment in heard[place]]
    counts = {}
    for path, reference in references.items():
        found = jiwer.process_words(reference, normal(" ".join(texts[path])))
        wrong = found.substitutions + found.deletions + found.insertions
        counts[path] = (wrong, found.hits + found.substitutions + found.deletions)
    return counts


def measured(sound: str, cuts: Sequence[Cut], first: Engine, second: Engine) -> list[Figures]:
    """Return the figures of each way, that of the first model alone first."""
    every = range(len(cuts))
    once, once_s = hear(first, cuts, every, BATCH)
    doubtful = [place for place in every if is_doubtful(once[place])]
    again, again_s = hear(second, cuts, doubtful, 1)
    better = [place for place in doubtful if is_better(again[place], than=once[place])]
    whole, whole_s = hear(second, cuts, every, BATCH)
    before = wrong_words(cuts, once)

    def figures(way: str, looks: int, taken: Sequence[int], words: Heard, cpu_s: float) -> Figures:
        counts = wrong_words(cuts, once | {place: words[place] for place in taken})
        return Figures(
            sound=sound,
            way=way,
            looks=looks,
            taken=len(taken),
            wrong=100 * sum(n for n, _ in counts.values()) / sum(n for _, n in counts.values()),
            better=sum(counts[path][0] < before[path][0] for path in counts),
            worse=sum(counts[path][0] > before[path][0] for path in counts),
            cpu_s=cpu_s,
        )

    return [
        figures("first alone", 0, [], once, once_s),
        figures("second look", len(doubtful), better, again, once_s + again_s),
        figures("second where in doubt", len(doubtful), doubtful, again, once_s + again_s),
        figures("second alone", len(cuts), every, whole, whole_s),
    ]


def main() -> int:
    """Print the figures; 1 if a second look does harm."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--first", default="tiny.en")
    parser.add_argument("--second", default="base")
    parser.add_argument("--language", default="en", help="only these, e.g. en,de")
    parser.add_argument("--max-seconds", type=float, default=120)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    recordings = chosen(options.language.split(","), options.max_seconds)
    with tempfile.TemporaryDirectory() as folder:
        first, second = (
            FasterWhisperEngine(model.folder, name=model.name, threads=os.cpu_count() or 1)
            for model in (
                prepare_model(name, Path(folder)) for name in (options.first, options.second)
            )
        )
        plain = measured("as it is", list(cut(recordings)), first, second)
        noisy = measured("in noise", list(cut_in_noise(recordings)), first, second)
    print(f"{len(recordings)} recordings, {sum(each.seconds for each in recordings):.0f} s")
    print(
        f"{'sound':<10}{'way':<22}{'looks':>7}{'taken':>7}{'wrong':>9}{'better':>9}{'worse':>7}"
        f"{'CPU s':>9}"
    )
    rows = [*plain, *noisy]
    for row in rows:
        print(
            f"{row.sound:<10}{row.way:<22}{row.looks:>7}{row.taken:>7}{row.wrong:>7.2f} %"
            f"{row.better:>9}{row.worse:>7}{row.cpu_s:>9.1f}"
        )
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2))
    return int(any(found[1].wrong > found[0].wrong for found in (plain, noisy)))


if __name__ == "__main__":
    sys.exit(main())
