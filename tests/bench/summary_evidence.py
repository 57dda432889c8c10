"""Measures summaries of real meetings: is every quote there, how near is the gist to a person's?

``python -m tests.bench.summary_evidence qmsum.jsonl [--json PATH]``: every line holds one meeting
(`meeting_transcripts` with speaker and content, `general_query_list` with a person's summary).
Beside the gist, with as many sentences: the first ones, and random ones (mean of many draws).
Shared words are counted as ROUGE-1 does, without stemming.
"""

import argparse
import json
import random
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from services.summary.domain.sentences import Source, Spoken, is_evident
from services.summary.domain.summarise import summarise
from shared.contracts.summary import StatementKind

SAID_ON = date(2026, 3, 11)
DRAWS = 50
_MARKER = re.compile(r"\{[a-z]+\}")
_LOOSE = re.compile(r"\s+([.,;:!?']|n't)")
_WORD = re.compile(r"[a-z0-9]+")


@dataclass
class Overlap:
    """How many words two texts share, in per cent."""

    recall: float
    precision: float
    f1: float


def segments_of(meeting: Any) -> list[Spoken]:
    """Return the turns as segments of invented times, with the marks of transcribers taken out."""
    segments: list[Spoken] = []
    start_ms = 0
    for turn in meeting["meeting_transcripts"]:
        text = _LOOSE.sub(r"\1", _MARKER.sub(" ", turn["content"]))
        text = " ".join(text.split())
        end_ms = start_ms + 350 * max(len(text.split()), 1)
        segments.append(
            Spoken(id=len(segments), text=text, language="en", start_ms=start_ms, end_ms=end_ms)
        )
        start_ms = end_ms
    return segments


def overlap(text: str, reference: str) -> Overlap:
    """Compare two texts by their words."""
    ours, theirs = Counter(_WORD.findall(text.lower())), Counter(_WORD.findall(reference.lower()))
    shared = sum((ours & theirs).values())
    recall = shared / max(sum(theirs.values()), 1)
    precision = shared / max(sum(ours.values()), 1)
    f1 = 2 * recall * precision / (recall + precision) if shared else 0.0
    return Overlap(recall=100 * recall, precision=100 * precision, f1=100 * f1)


def mean(overlaps: Iterable[Overlap]) -> Overlap:
    """Return the mean of each figure."""
    each = [asdict(one) for one in overlaps]
    return Overlap(**{name: statistics.mean(one[name] for one in each) for name in each[0]})


def measure(meetings: Sequence[Any]) -> dict[str, Any]:
    """Return the figures over all meetings."""
    draw = random.Random(1)  # noqa: S311 (a baseline, no secret)
    kinds: Counter[str] = Counter()
    evident = total = 0
    compared: dict[str, list[Overlap]] = {"gist": [], "first": [], "random": []}
    took_s = []
    for meeting in meetings:
        segments = segments_of(meeting)
        began_s = time.perf_counter()
        statements = summarise(segments, SAID_ON)
        took_s.append(time.perf_counter() - began_s)
        for statement in statements:
            kinds[statement.kind.value] += 1
            for evidence in statement.evidence:
                total += 1
                evident += is_evident(evidence, segments)
        gist = [each.text for each in statements if each.kind is StatementKind.GIST]
        sentences = [sentence.text for sentence in Source(segments).sentences()]
        reference = meeting["general_query_list"][0]["answer"]
        compared["gist"].append(overlap(" ".join(gist), reference))
        compared["first"].append(overlap(" ".join(sentences[: len(gist)]), reference))
        compared["random"].append(
            mean(
                overlap(" ".join(draw.sample(sentences, len(gist))), reference)
                for _ in range(DRAWS)
            )
        )
    return {
        "meetings": len(meetings),
        "statements": dict(kinds),
        "evidence": total,
        "evident_percent": 100 * evident / total,
        "median_s": statistics.median(took_s),
        "overlap": {name: asdict(mean(each)) for name, each in compared.items()},
    }


def main() -> int:
    """Measure and print; exit status 1 when any quote is not in its segments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    lines = arguments.path.read_text(encoding="utf-8").splitlines()
    figures = measure([json.loads(line) for line in lines])
    print(json.dumps(figures, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1))
    return 0 if figures["evident_percent"] == 100 else 1


if __name__ == "__main__":
    sys.exit(main())
