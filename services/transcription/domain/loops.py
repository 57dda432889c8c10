"""Finds where recognition ran in a circle, and keeps one round of it. Pure."""

from collections.abc import Sequence

LONGEST = 12
"""Words a circle may have."""
_MOST_ROUNDS = {1: 6, 2: 4}
_MOST_ROUNDS_OF_MORE = 3
"""People say "no no no" or repeat a phrase; more often than this only a model does."""


def loops_in(words: Sequence[str]) -> list[tuple[int, int]]:
    """Return the places [first, end) of words that only repeat those before them, in order."""
    plain = [word.strip().strip(".,!?…;:\"'").lower() for word in words]
    loops: list[tuple[int, int]] = []
    place = 0
    while place < len(plain):
        size, rounds = _circle_at(plain, place)
        if size:
            loops.append((place + size, place + size * rounds))
            place += size * rounds
        else:
            place += 1
    return loops


def _circle_at(words: Sequence[str], place: int) -> tuple[int, int]:
    """Return how many words go in a circle from here and how often; (0, 0) where none do."""
    for size in range(1, LONGEST + 1):
        circle = words[place : place + size]
        rounds = 1
        while words[place + size * rounds : place + size * (rounds + 1)] == circle:
            rounds += 1
        if rounds > _MOST_ROUNDS.get(size, _MOST_ROUNDS_OF_MORE):
            return size, rounds
    return 0, 0
