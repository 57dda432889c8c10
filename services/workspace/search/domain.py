"""What a search asks for, and what of a found update is shown. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from services.workspace.transcripts.domain import StoredSegment
from shared.errors import InvalidError

LONGEST_QUERY = 400
MOST_WORDS = 32
SHORTEST_PART = 5
"""A word this long is found inside longer ones too; shorter ones are in too many."""
SHORTEST_BEGINNING = 3
"""The last word asked for may be unfinished; so many letters tell how it begins."""
MOMENTS = 3
SNIPPET_CHARACTERS = 240

_PHRASE = re.compile(r'(-?)"([^"]*)"')
_WORD = re.compile(r"[^\W_]+(?:[.'\u2019-][^\W_]+)*")
# Scripts written without spaces: any two signs may be a word.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


class Reach(StrEnum):
    """Where in a longer word a word may be found."""

    WHOLE = "whole"
    """Nowhere: only the word itself, however it is inflected."""
    BEGINNING = "beginning"
    """Where it begins."""
    INSIDE = "inside"
    """Anywhere, and misspelt."""


class QueryRefusedError(InvalidError):
    """A search needs at least one word to look for, and at most 400 characters."""

    code = "query-refused"


@dataclass(frozen=True, kw_only=True)
class Query:
    """What someone looks for."""

    words: tuple[str, ...]
    """Each adds to the rank; those of phrases are among them."""
    phrases: tuple[str, ...] = ()
    """Each must be there, word after word."""
    excluded: tuple[str, ...] = ()
    """None may be there."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A piece of a snippet; those that match are marked."""

    text: str
    is_match: bool


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A place in an update that answers the search."""

    segment_id: int | None
    """None in a title or comment."""
    comment_id: UUID | None
    start_ms: int | None
    snippet: tuple[Part, ...]
    source: str
    """`speech`, `title` or `comment`."""


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """Text that may hold a moment: a segment, a title or a comment."""

    source: str
    segment: StoredSegment
    comment_id: UUID | None = None


def parse_query(text: str) -> Query:
    """Return what the text asks for: words, "phrases", and -words that must not be there."""
    if len(text) > LONGEST_QUERY:
        raise QueryRefusedError
    phrases: list[str] = []
    excluded: list[str] = []
    for minus, phrase in _PHRASE.findall(text):
        words = " ".join(_WORD.findall(phrase))
        if words:
            (excluded if minus else phrases).append(words)
    rest = _PHRASE.sub(" ", text)
    asked = [word for phrase in phrases for word in phrase.split()]
    for token in rest.split():
        found = _WORD.findall(token)
        if token.startswith("-") and found:
            excluded.append(" ".join(found))
        else:
            asked.extend(found)
    unique = tuple(dict.fromkeys(word.lower() for word in asked))[:MOST_WORDS]
    if not unique:
        raise QueryRefusedError
    return Query(words=unique, phrases=tuple(phrases), excluded=tuple(excluded))


def reaches(query: Query) -> list[Reach]:
    """Return for each word how far from itself it may be found."""
    last = len(query.words) - 1
    return [_reach(word, is_last=place == last) for place, word in enumerate(query.words)]


def _reach(word: str, *, is_last: bool) -> Reach:
    if len(word) >= SHORTEST_PART or _UNSPACED.search(word):
        return Reach.INSIDE
    return Reach.BEGINNING if is_last and len(word) >= SHORTEST_BEGINNING else Reach.WHOLE


def words_of(text: str) -> list[str]:
    """Return the words of a text as they are matched, each once."""
    return list(dict.fromkeys(_WORD.findall(text)))


def best_moments(
    excerpts: Sequence[Excerpt], matches: Mapping[tuple[str, str], Mapping[int, float]]
) -> list[Moment]:
    """Return the excerpts that answer best, in their order, without neighbours of a better one.

    ``matches`` says for a language and a word which of the asked words it answers, and how well.
    """
    scored = []
    for place, excerpt in enumerate(excerpts):
        answered: dict[int, float] = {}
        for word in words_of(excerpt.segment.text):
            for number, worth in matches.get((excerpt.segment.language or "", word), {}).items():
                answered[number] = max(worth, answered.get(number, 0))
        if answered:
            scored.append((sum(answered.values()), place))
    chosen: list[int] = []
    best = max((score for score, _ in scored), default=0.0)
    for score, place in sorted(scored, key=lambda entry: (-entry[0], entry[1])):
        is_neighbour = any(abs(place - other) == 1 for other in chosen)
        if len(chosen) < MOMENTS and score >= best / 2 and not (is_neighbour and score < best):
            chosen.append(place)
    return [_moment(excerpts[place], matches) for place in sorted(chosen)]


def _moment(excerpt: Excerpt, matches: Mapping[tuple[str, str], Mapping[int, float]]) -> Moment:
    segment = excerpt.segment
    return Moment(
        segment_id=segment.id if excerpt.source == "speech" else None,
        comment_id=excerpt.comment_id,
        start_ms=segment.start_ms,
        snippet=_snippet(segment, matches),
        source=excerpt.source,
    )


def _snippet(
    segment: StoredSegment, matches: Mapping[tuple[str, str], Mapping[int, float]]
) -> tuple[Part, ...]:
    """Return the text around the first match, cut to a readable length, with its matches marked."""
    text = " ".join(segment.text.split())
    found = [
        match.span()
        for match in _WORD.finditer(text)
        if matches.get((segment.language or "", match.group()))
    ]
    begin, end = _window(text, found[0][0] if found else 0)
    parts: list[Part] = []
    reached = begin
    for start, stop in found:
        if start < begin or stop > end:
            continue
        if start > reached:
            parts.append(Part(text=text[reached:start], is_match=False))
        parts.append(Part(text=text[start:stop], is_match=True))
        reached = stop
    if reached < end:
        parts.append(Part(text=text[reached:end], is_match=False))
    if begin > 0:
        parts.insert(0, Part(text="… ", is_match=False))
    if end < len(text):
        parts.append(Part(text=" …", is_match=False))
    return tuple(parts)


def _window(text: str, first_match: int) -> tuple[int, int]:
    """Return where a snippet begins and ends: at words, with the first match in its first third."""
    if len(text) <= SNIPPET_CHARACTERS:
        return 0, len(text)
    begin = max(0, first_match - SNIPPET_CHARACTERS // 3)
    if begin > 0:
        space = text.find(" ", begin, first_match)
        begin = space + 1 if space >= 0 else first_match
    end = min(len(text), begin + SNIPPET_CHARACTERS)
    if end < len(text):
        space = text.rfind(" ", begin + SNIPPET_CHARACTERS // 2, end)
        end = space if space >= 0 else end
    return begin, end
