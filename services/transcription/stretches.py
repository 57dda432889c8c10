"""Finds the stretches of a chunk between which a speaker pauses, by loudness alone."""

import itertools
from dataclasses import dataclass

import numpy as np

from services.transcription.engine import SAMPLE_RATE, Samples

_STEP_MS = 20
_STEP = SAMPLE_RATE * _STEP_MS // 1000
_QUIET = 0.1
"""Share of the chunk's loud passages below which nobody is taken to speak."""
_LOUD_PERCENTILE = 90
_PAUSE_STEPS = 240 // _STEP_MS
_SHORTEST_STEPS = 1_200 // _STEP_MS
"""What is shorter tells little about its language and stays with its neighbour."""


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A part of a chunk; stretches lie side by side, cut in the middle of pauses."""

    start_ms: int
    end_ms: int


def stretches_of(pcm: Samples) -> list[Stretch]:
    """Return the stretches of a chunk, in order and without gaps; at least one."""
    length_ms = pcm.size * 1000 // SAMPLE_RATE
    edges = [0, *_pauses(pcm), length_ms]
    return [Stretch(start_ms=a, end_ms=b) for a, b in itertools.pairwise(edges)]


def _pauses(pcm: Samples) -> list[int]:
    """Return the middles of the longest pauses that lie far enough from each other."""
    steps = pcm[: pcm.size // _STEP * _STEP].astype(np.float32).reshape(-1, _STEP)
    if not steps.size:
        return []
    loudness = np.sqrt(np.mean(np.square(steps), axis=1))
    is_quiet = loudness < _QUIET * np.percentile(loudness, _LOUD_PERCENTILE)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_quiet, [False]]).astype(np.int8)))
    pauses: list[tuple[int, int]] = [(a, b) for a, b in edges.reshape(-1, 2).tolist()]
    chosen = [0, loudness.size]
    for begin, end in sorted(pauses, key=lambda pause: (pause[0] - pause[1], pause)):
        middle = (begin + end) // 2
        is_far = all(abs(middle - other) >= _SHORTEST_STEPS for other in chosen)
        if end - begin >= _PAUSE_STEPS and is_far:
            chosen.append(middle)
    return sorted(step * _STEP_MS for step in chosen[2:])
