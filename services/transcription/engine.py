"""What a speech engine is to this service: chunks of any recordings in, words with times out.

An engine that fails raises; no words means that it heard the chunk and nothing was said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000

Samples = NDArray[np.int16]


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """At most 30 s of 16 kHz mono speech."""

    pcm: Samples
    language: str | None = None
    """ISO 639-1 where known; None lets the engine detect it, for each part of the chunk."""
    languages: tuple[str, ...] = ()
    """What may be detected; empty: anything."""
    glossary: tuple[str, ...] = ()
    """Names to expect, the most important first."""
    is_draft: bool = False
    """Its words are replaced soon: rather quick than perfect."""


@dataclass(frozen=True, kw_only=True)
class SpokenWord:
    """One word as heard; times are relative to the start of its chunk."""

    start_ms: int
    end_ms: int
    text: str
    """With the space before it where the language writes one."""
    confidence: float


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What was said in one language."""

    language: str
    language_probability: float
    """1.0 where the language was given."""
    words: tuple[SpokenWord, ...]


@dataclass(frozen=True, kw_only=True)
class ChunkResult:
    """What was said in one chunk, in order; at least one turn, perhaps without words."""

    turns: tuple[Turn, ...]

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages in the order they were spoken."""
        return tuple(turn.language for turn in self.turns)

    @property
    def language_probability(self) -> float:
        """How sure the least sure language is."""
        return min(turn.language_probability for turn in self.turns)

    @property
    def words(self) -> tuple[SpokenWord, ...]:
        """All words."""
        return tuple(word for turn in self.turns for word in turn.words)


class Engine(Protocol):
    """Turns speech into words. One call at a time; the caller keeps it off the event loop."""

    @property
    def name(self) -> str:
        """Name of the model, as it appears in transcripts."""
        ...

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes it understands."""
        ...

    def recognise(self, batch: Sequence[Chunk]) -> list[ChunkResult]:
        """Return one result for each chunk, in order.

        A chunk's result does not depend on its neighbours, so a repeat after a crash gives the same
        words. Raises ``EngineError`` when the engine itself fails.
        """
        ...
