"""`make bench`: every measure one after the other, each beside its baseline in the same run.

Prints the tables and writes `bench-<measure>.json` into the current folder. What needs something
that is not there (``TIDINGS_TEST_SPEECH``, ``TIDINGS_TEST_KNOWLEDGE``, a Chromium) is left out.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.speech import REPOSITORY, speech_dir

KNOWLEDGE = Path(
    os.environ.get("TIDINGS_TEST_KNOWLEDGE", REPOSITORY.parent / "shared" / "knowledge")
)

TRANSCRIPTION = (
    "bench_long_file",
    "bench_many_short",
    "bench_live",
    "bench_backlog",
    "bench_recognisers",
    "bench_latency",
    "bench_memory",
)
"""Short by default; each has options for the full record."""


def measures() -> Iterator[tuple[str, list[str]]]:
    """Name each measure that can run here, with the arguments of its module."""
    yield "bench_upload", []
    if shutil.which("chromium") or shutil.which("chromium-browser"):
        yield "bench_reading", []
    if speech_dir() is not None:
        yield "word_error_rate", ["--max-seconds", "900"]
        yield "words_in_silence", []
        yield "mixed_languages", []
        yield "word_times", []
        yield "glossary_effect", []
        yield "second_look", []
        yield "speaker_error", []
        for name in TRANSCRIPTION:
            yield name, []
    for name, corpus in (
        ("search_recall", "xquad-en-de-dev.jsonl"),
        ("summary_evidence", "qmsum-dev.jsonl"),
    ):
        if (KNOWLEDGE / corpus).is_file():
            yield name, [str(KNOWLEDGE / corpus)]


def main() -> int:
    """Run them all; 1 if any could not be measured or missed its bound."""
    failed = []
    for name, arguments in measures():
        print(f"\n== {name.removeprefix('bench_').replace('_', ' ')}", flush=True)
        report = f"bench-{name.removeprefix('bench_').replace('_', '-')}.json"
        command = [sys.executable, "-m", f"tests.bench.{name}", *arguments, "--json", report]
        if subprocess.run(command, check=False).returncode != 0:
            failed.append(name)
    if speech_dir() is None:
        print("\nNo real speech here: word error rates and transcription were not measured.")
    if failed:
        print(f"\nMissed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
