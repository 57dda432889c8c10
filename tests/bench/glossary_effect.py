"""Measures what a team's glossary does: names heard right and words heard wrong, with and without.

``python -m tests.bench.glossary_effect [--languages en,de,nl,fr,es] [--json PATH]``
The names and jargon stand in the references of real recordings. Each recording that holds one is
cut and recognised by the service's own cutter and engine in this process, four times: without a
glossary, with the names of its language, with as many other names between them, and with the others
alone: a list of which nothing is said. All names of a language are one team's list, whichever the
recording.

A name counts as heard where it stands in the text letter by letter, apart from case, punctuation
and spaces. The rate is also given for the names that are missed without a glossary.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

import jiwer

from services.transcription.cutting import ChunkCutter
from services.transcription.engine import Chunk, Engine
from services.transcription.faster_whisper_engine import FasterWhisperEngine
from services.transcription.models import prepare_model
from tests.bench.word_error_rate import normal, samples_of
from tests.support.speech import Recording, manifest

NAMES: dict[str, tuple[str, ...]] = {
    "en": (
        "Benita",
        "Chaka",
        "Governor Phillip",
        "Alderman",
        "Sintra",
        "Lord Byron",
        "Northern Marianas",
        "Dashwood",
        "Quilter",
        "Asterisk",
        "PBX",
        "Waldo",
        "Gutenberg",
        "tacos al pastor",
    ),
    "de": (
        "Auenland",
        "Schoko-Bonbons",
        "Code Switching",
        "Eurasien",
        "Headset",
        "feuchtfröhlich",
        "Leichenhalle",
        "Tröte",
    ),
    "nl": (
        "Greenpeace",
        "Cleopatra",
        "Robohond",
        "rariteitenkabinet",
        "enterhaak",
        "winterkajuit",
        "stuiptrekkingen",
        "computervirussen",
        "landvolk",
        "Silver",
        "diskette",
    ),
    "fr": ("Asterisk", "dièse", "répertoire", "boîte vocale"),
    "es": ("Asterisk", "PBX", "IVR", "Linux"),
}
"""Only recordings with one of them are heard."""
OTHERS = (
    "Wijnhaven",
    "Kubernetes",
    "Okonkwo",
    "Grafana",
    "Lakshmi",
    "Terraform",
    "Szczepański",
    "Nextcloud",
    "Zephyr",
    "Almudena",
    "Tidings",
    "Björnsdóttir",
    "Hetzner",
    "Ouagadougou",
)
"""Said in none of the recordings."""
BATCH = 8
ALLOWED_POINTS = 0.5


@dataclass(frozen=True)
class Figures:
    """One language under one glossary."""

    language: str
    glossary: str
    recordings: int
    words: int
    wrong: float
    """Word error rate, in per cent."""
    names: int
    heard: int
    missed_before: int
    """Names that were missed without a glossary."""
    mended: int
    """Those of them that are heard with this one."""
    made_up: int
    """Names in the text that are not in the reference."""


def compact(text: str) -> str:
    """Return the letters and digits alone."""
    return normal(text).replace(" ", "").replace("'", "")


def has(text: str, name: str) -> bool:
    """Tell whether a name stands in a text."""
    return compact(name) in compact(text)


def recordings_with(language: str) -> list[Recording]:
    """Return the recordings in which one of the names is said."""
    return [
        recording
        for recording in manifest()
        if recording.language == language
        and recording.kind == "speech"
        and recording.text
        and any(has(recording.text, name) for name in NAMES[language])
    ]


def chunks_of(recording: Recording) -> list[Chunk]:
    """Cut as the service does."""
    cutter = ChunkCutter()
    pcm = asyncio.run(samples_of(recording))
    return [
        Chunk(pcm=made.pcm, language=recording.language)
        for made in (*cutter.push(pcm), *cutter.finish())
    ]


def texts_of(
    engine: Engine, cut: Sequence[Sequence[Chunk]], glossary: tuple[str, ...]
) -> list[str]:
    """Return what is heard in each recording under this glossary."""
    chunks = [
        Chunk(pcm=chunk.pcm, language=chunk.language, glossary=glossary)
        for chunk in chain.from_iterable(cut)
    ]
    results = iter(
        result
        for at in range(0, len(chunks), BATCH)
        for result in engine.recognise(chunks[at : at + BATCH])
    )
    return [
        "".join(word.text for _ in recording for word in next(results).words) for recording in cut
    ]


def measured(engine: Engine, language: str) -> list[Figures]:
    """Return the figures of one language, one for each glossary."""
    recordings = recordings_with(language)
    cut = [chunks_of(recording) for recording in recordings]
    names = NAMES[language]
    others = OTHERS[: len(names)]
    glossaries: dict[str, tuple[str, ...]] = {
        "none": (),
        "names": names,
        "names and others": tuple(chain.from_iterable(zip(names, others, strict=True))),
        "others": others,
    }
    spoken = [recording.text or "" for recording in recordings]
    said = [(place, name) for place, text in enumerate(spoken) for name in names if has(text, name)]
    texts = {label: texts_of(engine, cut, glossary) for label, glossary in glossaries.items()}
    missed = [(place, name) for place, name in said if not has(texts["none"][place], name)]
    references = [normal(text) for text in spoken]
    return [
        Figures(
            language=language,
            glossary=label,
            recordings=len(recordings),
            words=sum(len(reference.split()) for reference in references),
            wrong=100 * jiwer.wer(references, [normal(text) for text in texts[label]]),
            names=len(said),
            heard=sum(has(texts[label][place], name) for place, name in said),
            missed_before=len(missed),
            mended=sum(has(texts[label][place], name) for place, name in missed),
            made_up=sum(
                has(text, name) and not has(spoken[place], name)
                for place, text in enumerate(texts[label])
                for name in (*names, *others)
            ),
        )
        for label in glossaries
    ]


def together(rows: Sequence[Figures], glossary: str) -> Figures:
    """Return the figures of all languages under one glossary."""
    some = [row for row in rows if row.glossary == glossary]
    words = sum(row.words for row in some)
    counts = {
        name: sum(getattr(row, name) for row in some)
        for name in ("recordings", "names", "heard", "missed_before", "mended", "made_up")
    }
    wrong = sum(row.wrong * row.words for row in some) / max(1, words)
    return Figures(language="all", glossary=glossary, words=words, wrong=wrong, **counts)


def show(row: Figures) -> None:
    """Print one line of the table."""
    print(
        f"{row.language:<5}{row.glossary:<18}{row.recordings:>6}{row.words:>7}"
        f"{row.wrong:>9.1f} %{row.heard:>9} of {row.names:<4}"
        f"{row.mended:>9} of {row.missed_before:<4}{row.made_up:>8}",
        flush=True,
    )


def main() -> int:
    """Print the figures; 1 if the names do not help, or a list with others in it does harm."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--languages", default=",".join(NAMES))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows: list[Figures] = []
    print(
        f"{'':<5}{'glossary':<18}{'files':>6}{'words':>7}{'wrong':>11}{'names heard':>17}"
        f"{'of those missed':>17}{'made up':>8}"
    )
    with tempfile.TemporaryDirectory() as folder:
        model = prepare_model("base", Path(folder))
        engine = FasterWhisperEngine(model.folder, name=model.name, threads=os.cpu_count() or 1)
        for language in options.languages.split(","):
            found = measured(engine, language)
            rows += found
            for row in found:
                show(row)
    none, names, mixed, _ = whole = [together(rows, row.glossary) for row in rows[:4]]
    for row in whole:
        show(row)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in (*rows, *whole)], indent=2))
    return int(names.heard <= none.heard or mixed.wrong > none.wrong + ALLOWED_POINTS)


if __name__ == "__main__":
    sys.exit(main())
