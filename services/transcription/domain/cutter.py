"""Decides where a recording is cut into chunks. Pure: no samples, no clock.

The cutter sees one probability of speech for every window of 32 ms and answers with spans of
windows. What it says depends on the probabilities alone, never on how many come at a time.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

WINDOW_MS = 32
"""Length of one voice activity window: 512 samples at 16 kHz."""


def _windows(milliseconds: int) -> int:
    return milliseconds // WINDOW_MS


@dataclass(frozen=True, kw_only=True)
class CutRules:
    """When a chunk ends, by default while somebody speaks.

    The model looks at 20 or 30 s whatever it gets, the former for a third of the work: full chunks
    of no more than 20 s cost least.
    """

    speech: float = 0.5
    """At least this probable: speech begins."""
    silence: float = 0.35
    """Below this: speech has ended."""
    max_ms: int = 19_500
    pad_ms: int = 200
    """Kept around speech: soft consonants lie outside what the detector calls speech."""
    min_speech_ms: int = 96
    """Less than this in a whole chunk is a click, not a word."""
    min_pause_ms: int = 96
    """A gap this long is a place where a chunk that grew too long may be cut."""
    split_from_ms: int = 9_750
    """A chunk that grew too long is cut at its longest pause behind this, else behind its half."""
    closing_pauses: tuple[tuple[int, int], ...] = ((13_000, 600), (7_000, 1_500), (0, 3_000))
    """(chunk at least this long, pause that ends it), longest first."""


FILE_RULES = CutRules(split_from_ms=13_000, closing_pauses=((17_000, 400), (0, 4_000)))
"""For what has been said already: nobody waits for a sentence, so chunks are as full as can be."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """Windows [start, end) of a recording that make one chunk."""

    start: int
    end: int


@dataclass
class Cutter:
    """Follows one recording and says where its chunks lie."""

    rules: CutRules = field(default_factory=CutRules)
    _count: int = 0
    """Windows seen."""
    _settled: int = 0
    """No later span begins before this window."""
    _start: int | None = None
    """First window of the open chunk; None while nobody speaks."""
    _voiced: int = 0
    _speech_end: int = 0
    """Window behind the last one with speech."""
    _speaking: bool = False
    _pauses: list[tuple[int, int]] = field(default_factory=list)
    _recent: deque[float] = field(default_factory=lambda: deque(maxlen=_windows(5_000)))

    @property
    def needed_from(self) -> int:
        """First window whose samples may still be asked for."""
        if self._start is not None:
            return self._start
        return max(self._settled, self._count - _windows(self.rules.pad_ms))

    @property
    def open_span(self) -> Span | None:
        """What was said since the last chunk ended; None while nobody speaks."""
        if self._start is None:
            return None
        end = min(self._count, self._speech_end + _windows(self.rules.pad_ms))
        return Span(start=self._start, end=end)

    def advance(self, probabilities: Iterable[float]) -> list[Span]:
        """Take the next windows and return the chunks that ended."""
        spans: list[Span] = []
        for probability in probabilities:
            self._step(probability, spans)
        return spans

    def finish(self) -> list[Span]:
        """Return the chunk that was open when the recording ended."""
        spans: list[Span] = []
        if (left := self.open_span) is not None:
            self._close(left.start, left.end, spans)
        return spans

    def _step(self, probability: float, spans: list[Span]) -> None:
        window, self._count = self._count, self._count + 1
        self._recent.append(probability)
        self._speaking = probability >= (
            self.rules.silence if self._speaking else self.rules.speech
        )
        if self._speaking:
            self._hear(window)
        if self._start is None:
            return
        start = self._start
        if not self._speaking and self._count - self._speech_end >= self._closing_pause():
            self._close(start, self._speech_end + _windows(self.rules.pad_ms), spans)
        elif self._count - start >= _windows(self.rules.max_ms):
            self._split(start, spans)

    def _hear(self, window: int) -> None:
        if self._start is None:
            self._start = max(self._settled, window - _windows(self.rules.pad_ms))
            self._voiced = 0
        elif window - self._speech_end >= _windows(self.rules.min_pause_ms):
            self._pauses.append((self._speech_end, window))
        self._voiced += 1
        self._speech_end = window + 1

    def _closing_pause(self) -> int:
        """Return the length of the pause that ends a chunk of the present length."""
        spoken_ms = max(0, self._speech_end - (self._start or 0)) * WINDOW_MS
        pause_ms = next(pause for least, pause in self.rules.closing_pauses if spoken_ms >= least)
        return max(_windows(pause_ms), 2 * _windows(self.rules.pad_ms))

    def _close(self, start: int, end: int, spans: list[Span]) -> None:
        if self._voiced >= _windows(self.rules.min_speech_ms):
            spans.append(Span(start=start, end=end))
        self._settled = max(self._settled, end)
        self._start = None
        self._pauses.clear()

    def _split(self, start: int, spans: list[Span]) -> None:
        """Cut a chunk that grew too long at its longest late pause, else where speech is unsure."""
        pad = _windows(self.rules.pad_ms)
        if self._count - self._speech_end > 2 * pad:
            self._close(start, self._speech_end + pad, spans)
            return
        if late := self._pauses_behind(start, self.rules.split_from_ms) or self._pauses_behind(
            start, self.rules.max_ms // 2
        ):
            begin, resume = max(late, key=lambda pause: (pause[1] - pause[0], pause[0]))
            middle = (begin + resume) // 2
            end, restart = min(begin + pad, middle), max(resume - pad, middle)
        else:
            end = restart = self._count - len(self._recent) + self._quietest()
        spans.append(Span(start=start, end=end))
        self._settled = self._start = restart
        self._voiced = max(0, self._speech_end - restart)
        if end == restart and self._voiced:
            # However little is left of a word that was cut through, it is no click.
            self._voiced = max(self._voiced, _windows(self.rules.min_speech_ms))
        self._pauses = [pause for pause in self._pauses if pause[0] > restart]

    def _pauses_behind(self, start: int, ms: int) -> list[tuple[int, int]]:
        return [pause for pause in self._pauses if pause[0] >= start + _windows(ms)]

    def _quietest(self) -> int:
        recent = list(self._recent)
        return min(range(len(recent)), key=lambda place: (recent[place], -place))
