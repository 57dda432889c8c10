"""Finds the line that names an update or a part of it, and where new parts begin. Pure."""

import re
from collections.abc import Mapping, Sequence

from services.summary.domain.cues import BY_LANGUAGE
from services.summary.domain.ranking import Vector, centre_of, content_of, likeness
from services.summary.domain.sentences import Sentence

TITLE_CHARACTERS = 80
SHORTEST_TITLE = 12
CHAPTERS_FROM_MS = 180_000
SHORTEST_CHAPTER_MS = 60_000
MOST_CHAPTERS = 20
_BLOCK = 6
"""Sentences compared on either side of a possible turn."""
_TURN_BONUS = 0.3
_CANDIDATES = 5
"""Of so many central sentences the one whose words are most about the matter gives the title."""

_CLAUSE = re.compile(r"[,;:]\s|\s[\u2013\u2014-]\s")
_TRAILING = " .,;:!\u2026\u2013-"
_TOPICS: Mapping[str, tuple[re.Pattern[str], ...]] = {
    language: tuple(re.compile(pattern, re.IGNORECASE) for pattern in cues.topics)
    for language, cues in BY_LANGUAGE.items()
}
_TURNS: Mapping[str, re.Pattern[str]] = {
    language: re.compile(cues.turns, re.IGNORECASE) for language, cues in BY_LANGUAGE.items()
}
_FILLERS: Mapping[str, re.Pattern[str]] = {
    language: re.compile(cues.fillers, re.IGNORECASE) for language, cues in BY_LANGUAGE.items()
}


def find_headline(
    sentences: Sequence[Sentence], vectors: Sequence[Vector], scores: Sequence[float]
) -> tuple[int, int]:
    """Return begin and end, in the joined text, of the words that name these sentences best."""
    announced = _announced(sentences[: max(3, len(sentences) // 10)])
    if announced is not None:
        return announced
    centre = centre_of(vectors)
    best: tuple[float, tuple[int, int]] | None = None
    for place in sorted(range(len(sentences)), key=lambda each: (-scores[each], each))[
        :_CANDIDATES
    ]:
        sentence = sentences[place]
        begin, end = _shortened(sentence, centre)
        words = sentence.text[begin - sentence.begin : end - sentence.begin]
        worth = scores[place] * _worth(words, sentence.language, centre)
        if best is None or worth > best[0]:
            best = worth, (begin, end)
    return best[1] if best else (sentences[0].begin, sentences[0].end)


def find_turns(sentences: Sequence[Sentence], vectors: Sequence[Vector]) -> list[int]:
    """Return the places where chapters begin, the first among them; none in a short talk."""
    times = [sentence.start_ms for sentence in sentences]
    if len(sentences) < 2 * _BLOCK or times[0] is None or times[-1] is None:
        return []
    if times[-1] - times[0] < CHAPTERS_FROM_MS:
        return []
    depths = _depths(sentences, vectors)
    threshold = sum(depths) / len(depths)
    turns = [0]
    for place in sorted(range(1, len(sentences)), key=lambda each: (-depths[each], each)):
        if depths[place] <= threshold or len(turns) >= MOST_CHAPTERS:
            break
        if all(_apart_ms(sentences, place, other) >= SHORTEST_CHAPTER_MS for other in turns):
            turns.append(place)
    return sorted(turns) if len(turns) > 1 else []


def _announced(sentences: Sequence[Sentence]) -> tuple[int, int] | None:
    """Return the topic someone says they will speak about."""
    for sentence in sentences:
        for pattern in _TOPICS.get(sentence.language or "", ()):
            match = pattern.search(sentence.text)
            if match is None:
                continue
            topic = _CLAUSE.split(match[1])[0].rstrip(_TRAILING)
            if SHORTEST_TITLE <= len(topic) <= TITLE_CHARACTERS:
                begin = sentence.begin + match.start(1)
                return begin, begin + len(topic)
    return None


def _shortened(sentence: Sentence, centre: Vector) -> tuple[int, int]:
    """Return the sentence, or the clause of it that says most, or its beginning."""
    fillers = _FILLERS.get(sentence.language or "")
    filler = fillers.match(sentence.text) if fillers else None
    begin = sentence.begin + (filler.end() if filler else 0)
    text = sentence.text[begin - sentence.begin :].rstrip(_TRAILING)
    if len(text) < SHORTEST_TITLE:
        begin, text = sentence.begin, sentence.text.rstrip(_TRAILING) or sentence.text
    if len(text) <= TITLE_CHARACTERS:
        return begin, begin + len(text)
    clauses = [
        clause
        for clause in _clauses(text)
        if SHORTEST_TITLE <= clause[1] - clause[0] <= TITLE_CHARACTERS
    ]
    if clauses:
        start, end = max(
            clauses,
            key=lambda clause: _worth(text[clause[0] : clause[1]], sentence.language, centre),
        )
        return begin + start, begin + end
    cut = text.rfind(" ", 0, TITLE_CHARACTERS)
    return begin, begin + (cut if cut > 0 else TITLE_CHARACTERS)


def _clauses(text: str) -> list[tuple[int, int]]:
    marks = [match.span() for match in _CLAUSE.finditer(text)]
    begins = [0, *(end for _, end in marks)]
    ends = [*(start for start, _ in marks), len(text)]
    return list(zip(begins, ends, strict=True))


def _worth(text: str, language: str | None, centre: Vector) -> float:
    return sum(centre.get(stem, 0.0) for stem in content_of(text, language))


def _depths(sentences: Sequence[Sentence], vectors: Sequence[Vector]) -> list[float]:
    """Return for each sentence how much the talk changes there: low between alike blocks."""
    alike = [
        likeness(
            centre_of(vectors[max(0, place - _BLOCK) : place]),
            centre_of(vectors[place : place + _BLOCK]),
        )
        for place in range(len(sentences))
    ]
    depths = []
    for place, sentence in enumerate(sentences):
        left = max(alike[max(1, place - _BLOCK) : place + 1], default=0.0)
        right = max(alike[place : place + _BLOCK + 1])
        turn = _TURNS.get(sentence.language or "")
        bonus = _TURN_BONUS if turn and turn.search(sentence.text) else 0.0
        depths.append(left + right - 2 * alike[place] + bonus)
    return depths


def _apart_ms(sentences: Sequence[Sentence], one: int, other: int) -> int:
    return abs((sentences[one].start_ms or 0) - (sentences[other].start_ms or 0))
