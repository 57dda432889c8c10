"""Moves the begin and end of words next to a pause to where the sound begins and ends.

The model's attention tells well which word is where, and badly where a silence lies: a word before
or after one often swallows it, or stops short of it. By loudness alone; where the background is as
loud as speech there are no pauses to be found and nothing moves. No word changes place or text.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from services.transcription.engine import SAMPLE_RATE, Samples, SpokenWord

STEP_MS = 10
_STEP = SAMPLE_RATE * STEP_MS // 1000
_LOUD_PERCENTILE = 90
_FLOOR_PERCENTILE = 5
_FAINT = 10 ** (-35 / 20)
"""Of the loud passages: what is fainter is quiet in any case."""
_MURMUR = 10 ** (-20 / 20)
"""What is louder than this is not quiet, whatever the background."""
_ABOVE_FLOOR = 2.0
"""The background changes a little."""
PAUSE_MS = 200
EDGE_PAUSE_MS = 50
"""At the edge of a chunk a pause may be cut short."""
LEAST_WORD_MS = 80
"""A word keeps at least so much."""
REACH_MS = 400
"""So far a word that stopped short is drawn out."""


def settled_edges(words: Sequence[SpokenWord], pcm: Samples, offset_ms: int) -> list[SpokenWord]:
    """Return the words with edges at pauses; ``offset_ms`` is where in their chunk ``pcm`` begins.

    The words are in order, and stay so.
    """
    settled = list(words)
    for begin, end in _pauses(pcm):
        _settle(settled, offset_ms + begin, offset_ms + end)
    return settled


def _settle(words: list[SpokenWord], begin: int, end: int) -> None:
    """Let the last word before the pause end where it begins, the next one begin where it ends."""
    after = next((at for at, word in enumerate(words) if _is_after(word, begin, end)), len(words))
    latest = begin
    if after < len(words):
        word = words[after]
        if word.end_ms - end >= LEAST_WORD_MS and word.start_ms <= end + REACH_MS:
            words[after] = replace(word, start_ms=end)
        latest = min(begin, words[after].start_ms)
    if after > 0:
        word = words[after - 1]
        if latest - word.start_ms >= LEAST_WORD_MS and word.end_ms >= begin - REACH_MS:
            words[after - 1] = replace(word, end_ms=latest)


def _is_after(word: SpokenWord, begin: int, end: int) -> bool:
    """Tell whether more of a word sounds after the pause than before it."""
    return word.end_ms - end > begin - word.start_ms


def _pauses(pcm: Samples) -> list[tuple[int, int]]:
    """Return from when to when it is quiet, in ms, in order."""
    steps = pcm[: pcm.size // _STEP * _STEP].astype(np.float32).reshape(-1, _STEP)
    if not steps.size:
        return []
    loudness = np.sqrt(np.mean(np.square(steps), axis=1))
    loud, floor = np.percentile(loudness, [_LOUD_PERCENTILE, _FLOOR_PERCENTILE])
    bound = min(loud * _MURMUR, max(loud * _FAINT, floor * _ABOVE_FLOOR))
    # The mean of three steps: a click does not end a pause, nor a closed mouth begin one.
    padded = np.pad(loudness, 1, mode="edge")
    is_quiet = (padded[:-2] + padded[1:-1] + padded[2:]) / 3 < bound
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_quiet, [False]]).astype(np.int8)))
    runs: list[tuple[int, int]] = [(a, b) for a, b in edges.reshape(-1, 2).tolist()]
    return [
        (first * STEP_MS, last * STEP_MS)
        for first, last in runs
        if (last - first) * STEP_MS
        >= (EDGE_PAUSE_MS if first == 0 or last == len(is_quiet) else PAUSE_MS)
    ]
