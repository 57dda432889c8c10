"""Makes sentence-like segments of the words of a chunk. Pure, and the same for the same words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.transcription.domain.loops import loops_in
from shared.contracts.transcript import SEGMENTS_PER_CHUNK, Segment, Word

PAUSE_MS = 1_500
"""A silence this long ends a segment even within a sentence."""
LONG_MS = 15_000
"""From here on a comma ends a segment too."""
LONGEST_MS = 25_000
LONGEST_WORD_MS = 1_500
"""Nobody draws out a word longer than this: the rest is the silence before or after it."""
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "\uff01", "\uff1f")
_CLAUSE_ENDS = (",", ";", ":", "\uff0c", "、")


@dataclass(frozen=True, kw_only=True)
class HeardWord:
    """One word with the space before it, and its place in the recording."""

    start_ms: int
    end_ms: int
    text: str
    confidence: float
    repeats_cut: int = 0
    """So many words behind it only repeated what was heard, and were left out."""


@dataclass(frozen=True, kw_only=True)
class HeardTurn:
    """What was said in one language."""

    language: str
    language_probability: float
    words: tuple[HeardWord, ...]


def segments_of(turns: Sequence[HeardTurn], *, chunk_index: int) -> tuple[Segment, ...]:
    """Return the segments, with ids that stay the same across runs; no words, no segments."""
    groups = [
        (turn, group) for turn in turns for group in _sentences(_uncircled(_tidy(turn.words)))
    ]
    return tuple(
        _segment(group, chunk_index * SEGMENTS_PER_CHUNK + place, turn)
        for place, (turn, group) in enumerate(groups[:SEGMENTS_PER_CHUNK])
    )


def _tidy(words: Sequence[HeardWord]) -> list[HeardWord]:
    """Drop empty words and shorten those that swallowed a silence."""
    tidy: list[HeardWord] = []
    for word in words:
        if not word.text.strip():
            continue
        start, end = word.start_ms, max(word.start_ms, word.end_ms)
        if end - start > LONGEST_WORD_MS:
            is_first = not tidy or start - tidy[-1].end_ms >= PAUSE_MS
            start, end = (
                (end - LONGEST_WORD_MS, end) if is_first else (start, start + LONGEST_WORD_MS)
            )
        tidy.append(
            HeardWord(start_ms=start, end_ms=end, text=word.text, confidence=word.confidence)
        )
    return tidy


def _uncircled(words: Sequence[HeardWord]) -> list[HeardWord]:
    """Leave out what only repeats the words before it, and say how much that was."""
    kept: list[HeardWord] = []
    place = 0
    for first, end in loops_in([word.text for word in words]):
        kept += words[place:first]
        kept[-1] = replace(kept[-1], repeats_cut=end - first)
        place = end
    return [*kept, *words[place:]]


def _sentences(words: Sequence[HeardWord]) -> list[list[HeardWord]]:
    groups: list[list[HeardWord]] = []
    for word in words:
        if not groups or _ends(groups[-1], word):
            groups.append([])
        groups[-1].append(word)
    return groups


def _ends(group: Sequence[HeardWord], following: HeardWord) -> bool:
    last = group[-1]
    text = last.text.strip().rstrip("\"'”\u2019)»")
    if following.start_ms - last.end_ms >= PAUSE_MS:
        return True
    length_ms = last.end_ms - group[0].start_ms
    # "3." before "5" and "z.B." before a lower-case word do not end a sentence.
    if text.endswith(_SENTENCE_ENDS) and following.text[:1].isspace():
        return not (text.endswith(".") and following.text.strip()[:1].islower())
    return (length_ms >= LONG_MS and text.endswith(_CLAUSE_ENDS)) or length_ms >= LONGEST_MS


def _segment(words: Sequence[HeardWord], segment_id: int, turn: HeardTurn) -> Segment:
    return Segment(
        id=segment_id,
        start_ms=words[0].start_ms,
        end_ms=max(words[-1].end_ms, words[0].start_ms),
        text="".join(word.text for word in words).strip(),
        language=turn.language,
        language_probability=round(turn.language_probability, 2),
        confidence=round(sum(word.confidence for word in words) / len(words), 2),
        words=tuple(
            Word(
                start_ms=word.start_ms,
                end_ms=word.end_ms,
                text=word.text.strip(),
                confidence=round(word.confidence, 2),
            )
            for word in words
        ),
        repeats_cut=sum(word.repeats_cut for word in words),
    )
