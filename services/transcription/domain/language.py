"""Decides in which language a chunk was spoken, from its sound and the chunks around it. Pure.

What is decided for a chunk depends on what was heard and never on the order in which the answers
came: more answers turn "not yet" into a language and change nothing else.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

CERTAIN = 0.5
"""A chunk at least this sure of its language is believed where nothing speaks against it."""
CLEAR = 0.9
"""A chunk must be this sure to be believed against the chunk before it."""
ENOUGH_SPEECH_MS = 2_000
"""Less than this tells little about a language."""
VOTERS = 3
"""So many unsure chunks at the beginning of a recording vote."""
CHANGE = 2.0
"""How much evidence (in nats) a change of language within a chunk must bring where there is only
one other; of more others one sounds right by chance more easily, so it takes more."""
_LEAST = 0.002
"""No single stretch may rule a language out."""


@dataclass(frozen=True, kw_only=True)
class Sound:
    """What one stretch of a chunk sounds like."""

    odds: Mapping[str, float]
    """The probability of each language in question."""
    speech_ms: int


@dataclass(frozen=True, kw_only=True)
class Tongue:
    """Neighbouring stretches [first, end) that were spoken in one language."""

    first: int
    end: int
    language: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class Guess:
    """What one chunk sounds like, taken by itself."""

    languages: tuple[str, ...]
    """In the order they were spoken; more than one only where each of them is sure."""
    probability: float
    speech_ms: int

    def is_believed(self, before: str | None) -> bool:
        """Return whether the chunk speaks for itself, coming after one in language ``before``."""
        if len(self.languages) > 1 or self.languages[0] == before:
            return True
        least = CERTAIN if before is None else CLEAR
        return self.probability >= least and self.speech_ms >= ENOUGH_SPEECH_MS


def tongues_of(sounds: Sequence[Sound]) -> list[Tongue]:
    """Return the languages of a chunk's stretches in order: the likeliest story with few changes.

    Every stretch is asked for the same languages. Equally likely stories are decided by name.
    """
    languages = sorted(sounds[0].odds)
    evidence = [_evidence(sound) for sound in sounds]
    paths: dict[str, tuple[float, tuple[str, ...]]] = {
        language: (evidence[0][language], (language,)) for language in languages
    }
    change = CHANGE + math.log(len(languages))
    for heard in evidence[1:]:
        best = max(languages, key=lambda language: paths[language][0])
        changed_score, changed_path = paths[best][0] - change, paths[best][1]
        paths = {
            language: (score + heard[language], (*path, language))
            if score >= changed_score
            else (changed_score + heard[language], (*changed_path, language))
            for language, (score, path) in paths.items()
        }
    _, path = max(paths.values(), key=lambda ended: ended[0])
    runs = groupby(range(len(path)), key=path.__getitem__)
    return [_tongue(evidence, list(run), language) for language, run in runs]


def settled_languages(guesses: Sequence[Guess | None], *, is_all: bool) -> list[str | None]:
    """Return the language each chunk ends in, None for those it is too early to tell of.

    ``guesses`` are those of the chunks so far, None where a chunk was not heard yet; ``is_all``
    says that no further chunk will come. A chunk that does not speak for itself is taken to be in
    the language of the one before, at the beginning of the recording in that of the first sure one.
    """
    opening = _opening_language(guesses, is_all=is_all)
    settled: list[str | None] = []
    is_known, before = True, None
    for guess in guesses:
        if guess is None:
            language = None
        elif is_known and before is None:
            language = guess.languages[-1] if guess.is_believed(None) else opening
        elif is_known:
            language = guess.languages[-1] if guess.is_believed(before) else before
        else:
            # Whatever the chunk before turns out to be, this one is believed against it, or waits.
            language = guess.languages[-1] if guess.is_believed("") else None
        settled.append(language)
        is_known, before = language is not None, language
    return settled


def main_language(spoken: Sequence[tuple[str, int]]) -> str:
    """Return the language most was said in, of (language, how much) pairs."""
    amounts: dict[str, int] = defaultdict(int)
    for language, amount in spoken:
        amounts[language] += amount
    return min(amounts, key=lambda language: (-amounts[language], language))


def _opening_language(guesses: Sequence[Guess | None], *, is_all: bool) -> str | None:
    """Return the language of unsure chunks at the beginning, None while it is too early to tell."""
    unsure: list[Guess] = []
    for guess in guesses[:VOTERS]:
        if guess is None:
            return None
        if guess.is_believed(None):
            return guess.languages[0]
        unsure.append(guess)
    if not unsure or (len(unsure) < VOTERS and not is_all):
        return None
    votes: dict[str, float] = defaultdict(float)
    for guess in unsure:
        votes[guess.languages[0]] += guess.probability * guess.speech_ms
    return min(votes, key=lambda language: (-votes[language], language))


def _evidence(sound: Sound) -> dict[str, float]:
    weight = min(1.0, sound.speech_ms / ENOUGH_SPEECH_MS)
    return {
        language: weight * math.log(max(probability, _LEAST))
        for language, probability in sound.odds.items()
    }


def _tongue(evidence: Sequence[Mapping[str, float]], run: Sequence[int], language: str) -> Tongue:
    """Return one run, with the probability of its language given all of its stretches."""
    totals = {other: sum(evidence[place][other] for place in run) for other in evidence[run[0]]}
    odds = {other: math.exp(total - totals[language]) for other, total in totals.items()}
    return Tongue(
        first=run[0], end=run[-1] + 1, language=language, probability=1 / sum(odds.values())
    )
