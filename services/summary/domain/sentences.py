"""Sentences of an update, each with the segments it stands in. Pure.

A quote is always a slice of the segments' joined text, so it can be found there again word by word.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.contracts.summary import Evidence

RUN_ON_CHARACTERS = 400
LONGEST_CHARACTERS = 1_000
"""Nothing longer is quoted: words without any full stop are cut between two of them."""

_END = re.compile(
    r"[.!?\u2026]+[\"'\u201d\u2019\u00bb)\]]*(?=\s+[^\sa-z\u00e0-\u00ff])|[\u3002\uff01\uff1f]+"
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:[A-Za-z]|z\.\s?B|d\.\s?h|u\.\s?a|e\.g|i\.e|bzw|usw|etc|ca|vs|Dr|Mr|Mrs|Ms|Prof"
    r"|Nr|No|St|bijv|o\.a|d\.w\.z|M|Mme|Sr|Sra|approx|inkl|evtl|ggf|bspw)\.$"
)
_ORDINAL = re.compile(r"(?:^|\s)\d{1,2}\.$")
_ORDINAL_LANGUAGES = frozenset({"de", "da", "no", "cs", "fi", "hu"})


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """A segment as far as a summary needs it; a written sentence has no times."""

    id: int
    text: str
    language: str | None
    start_ms: int | None = None
    end_ms: int | None = None


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A sentence and where it stands. ``begin`` and ``end`` are places in the joined text."""

    text: str
    language: str | None
    begin: int
    end: int
    start_ms: int | None


class Source:
    """The words of one update, from which every quote is taken."""

    def __init__(self, segments: Iterable[Spoken]) -> None:
        self.segments = tuple(segment for segment in segments if segment.text.strip())
        texts = [joined_text([segment]) for segment in self.segments]
        self.text = " ".join(texts)
        self._begins: list[int] = []
        begin = 0
        for text in texts:
            self._begins.append(begin)
            begin += len(text) + 1

    def evidence(self, begin: int, end: int) -> Evidence:
        """Return the evidence of a slice of the text; it holds words, and loses outer blanks."""
        words = self.text[begin:end]
        begin, end = begin + len(words) - len(words.lstrip()), begin + len(words.rstrip())
        first, last = self._place(begin), self._place(end - 1)
        used = self.segments[first : last + 1]
        return Evidence(
            segment_ids=tuple(segment.id for segment in used),
            start_ms=used[0].start_ms,
            end_ms=used[-1].end_ms,
            quote=self.text[begin:end],
        )

    def sentences(self) -> list[Sentence]:
        """Return the sentences in order; together they are all words."""
        found: list[Sentence] = []
        begin = 0
        for end in [*self._ends(), len(self.text)]:
            text = self.text[begin:end]
            left = begin + len(text) - len(text.lstrip())
            right = begin + len(text.rstrip())
            if left < right:
                segment = self.segments[self._place(left)]
                found.append(
                    Sentence(
                        text=self.text[left:right],
                        language=segment.language,
                        begin=left,
                        end=right,
                        start_ms=segment.start_ms,
                    )
                )
            begin = end
        return found

    def _place(self, position: int) -> int:
        """Return which segment holds a place of the text."""
        return bisect_right(self._begins, position) - 1

    def _ends(self) -> list[int]:
        """Return the places after each sentence but the last."""
        ends = [match.end() for match in _END.finditer(self.text) if self._is_end(match)]
        # Where speech came without full stops, segments have to do.
        begin = 0
        extra: list[int] = []
        for end in [*ends, len(self.text)]:
            for segment_begin in self._begins:
                if begin < segment_begin < end and segment_begin - begin > RUN_ON_CHARACTERS:
                    extra.append(segment_begin)
                    begin = segment_begin
            begin = end
        return self._cut_long(sorted({*ends, *extra}))

    def _cut_long(self, ends: Sequence[int]) -> list[int]:
        """Return the places with more of them where they are too far apart."""
        cut: list[int] = []
        begin = 0
        for end in [*ends, len(self.text)]:
            while end - begin > LONGEST_CHARACTERS:
                space = self.text.rfind(" ", begin + 1, begin + LONGEST_CHARACTERS)
                begin = space if space > 0 else begin + LONGEST_CHARACTERS
                cut.append(begin)
            cut.append(end)
            begin = end
        return cut[:-1]

    def _is_end(self, match: re.Match[str]) -> bool:
        before = self.text[max(0, match.end() - 12) : match.end()]
        if match.group().startswith(".") and _ABBREVIATION.search(before):
            return False
        language = self.segments[self._place(match.start())].language
        return not (language in _ORDINAL_LANGUAGES and _ORDINAL.search(before))


def joined_text(segments: Sequence[Spoken]) -> str:
    """Return the words of segments with one blank between all of them."""
    return " ".join(" ".join(segment.text.split()) for segment in segments)


def is_evident(evidence: Evidence, segments: Sequence[Spoken]) -> bool:
    """Tell whether the quote stands in the segments the evidence names."""
    by_id = {segment.id: segment for segment in segments}
    if not all(segment_id in by_id for segment_id in evidence.segment_ids):
        return False
    return evidence.quote in joined_text([by_id[each] for each in evidence.segment_ids])
