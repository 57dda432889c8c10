"""Measures who is said to speak when: diarisation error rate, beside one speaker for everything.

``python -m tests.bench.speaker_error [--without-made] [--json PATH]``
The rate is that of NIST's md-eval: seconds in which speech is missed, made up or given to the wrong
speaker, divided by the seconds of speech in the reference, each speaker counted where several talk
at once, under the assignment of labels to people that is best for the file. It is given without
and with a collar: a quarter of a second around each border of the reference is not judged then.

Sound goes through the service's own cutter, engine, voice encoder and grouping in this process; who
speaks when are its segments with their labels. Two kinds of talk:

- real: recordings of several people with a reference beside them (``.rttm``).
- made: turns of real voices from recordings of one speaker, joined here, as they are and with the
  band of a telephone, so that a microphone does not give its speaker away. Bounds were found on
  these, never on the real ones. Talks of one person show whether a second one is made up.
"""

import argparse
import asyncio
import itertools
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.transcription.cutting import ChunkCutter, CutChunk
from services.transcription.domain.speakers import Turn, with_speakers
from services.transcription.engine import SAMPLE_RATE, Chunk, Engine, Samples
from services.transcription.faster_whisper_engine import FasterWhisperEngine
from services.transcription.models import prepare_model
from services.transcription.usecases.place import segments_in
from services.transcription.usecases.tell_apart import FRAME_MS, whole_in, windows_in
from services.transcription.voiceprints import Floats, VoiceEncoder
from services.transcription.voices import tell_apart
from shared.contracts.transcript import Segment
from tests.bench.mixed_languages import samples_of
from tests.bench.word_times import speech_limits
from tests.support.speech import manifest

COLLAR_MS = 250
PAUSE_MS = 300
LOUDNESS = 2_000.0
BAND_HZ = (300, 3_400)
ORDER = 4
"""Of Butterworth's filter, at both ends."""
BATCH = 8
MOST_LABELS = 8
ALLOWED_POINTS = 1.0

Active = NDArray[np.bool_]


@dataclass(frozen=True)
class Talk:
    """One sound and the truth about it."""

    name: str
    kind: str
    pcm: Samples
    turns: tuple[Turn, ...]
    """Who speaks when; turns may overlap."""


@dataclass(frozen=True)
class Errors:
    """Seconds of each kind of error, and of speech in the reference."""

    speech: float
    missed: float
    made_up: float
    confused: float

    @property
    def rate(self) -> float:
        """The diarisation error rate, in per cent."""
        wrong = self.missed + self.made_up + self.confused
        return 100 * wrong / self.speech if self.speech else 0.0

    def __add__(self, other: "Errors") -> "Errors":
        return Errors(
            *(getattr(self, name) + getattr(other, name) for name in Errors.__dataclass_fields__)
        )


@dataclass(frozen=True)
class Figures:
    """One talk: how many spoke, how many were found, and the errors."""

    name: str
    kind: str
    people: int
    found: int
    ours: Errors
    ours_collar: Errors
    one: Errors
    """With one label for everything."""
    one_collar: Errors


def real_talks() -> Iterator[Talk]:
    """Give the recordings of several people."""
    for recording in manifest():
        reference = recording.path.with_suffix(".rttm")
        if recording.kind == "multi-speaker" and reference.is_file():
            turns = tuple(_turn(line) for line in reference.read_text().splitlines() if line)
            yield Talk(recording.path.name, "real", asyncio.run(samples_of(recording)), turns)


def _turn(line: str) -> Turn:
    """Read one line of an RTTM file: the fourth and fifth fields are start and length."""
    fields = line.split()
    start_ms = round(float(fields[3]) * 1000)
    return Turn(
        start_ms=start_ms, end_ms=start_ms + round(float(fields[4]) * 1000), speaker=fields[7]
    )


