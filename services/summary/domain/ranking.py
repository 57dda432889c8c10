"""How much each sentence says about the whole, and what may stand for it. Pure and deterministic.

A sentence is central when it is near the weighted words of everything said (TF-IDF centroid);
its place, its length and what kind of sentence it is count too.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from services.summary.domain.cues import BY_LANGUAGE
from services.summary.domain.sentences import Sentence

Vector = Mapping[str, float]

_WORD = re.compile(r"[^\W\d_]{2,}|\d+(?:[.,]\d+)*%?")
_STEM = 6
"""Words that share so many letters count as one: crude, but the same for every language."""
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]+")
_FEWEST_WORDS = 5
_FEWEST_MEANT = 4
"""A sentence with fewer words that carry meaning seldom says anything alone."""
_HESITATION = re.compile(
    r"(?<!\w)(?:u[hm]+|mm+|mhm|mm-hmm|hm+|huh|er+m|\u00e4hm?|eh|euh|yeah)(?!\w)"
    r"|(?<!\w)(\w+),? \1(?!\w)|\w- ",
    re.IGNORECASE,
)
"""Sounds, repeated and broken-off words of someone who is still thinking."""
_MOST_WORDS = 45
_POSITION_WEIGHT = 0.25
_REDUNDANT = 0.6
_ALL_STOP_WORDS = frozenset().union(*(cues.stop_words for cues in BY_LANGUAGE.values()))


def content_of(text: str, language: str | None) -> list[str]:
    """Return the stems of the words that carry meaning."""
    cues = BY_LANGUAGE.get(language or "")
    stop_words = cues.stop_words if cues else _ALL_STOP_WORDS
    stems = [word[:_STEM] for word in _WORD.findall(text.lower()) if word not in stop_words]
    for run in _UNSPACED.findall(text):
        stems.extend(run[place : place + 2] for place in range(len(run) - 1))
    return stems


def vectors_of(sentences: Sequence[Sentence]) -> list[Vector]:
    """Return each sentence as weighted stems of length one; rare stems weigh more."""
    counted = [Counter(content_of(each.text, each.language)) for each in sentences]
    holding = Counter(stem for counts in counted for stem in counts)
    total = len(sentences)
    vectors = []
    for counts in counted:
        vector = {
            stem: (1 + math.log(count)) * math.log(1 + total / holding[stem])
            for stem, count in counts.items()
        }
        vectors.append(normal(vector))
    return vectors


def normal(vector: Vector) -> Vector:
    """Return the vector with length one; nothing stays nothing."""
    length = math.sqrt(sum(weight * weight for weight in vector.values()))
    return {stem: weight / length for stem, weight in vector.items()} if length else {}


def likeness(one: Vector, other: Vector) -> float:
    """Return the cosine of two vectors of length one."""
    if len(one) > len(other):
        one, other = other, one
    return sum(weight * other.get(stem, 0.0) for stem, weight in one.items())


def centre_of(vectors: Sequence[Vector]) -> Vector:
    """Return what all vectors point to together."""
    total: Counter[str] = Counter()
    for vector in vectors:
        total.update(vector)
    return normal(total)


def centrality(sentences: Sequence[Sentence], vectors: Sequence[Vector]) -> list[float]:
    """Return how well each sentence stands for all of them."""
    centre = centre_of(vectors)
    count = len(sentences)
    return [
        (likeness(vector, centre) + _POSITION_WEIGHT * _opening(place, count)) * _fitness(sentence)
        for place, (sentence, vector) in enumerate(zip(sentences, vectors, strict=True))
    ]


def choose_apart(scores: Sequence[float], vectors: Sequence[Vector], how_many: int) -> list[int]:
    """Return the places of the best that say different things, in order."""
    chosen: list[int] = []
    for place in sorted(range(len(scores)), key=lambda each: (-scores[each], each)):
        if len(chosen) == how_many or scores[place] <= 0:
            break
        if all(likeness(vectors[place], vectors[other]) < _REDUNDANT for other in chosen):
            chosen.append(place)
    return sorted(chosen)


def _opening(place: int, count: int) -> float:
    """Return 1 for the first sentence, falling; people say early what it is about."""
    return 1 / (1 + 4 * place / max(count, 1)) if place else 1.0


def _fitness(sentence: Sentence) -> float:
    """Return how fit a sentence is to be shown alone."""
    words = len(sentence.text.split())
    if _UNSPACED.search(sentence.text):
        words = max(words, len(sentence.text) // 2)
    fitness = 1.0
    meant = len(content_of(sentence.text, sentence.language))
    if words < _FEWEST_WORDS or meant < _FEWEST_MEANT:
        fitness *= 0.3
    elif words > _MOST_WORDS:
        fitness *= _MOST_WORDS / words
    if sentence.text.rstrip("\"')").endswith("?"):
        fitness *= 0.4
    hesitations = len(_HESITATION.findall(sentence.text))
    return fitness / (1 + 10 * hesitations / max(words, 1))
