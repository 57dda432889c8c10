"""What the Whisper engine knows of a chunk while it decodes it, and which of its texts to believe.

No model in here: windows are what the model sees of a chunk, decoded texts what it made of one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.transcription.engine import ChunkResult, Samples, SpokenWord, Turn
from services.transcription.word_edges import settled_edges

FULL_WIDTH = 3000
"""What the model was trained to see at a time, in steps of 10 ms."""
SHORT_WIDTH = 2000
"""What costs the encoder a third of that, as its attention fits the cache. Clear speech is heard as
well through it; what it leaves in doubt is heard again at full width."""
DRAFT_WIDTH = 1000
"""Good enough for words that are replaced a second later, and an eighth of the encoder's work."""
_ROOM = 50
"""Whisper ends a text more surely where it sees a little silence behind it."""
_CLEAR_LOG_PROB = -0.5
_REMNANT_FRAMES = 100
"""Behind the last words there may be one more within a second, or a breath that sounds like one."""
_LONGEST_ECHO = 3
_ECHO_MS = 500
"""What begins later behind the last word was said twice."""
_MAX_LOOPING = 2.4
"""zlib ratio above which a text is taken to repeat itself."""
_MIN_LOG_PROB = -1.0
_NO_SPEECH = 0.6

Features = NDArray[np.float32]


@dataclass
class Window:
    """One chunk, or one language of it, on its way through the windows the model sees of it."""

    pcm: Samples
    features: Features
    language: str | None
    languages: frozenset[str]
    """What may be detected."""
    widths: tuple[int, ...] = (SHORT_WIDTH, FULL_WIDTH)
    """What the model may see at a time, the shortest first."""
    is_draft: bool = False
    """Its words are replaced a second later: one text is enough, and no second try."""
    glossary: tuple[int, ...] = ()
    """Names to expect, as tokens."""
    offset_ms: int = 0
    """Where in the chunk it begins."""
    probability: float = 1.0
    seek: int = 0
    words: list[SpokenWord] = field(default_factory=list)
    parts: "list[Window]" = field(default_factory=list)
    """One for each language where there are several: they are heard instead."""

    @property
    def frames(self) -> int:
        """How much there is to hear, in steps of 10 ms."""
        return int(self.features.shape[-1]) - 1

    @property
    def size(self) -> int:
        """How much of the rest the model sees next, in steps of 10 ms."""
        return min(FULL_WIDTH, self.frames - self.seek)

    @property
    def width(self) -> int:
        """How much the model sees at once: what comes next, and nothing behind it."""
        return next((each for each in self.widths if each >= self.size + _ROOM), FULL_WIDTH)

    @property
    def may_widen(self) -> bool:
        """True where it can be heard again at full width."""
        return self.width < FULL_WIDTH in self.widths and not self.is_remnant

    @property
    def is_remnant(self) -> bool:
        """True where the rest is so short that only a sure text of it is worth keeping."""
        return self.seek > 0 and self.size < _REMNANT_FRAMES

    @property
    def may_retry(self) -> bool:
        """True where other settings may do better than another width, and are worth it."""
        return not self.may_widen and not self.is_remnant and not self.is_draft

    def add(self, words: Iterable[SpokenWord]) -> None:
        """Add what was heard next, without words that the window before it heard already.

        A timestamp may lie within the last word, so that the next window begins with it.
        """
        following = list(words)
        for count in range(min(_LONGEST_ECHO, len(following), len(self.words)), 0, -1):
            begun_ms = following[0].start_ms - self.words[-1].end_ms
            if begun_ms < _ECHO_MS and _said(following[:count]) == _said(self.words[-count:]):
                del following[:count]
                break
        self.words += following

    def widen(self) -> None:
        """Let the model see no less than its full width from now on."""
        self.widths = (FULL_WIDTH,)


@dataclass(frozen=True)
class Decoded:
    """The tokens of one window and how far they can be trusted."""

    tokens: list[int]
    log_prob: float
    no_speech: float
    looping: float

    @property
    def is_silence(self) -> bool:
        """True where the model heard nobody and its text is unlikely too."""
        return self.no_speech > _NO_SPEECH and self.is_unlikely

    @property
    def is_clear(self) -> bool:
        """True where hearing it again could hardly do better."""
        return self.log_prob >= _CLEAR_LOG_PROB and self.looping <= _MAX_LOOPING

    @property
    def is_unlikely(self) -> bool:
        """True where the words are hardly those that were said."""
        return self.log_prob < _MIN_LOG_PROB

    @property
    def is_poor(self) -> bool:
        """True where other settings may do better."""
        return self.looping > _MAX_LOOPING or (self.is_unlikely and not self.is_silence)


def result_of(windows: Sequence[Window]) -> ChunkResult:
    """Return what was said in a chunk: one turn for each of its windows, in order."""
    return ChunkResult(
        turns=tuple(
            Turn(
                language=window.language or "en",
                language_probability=window.probability,
                words=tuple(settled_edges(window.words, window.pcm, window.offset_ms)),
            )
            for window in windows
        )
    )


def best(tried: Sequence[Decoded]) -> Decoded:
    """Return the first good text, else the most probable one that does not repeat itself.

    The later settings forbid repetitions, so where all look repetitive the least one is speech.
    """
    for decoded in tried:
        if not decoded.is_poor:
            return decoded
    straight = [decoded for decoded in tried if decoded.looping <= _MAX_LOOPING]
    if straight:
        return max(straight, key=lambda decoded: decoded.log_prob)
    return min(tried, key=lambda decoded: decoded.looping)


def _said(words: Sequence[SpokenWord]) -> list[str]:
    return ["".join(filter(str.isalnum, word.text.casefold())) for word in words]
