"""Cuts timed text into captions people can read: two short lines, cut at sentences and pauses.

Pure. Promises that captions keep every word in order, never overlap and never run backwards,
whatever times the speech engine gave.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from services.workspace.transcripts.domain import StoredSegment

LINE_CHARACTERS = 42
LINES = 2
SHORTEST_MS = 1_000
LONGEST_MS = 7_000
PAUSE_MS = 1_200
"""A silence this long ends a caption: keeping it up would show words nobody is saying."""

# A full stop may be followed by a closing quote or bracket; CJK marks need no space after them.
_CLOSING = r"[\"'\u201d\u2019\u00bb\u00ab)\]]*$"
SENTENCE_END = re.compile(r"[.!?\u2026\u3002\uff01\uff1f]" + _CLOSING)
_CLAUSE_END = re.compile(r"[,;:\u2013\u2014\u3001\uff0c]" + _CLOSING)
_CUTS = ((SENTENCE_END, 0.4), (_CLAUSE_END, 0.6))
"""Where a full caption had better end, and how much of it must then remain."""


@dataclass(frozen=True, kw_only=True)
class Cue:
    """One caption: what stands on the screen from ``start_ms`` until ``end_ms``."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    speaker: str | None = None
    language: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Token:
    """A piece of text that is never broken, with the time it is spoken."""

    text: str
    space_before: bool
    start_ms: int
    end_ms: int


def cut_cues(segments: Iterable[StoredSegment]) -> list[Cue]:
    """Return the captions of timed segments in order; segments without times have none."""
    cues: list[Cue] = []
    for segment in segments:
        tokens = list(_tokens(segment))
        for group in _groups(tokens):
            cue = Cue(
                start_ms=group[0].start_ms,
                end_ms=group[-1].end_ms,
                lines=_lines(group),
                speaker=segment.speaker,
                language=segment.language,
            )
            cues.append(cue)
    return _settle(cues)


def _tokens(segment: StoredSegment) -> Iterator[_Token]:
    """Yield the segment's text in unbreakable pieces; together they are the whole text."""
    if segment.start_ms is None or segment.end_ms is None:
        return
    text = " ".join(segment.text.split())
    yield from _timed_by_words(segment, text) or _timed_evenly(segment, text)


def _timed_by_words(segment: StoredSegment, text: str) -> list[_Token]:
    """Return tokens with the engine's word times, or nothing where the words are not the text."""
    places: list[int] = []
    reached = 0
    for word in segment.words:
        spoken = " ".join(word.text.split())
        place = text.find(spoken, reached)
        if not spoken or place < 0 or text[reached:place].strip():
            return []
        places.append(place)
        reached = place + len(spoken)
    if not places or text[reached:].strip():
        return []
    ends = [*places[1:], len(text)]
    return [
        _Token(
            text=text[place:end].strip(),
            space_before=place > 0 and text[place - 1] == " ",
            start_ms=word.start_ms,
            end_ms=word.end_ms,
        )
        for place, end, word in zip(places, ends, segment.words, strict=True)
    ]


def _timed_evenly(segment: StoredSegment, text: str) -> list[_Token]:
    """Return whitespace tokens with times in proportion to their place in the text."""
    start_ms, end_ms = segment.start_ms or 0, segment.end_ms or 0
    span_ms = max(end_ms - start_ms, 0)
    return [
        _Token(
            text=match.group(),
            space_before=match.start() > 0,
            start_ms=start_ms + span_ms * match.start() // len(text),
            end_ms=start_ms + span_ms * match.end() // len(text),
        )
        for match in re.finditer(r"\S+", text)
    ]


def _groups(tokens: Sequence[_Token]) -> Iterator[list[_Token]]:
    """Yield the tokens of one caption after another."""
    rest = list(tokens)
    while rest:
        taken = _longest_fitting(rest)
        cut = _best_cut(rest[:taken]) if taken < len(rest) else taken
        yield rest[:cut]
        rest = rest[cut:]


def _longest_fitting(tokens: Sequence[_Token]) -> int:
    """Return how many tokens fit on one caption before a pause, the time limit or the last line."""
    for count in range(1, len(tokens)):
        following = tokens[count]
        if following.start_ms - tokens[count - 1].end_ms >= PAUSE_MS:
            return count
        if following.end_ms - tokens[0].start_ms > LONGEST_MS:
            return count
        if len(_lines(tokens[: count + 1])) > LINES:
            return count
    return len(tokens)


def _best_cut(tokens: Sequence[_Token]) -> int:
    """Return where to end the caption: after a sentence, else a clause, else where it is full."""
    full = sum(len(token.text) for token in tokens)
    for pattern, least in _CUTS:
        used = full
        for count in range(len(tokens), 0, -1):
            if used < full * least:
                break
            if pattern.search(tokens[count - 1].text):
                return count
            used -= len(tokens[count - 1].text)
    return len(tokens)


def _lines(tokens: Sequence[_Token]) -> tuple[str, ...]:
    """Return the tokens as lines; two lines are balanced so that the eye need not jump."""
    lines = _filled(tokens, LINE_CHARACTERS)
    if len(lines) != LINES:
        return lines
    total = len(" ".join(lines))
    for width in range((total + 1) // LINES, LINE_CHARACTERS):
        balanced = _filled(tokens, width)
        if len(balanced) == LINES:
            return balanced
    return lines


def _filled(tokens: Sequence[_Token], width: int) -> tuple[str, ...]:
    """Return lines filled greedily; a token longer than a line stays whole."""
    lines: list[str] = []
    for token in tokens:
        gap = " " if token.space_before else ""
        if lines and len(lines[-1]) + len(gap) + len(token.text) <= width:
            lines[-1] += gap + token.text
        else:
            lines.append(token.text)
    return tuple(lines)


def _settle(cues: Sequence[Cue]) -> list[Cue]:
    """Return the cues with times that grow, never overlap, and stay long enough to be read."""
    settled: list[Cue] = []
    free_from_ms = 0
    for index, cue in enumerate(cues):
        start_ms = max(cue.start_ms, free_from_ms)
        end_ms = min(max(cue.end_ms, start_ms + 1), start_ms + LONGEST_MS)
        following_ms = cues[index + 1].start_ms if index + 1 < len(cues) else None
        wanted_ms = max(end_ms, start_ms + SHORTEST_MS)
        if following_ms is not None:
            wanted_ms = max(min(wanted_ms, following_ms), start_ms + 1)
            end_ms = max(min(end_ms, following_ms), start_ms + 1)
        settled.append(replace(cue, start_ms=start_ms, end_ms=max(end_ms, wanted_ms)))
        free_from_ms = settled[-1].end_ms
    return settled