CASTS: tuple[tuple[str, ...], ...] = (
    ("en-ljspeech", "en-asterisk-8k"),
    ("en-ljspeech", "en-asterisk-8k", "3729-6852"),
    ("en-hifitts-6097", "en-mfa-spontaneous"),
    ("en-hifitts-6097", "sense_and"),
    ("1088-134315-0000.wav", "3729-6852", "harvard_list1"),
    ("sense_and", "en-mfa-spontaneous", "en-ljspeech", "en-hifitts-6097"),
    ("de-thorsten", "nl-fillets-big"),
    ("en-asterisk-8k", "es-asterisk-8k", "fr-asterisk-8k"),
    ("fleurs-en-000", "fleurs-en-002", "fleurs-en-005", "fleurs-en-006"),
    ("fleurs-en-008", "fleurs-en-009"),
    ("en-ljspeech",),
    ("en-hifitts-6097",),
    ("en-asterisk-8k",),
    ("en-mfa-spontaneous",),
    ("de-thorsten",),
    ("nl-fillets-big",),
)
"""Who takes turns: each a part of the path of their recordings."""
MADE_S = 60
LONGEST_TURN_S = 6
SHORTEST_TURN_S = 1


def made_talks() -> Iterator[Talk]:
    """Give talks joined of voices that take turns, wide and with a telephone's band."""
    for number, cast in enumerate(CASTS):
        random = np.random.default_rng(number)
        waiting = {name: list(_clips(name)) for name in cast}
        pieces: list[Samples] = []
        turns: list[Turn] = []
        length = 0
        while length < MADE_S * SAMPLE_RATE and any(waiting.values()):
            name = str(random.choice([name for name, clips in waiting.items() if clips]))
            pcm = waiting[name].pop(0)
            begin_ms, end_ms = speech_limits(pcm) or (0.0, pcm.size * 1000 / SAMPLE_RATE)
            at_ms = length * 1000 / SAMPLE_RATE
            turns.append(
                Turn(start_ms=round(at_ms + begin_ms), end_ms=round(at_ms + end_ms), speaker=name)
            )
            pieces += [pcm, np.zeros(PAUSE_MS * SAMPLE_RATE // 1000, dtype=np.int16)]
            length += pieces[-2].size + pieces[-1].size
        whole = np.concatenate(pieces)
        named = " + ".join(cast)
        yield Talk(named, "made", whole, tuple(turns))
        yield Talk(f"{named}, telephone", "made", _narrowed(whole), tuple(turns))


def _clips(name: str) -> Iterator[Samples]:
    """Give what one person says, in turns and equally loud."""
    for recording in manifest():
        if recording.kind == "speech" and name in str(recording.path):
            pcm = asyncio.run(samples_of(recording))
            level = float(np.sqrt(np.mean(np.square(pcm.astype(np.float64)))))
            even = np.clip(pcm * (LOUDNESS / max(level, 1.0)), -32768, 32767).astype(np.int16)
            for at in range(0, even.size, LONGEST_TURN_S * SAMPLE_RATE):
                turn = even[at : at + LONGEST_TURN_S * SAMPLE_RATE]
                if turn.size >= SHORTEST_TURN_S * SAMPLE_RATE:
                    yield turn


def _narrowed(pcm: Samples) -> Samples:
    """Leave a telephone's band, with the slopes of a real filter: no telephone has brick walls."""
    spectrum = np.fft.rfft(pcm.astype(np.float64))
    hertz = np.maximum(np.fft.rfftfreq(pcm.size, 1 / SAMPLE_RATE), 1e-9)
    low, high = ((BAND_HZ[0] / hertz) ** (2 * ORDER), (hertz / BAND_HZ[1]) ** (2 * ORDER))
    narrow = np.fft.irfft(spectrum / np.sqrt((1 + low) * (1 + high)), pcm.size)
    return np.clip(narrow, -32768, 32767).astype(np.int16)


def words_of(engine: Engine, pcm: Samples) -> list[tuple[CutChunk, tuple[Segment, ...]]]:
    """Return the chunks of a sound and what was heard in each."""
    cutter = ChunkCutter()
    cut = [*cutter.push(pcm.astype("<i2").tobytes()), *cutter.finish()]
    results = [
        result
        for at in range(0, len(cut), BATCH)
        for result in engine.recognise([Chunk(pcm=made.pcm) for made in cut[at : at + BATCH]])
    ]
    return [
        (
            made,
            segments_in(result, chunk_index=made.index, start_ms=made.start_ms, end_ms=made.end_ms),
        )
        for made, result in zip(cut, results, strict=True)
    ]


def labelled(
    encoder: VoiceEncoder, heard: Sequence[tuple[CutChunk, tuple[Segment, ...]]]
) -> tuple[Segment, ...]:
    """Return the segments with their speakers, as the service tells them apart."""
    times: list[int] = []
    are_whole: list[bool] = []
    prints: list[Floats] = []
    for cut, segments in heard:
        starts_ms = windows_in(cut.start_ms, cut.end_ms, segments)
        if starts_ms:
            times += [cut.start_ms + start for start in starts_ms]
            are_whole += whole_in(times[-len(starts_ms) :], segments)
            prints.append(encoder.voiceprints(cut.pcm, [start // FRAME_MS for start in starts_ms]))
    turns = tell_apart(times, np.concatenate(prints), are_whole) if prints else ()
    return with_speakers([segment for _, segments in heard for segment in segments], turns)


def errors(truth: Sequence[Turn], found: Sequence[Turn], length_ms: int, collar_ms: int) -> Errors:
    """Return the errors under the best assignment of labels to people, in steps of 10 ms."""
    judged = np.ones(length_ms // 10 + 1, dtype=bool)
    for edge in (edge for turn in truth for edge in (turn.start_ms, turn.end_ms)):
        if collar_ms:
            judged[max(0, edge - collar_ms) // 10 : (edge + collar_ms) // 10] = False
    people, labels = (_active(turns, judged) for turns in (truth, found))
    in_truth, in_found = (_count(active, judged) for active in (people, labels))
    correct = _best_overlap(list(people.values()), list(labels.values()))
    return Errors(
        speech=float(in_truth.sum()) / 100,
        missed=float(np.maximum(0, in_truth - in_found).sum()) / 100,
        made_up=float(np.maximum(0, in_found - in_truth).sum()) / 100,
        confused=(float(np.minimum(in_truth, in_found).sum()) - correct) / 100,
    )


def _active(turns: Sequence[Turn], judged: Active) -> dict[str, Active]:
    """Return in which steps each speaks, of those that are judged."""
    active: dict[str, Active] = defaultdict(lambda: np.zeros(judged.size, dtype=bool))
    for turn in turns:
        active[turn.speaker][turn.start_ms // 10 : turn.end_ms // 10] = True
    return {speaker: steps & judged for speaker, steps in active.items()}


def _count(active: dict[str, Active], judged: Active) -> NDArray[np.int64]:
    return sum((steps.astype(np.int64) for steps in active.values()), np.zeros(judged.size, int))


def _best_overlap(people: Sequence[Active], labels: Sequence[Active]) -> float:
    """Return how many steps agree when each label stands for at most one person."""
    few, many = sorted((people, labels), key=len)
    overlap = [[float((one & other).sum()) for other in many] for one in few]
    return max(
        (
            sum(row[place] for row, place in zip(overlap, places, strict=True))
            for places in itertools.permutations(range(len(many)), len(few))
        ),
        default=0.0,
    )


def turns_of(segments: Sequence[Segment], *, is_one: bool = False) -> list[Turn]:
    """Return who speaks when, as the transcript says; the rarest labels are left out of many."""
    spoken: dict[str, int] = defaultdict(int)
    for segment in segments:
        spoken[segment.speaker or "S1"] += segment.end_ms - segment.start_ms
    kept = sorted(spoken, key=lambda label: -spoken[label])[:MOST_LABELS]
    return [
        Turn(
            start_ms=segment.start_ms,
            end_ms=segment.end_ms,
            speaker="S1" if is_one else segment.speaker or "S1",
        )
        for segment in segments
        if is_one or (segment.speaker or "S1") in kept
    ]


def measured(talk: Talk, segments: Sequence[Segment]) -> Figures:
    """Return the figures of one talk."""
    length_ms = talk.pcm.size * 1000 // SAMPLE_RATE
    ours, one = turns_of(segments), turns_of(segments, is_one=True)
    return Figures(
        name=talk.name,
        kind=talk.kind,
        people=len({turn.speaker for turn in talk.turns}),
        found=len({turn.speaker for turn in ours}),
        ours=errors(talk.turns, ours, length_ms, 0),
        ours_collar=errors(talk.turns, ours, length_ms, COLLAR_MS),
        one=errors(talk.turns, one, length_ms, 0),
        one_collar=errors(talk.turns, one, length_ms, COLLAR_MS),
    )


def together(name: str, rows: Sequence[Figures]) -> Figures:
    """Return the figures of several talks as of one."""
    zero = Errors(0, 0, 0, 0)
    ours, ours_collar, one, one_collar = (
        sum((getattr(row, field) for row in rows), zero)
        for field in ("ours", "ours_collar", "one", "one_collar")
    )
    return Figures(
        name,
        "all",
        sum(row.people for row in rows),
        sum(row.found for row in rows),
        ours,
        ours_collar,
        one,
        one_collar,
    )


def show(row: Figures) -> None:
    """Print one line of the table."""
    speech = row.ours.speech or 1.0
    parts = "".join(
        f"{100 * part / speech:8.1f}"
        for part in (row.ours.missed, row.ours.made_up, row.ours.confused)
    )
    print(
        f"{row.name[:52]:<54}{row.ours.speech:6.1f}{row.people:4}/{row.found:<4}{parts}"
        f"{row.ours.rate:8.1f} ({row.one.rate:5.1f}){row.ours_collar.rate:8.1f}"
        f" ({row.one_collar.rate:5.1f})",
        flush=True,
    )


def main() -> int:
    """Print the figures; 1 if labels do more harm than good on the real talks together."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without-made", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    talks = itertools.chain(real_talks(), () if options.without_made else made_talks())
    encoder = VoiceEncoder()
    rows: list[Figures] = []
    print("errors in % of speech: missed, made up, confused; their sum (with one label for all)")
    print(
        f"{'':<54}{'speech':>6}{'people':>7}  {'missed':>8}{'made up':>8}{'confused':>9}"
        f"{'sum':>7}{'':>9}{'with collar':>14}"
    )
    took_s = heard_s = 0.0
    with tempfile.TemporaryDirectory() as folder:
        model = prepare_model("base", Path(folder))
        engine = FasterWhisperEngine(model.folder, name=model.name, threads=os.cpu_count() or 1)
        for talk in talks:
            heard = words_of(engine, talk.pcm)
            began_s = time.monotonic()
            segments = labelled(encoder, heard)
            took_s += time.monotonic() - began_s
            heard_s += talk.pcm.size / SAMPLE_RATE
            rows.append(measured(talk, segments))
            show(rows[-1])
    real = [row for row in rows if row.kind == "real"]
    for name, some in (("real", real), ("made", [row for row in rows if row.kind == "made"])):
        if some:
            rows.append(together(f"all {name} talks", some))
            show(rows[-1])
    print(f"Speakers of {heard_s:.0f} s told apart in {took_s:.1f} s ({heard_s / took_s:.0f}x)")
    if options.json:
        rates = [
            {"der": row.ours.rate, "der_collar": row.ours_collar.rate, "der_one": row.one.rate}
            | asdict(row)
            for row in rows
        ]
        options.json.write_text(
            json.dumps({"talks": rates, "sound_s": heard_s, "took_s": took_s}, indent=2)
        )
    whole = together("real", real)
    return int(bool(real) and whole.ours.rate > whole.one.rate + ALLOWED_POINTS)


if __name__ == "__main__":
    sys.exit(main())
