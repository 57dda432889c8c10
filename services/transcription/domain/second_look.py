"""Decides which chunks leave doubt, and which of two hearings of one chunk stands. Pure.

People have read the first hearing, so it stands unless the second is clearly better.
"""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby
from statistics import fmean

from shared.contracts.transcript import Segment, Word

DOUBTFUL = 0.75
"""Words that are less sure than this on average leave doubt: two in five of them are wrong."""
UNSURE_LANGUAGE = 0.5
CLEARLY = 0.05
"""So much surer the words must be on average to take the place of others."""
SURE = 0.8
"""Where the two differ, words that are so sure on average give way to surer ones only."""


def languages_in(segments: Sequence[Segment]) -> tuple[str, ...]:
    """Return the languages in the order they were spoken."""
    return tuple(language for language, _ in groupby(each.language for each in segments))


def is_doubtful(segments: Sequence[Segment]) -> bool:
    """Return whether what was heard in a chunk deserves a second look.

    Unsure words, an unsure language and a loop that was cut do. Nothing does not: another model is
    as likely to make words up.
    """
    if not segments:
        return False
    if any(each.language_probability < UNSURE_LANGUAGE or each.repeats_cut for each in segments):
        return True
    return _sureness(_words(segments)) < DOUBTFUL


def is_better(segments: Sequence[Segment], *, than: Sequence[Segment]) -> bool:
    """Return whether a second hearing takes the place of the first.

    Nothing never takes the place of words, nor words that of nothing. Words in another language and
    those of which a loop was cut never stand, nor do less sure ones in the place of sure ones.
    """
    if not segments or languages_in(segments) != languages_in(than):
        return False
    if any(each.repeats_cut for each in segments):
        return False
    second, first = _words(segments), _words(than)
    is_surer = _sureness(second) >= _sureness(first) + CLEARLY
    was_cut = any(each.repeats_cut for each in than)
    return (is_surer or was_cut) and all(
        _sureness(new) >= _sureness(old)
        for old, new in _differences(first, second)
        if _sureness(old) >= SURE
    )


def _words(segments: Sequence[Segment]) -> list[Word]:
    return [word for segment in segments for word in segment.words]


def _sureness(words: Sequence[Word]) -> float:
    return fmean(word.confidence for word in words) if words else 0.0


def _differences(
    first: Sequence[Word], second: Sequence[Word]
) -> Iterator[tuple[Sequence[Word], Sequence[Word]]]:
    """Give the places where two hearings differ: the words of each, perhaps none."""
    matcher = SequenceMatcher(None, _plain(first), _plain(second), autojunk=False)
    for kind, begin, end, new_begin, new_end in matcher.get_opcodes():
        if kind != "equal":
            yield first[begin:end], second[new_begin:new_end]


def _plain(words: Sequence[Word]) -> list[str]:
    return [word.text.strip().strip(".,!?…;:\"'").lower() for word in words]
