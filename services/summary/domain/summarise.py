"""Makes the summary of one update: every statement rests on words that were said. Pure.

The same words give the same summary. A statement whose quote is not in its segments is a fault in
these rules; it is left out rather than shown.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date

from services.summary.domain.cues import BY_LANGUAGE
from services.summary.domain.headlines import find_headline, find_turns
from services.summary.domain.ranking import Vector, centrality, choose_apart, vectors_of
from services.summary.domain.sentences import Sentence, Source, Spoken, is_evident
from services.summary.domain.statements import find_statements, without_fillers
from shared.contracts.summary import Statement, StatementKind

GIST_SENTENCES = 3
_SHORT = 4
"""Up to so many sentences, one of them is the gist."""
_FEWEST_HINTS = 2


def summarise(segments: Sequence[Spoken], said_on: date) -> tuple[Statement, ...]:
    """Return title, gist, decisions, actions, questions and chapters; nothing for no words."""
    source = Source(segments)
    sentences = source.sentences()
    if not sentences:
        return ()
    vectors = vectors_of(sentences)
    scores = centrality(sentences, vectors)
    statements = [
        _headline(source, sentences, vectors, scores, StatementKind.TITLE),
        *_gist(source, sentences, vectors, scores),
        *find_statements(source, sentences, said_on),
        *_chapters(source, sentences, vectors, scores),
    ]
    return tuple(
        statement
        for statement in statements
        if all(is_evident(evidence, source.segments) for evidence in statement.evidence)
    )


def guess_language(texts: Sequence[str]) -> str | None:
    """Return the language whose small words are in the texts most, or None when that is unclear."""
    words = Counter(word for text in texts for word in text.lower().split())
    hints = {
        language: sum(words[word] for word in cues.stop_words)
        for language, cues in BY_LANGUAGE.items()
    }
    (best, most), (_, second) = Counter(hints).most_common(2)
    return best if most >= _FEWEST_HINTS and most > second else None


def _headline(
    source: Source,
    sentences: Sequence[Sentence],
    vectors: Sequence[Vector],
    scores: Sequence[float],
    kind: StatementKind,
) -> Statement:
    begin, end = find_headline(sentences, vectors, scores)
    text = source.text[begin:end].strip()
    opening = sentences[0]
    evidence = [source.evidence(begin, end)]
    if kind is StatementKind.CHAPTER and begin >= opening.end:
        # Where a chapter begins comes first, for that is where a reader wants to land.
        evidence.insert(0, source.evidence(opening.begin, opening.end))
    return Statement(kind=kind, text=text[0].upper() + text[1:], evidence=tuple(evidence))


def _gist(
    source: Source,
    sentences: Sequence[Sentence],
    vectors: Sequence[Vector],
    scores: Sequence[float],
) -> list[Statement]:
    how_many = GIST_SENTENCES if len(sentences) > _SHORT else 1
    places = choose_apart(scores, vectors, how_many) or [0]
    return [
        Statement(
            kind=StatementKind.GIST,
            text=without_fillers(sentences[place].text, sentences[place].language),
            evidence=(source.evidence(sentences[place].begin, sentences[place].end),),
        )
        for place in places
    ]


def _chapters(
    source: Source,
    sentences: Sequence[Sentence],
    vectors: Sequence[Vector],
    scores: Sequence[float],
) -> list[Statement]:
    turns = find_turns(sentences, vectors)
    ends = [*turns[1:], len(sentences)][: len(turns)]
    return [
        _headline(
            source,
            sentences[begin:end],
            vectors[begin:end],
            scores[begin:end],
            StatementKind.CHAPTER,
        )
        for begin, end in zip(turns, ends, strict=True)
    ]
