"""Tells voices apart: groups voiceprints of one recording into the people who speak in it.

Halves the voiceprints again and again (spectral clustering) for as long as the halves are clearly
two voices; the bounds were found on single voices and on groups of them, and keep one voice whole
rather than make up a second. Voices are found by windows in which nobody can have taken over from
another, and all windows are then given to the voices found. The same voiceprints always give the
same answer.
"""

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.transcription.domain.speakers import Turn
from services.transcription.voiceprints import Floats

WINDOW_MS = 1_600
HOP_MS = 400
APART = 0.105
"""Two voices if prints are on average so much more alike within the halves than across them."""
APART_OF_MANY = 0.065
"""The same where there is more to go by: so much of a single voice gave more once in fifty."""
MANY = 30
"""From so many voiceprints on, some fifteen seconds; fewer of one voice differ more by chance."""
ONE_VOICE = 0.62
"""Prints less alike than this are of several people, whatever their halves look like."""
FEWEST = 4
"""Fewer voiceprints, some three seconds, are nobody's voice: they go to the most alike."""
MOST_COMPARED = 800
"""A long recording is grouped by so many of its voiceprints, evenly taken."""
_KEPT = 0.9
_FAINT = 0.01

Labels = NDArray[np.int64]


def tell_apart(
    starts_ms: Sequence[int], prints: Floats, are_whole: Sequence[bool]
) -> tuple[Turn, ...]:
    """Return who speaks when, from the voiceprints of windows in order; empty without any.

    ``are_whole`` says of which windows it is sure that one person alone speaks in them.
    """
    if not len(prints):
        return ()
    times: Labels = np.asarray(starts_ms, dtype=np.int64)
    whole = np.flatnonzero(are_whole)
    some = whole[:: -(-len(whole) // MOST_COMPARED) or 1]
    if not len(some):
        return _turns(times, np.zeros(len(times), dtype=np.int64))
    groups = _merged(prints[some], times[some], _groups(prints[some], times[some]))
    centres = np.stack([_centre(prints[some[group]]) for group in groups])
    return _turns(times, np.argmax(_steadied(prints @ centres.T), axis=1))


def _groups(prints: Floats, times: Labels) -> list[Labels]:
    """Return the indices of each voice."""
    open_groups: list[Labels] = [np.arange(len(prints))]
    voices: list[Labels] = []
    while open_groups:
        group = open_groups.pop()
        halves = _halves(prints[group])
        parts = [group[halves == side] for side in (0, 1)]
        is_many = _are_two(prints, times, *parts) or _likeness(prints, times, group) < ONE_VOICE
        if is_many and min(len(part) for part in parts) >= FEWEST:
            open_groups.extend(parts)
        else:
            voices.append(group)
    return sorted(voices, key=lambda voice: int(voice.min()))


def _merged(prints: Floats, times: Labels, groups: list[Labels]) -> list[Labels]:
    """Join groups that one voice fell into on different branches."""
    for first in range(len(groups)):
        for second in range(first + 1, len(groups)):
            if not _are_two(prints, times, groups[first], groups[second]):
                joined = np.sort(np.concatenate([groups[first], groups[second]]))
                rest = [g for at, g in enumerate(groups) if at not in {first, second}]
                return _merged(prints, times, [joined, *rest])
    return groups


def _likeness(prints: Floats, times: Labels, group: Labels) -> float:
    """Return how alike the windows of a group are on average, of those that share no sound."""
    is_far = np.abs(times[group][:, None] - times[group][None, :]) >= WINDOW_MS
    alike = (prints[group] @ prints[group].T)[is_far]
    return float(alike.mean()) if alike.size else 1.0


def _are_two(prints: Floats, times: Labels, first: Labels, second: Labels) -> bool:
    """Compare likeness within and across, of windows that share no sound."""
    both = np.concatenate([first, second])
    alike = prints[both] @ prints[both].T
    is_far = np.abs(times[both][:, None] - times[both][None, :]) >= WINDOW_MS
    side = np.concatenate([np.zeros(len(first)), np.ones(len(second))])
    is_same = side[:, None] == side[None, :]
    within, across = alike[is_far & is_same], alike[is_far & ~is_same]
    if not within.size or not across.size:
        return False
    apart = APART_OF_MANY if len(both) >= MANY else APART
    return bool(within.mean() - across.mean() > apart)


def _halves(prints: Floats) -> Labels:
    """Return 0 or 1 for each: the two groups that hang together least."""
    if len(prints) < 2 * FEWEST:
        return np.zeros(len(prints), dtype=np.int64)
    affinity = (prints @ prints.T).astype(np.float64)
    np.fill_diagonal(affinity, 0.0)
    np.fill_diagonal(affinity, affinity.max(axis=1))
    bound = np.quantile(affinity, _KEPT, axis=1, keepdims=True)
    affinity = np.where(affinity < bound, affinity * _FAINT, affinity)
    affinity = np.maximum(affinity, affinity.T)
    affinity = affinity @ affinity.T
    affinity /= affinity.max(axis=1, keepdims=True)
    _, vectors = np.linalg.eigh((affinity + affinity.T) / 2)
    labels = _two_means(vectors[:, -2:])
    for _ in range(3):
        if labels.min() == labels.max():
            return labels
        centres = np.stack([_centre(prints[labels == side]) for side in (0, 1)])
        labels = np.argmax(prints @ centres.T, axis=1)
    return labels


def _two_means(points: NDArray[np.float64]) -> Labels:
    """Group points by direction, beginning with the first and the one least like it."""
    directions = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)
    centres = directions[[0, int(np.argmin(directions @ directions[0]))]]
    labels: Labels = np.zeros(len(points), dtype=np.int64)
    for _ in range(50):
        labels = np.argmax(directions @ centres.T, axis=1)
        if labels.min() == labels.max():
            break
        centres = np.stack([_centre(directions[labels == side]) for side in (0, 1)])
    return labels


def _centre(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    mean = vectors.mean(axis=0, dtype=np.float64)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12))


def _steadied(likeness: NDArray[np.floating]) -> NDArray[np.float64]:
    """Let each window's neighbours, which share most of its sound, have a say."""
    padded = np.pad(np.asarray(likeness, dtype=np.float64), ((1, 1), (0, 0)), mode="edge")
    return padded[:-2] / 4 + padded[1:-1] / 2 + padded[2:] / 4


def _turns(times: Labels, labels: Labels) -> tuple[Turn, ...]:
    """Return turns that follow each other, named by who is heard first."""
    names: dict[int, str] = {}
    changes = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
    turns: list[Turn] = []
    start_ms = 0
    for begin, end in itertools.pairwise(changes):
        name = names.setdefault(int(labels[begin]), f"S{len(names) + 1}")
        is_last = end == len(labels)
        last_ms = int(times[end - 1])
        # Between the middles of the two windows where it changes.
        end_ms = last_ms + WINDOW_MS if is_last else (last_ms + int(times[end]) + WINDOW_MS) // 2
        turns.append(Turn(start_ms=start_ms, end_ms=end_ms, speaker=name))
        start_ms = end_ms
    return tuple(turns)
