"""Cuts a stream of samples into chunks of speech as it grows, by the rules of the domain."""

from dataclasses import dataclass

import numpy as np

from services.transcription.domain import CutRules, Cutter, Span
from services.transcription.engine import SAMPLE_RATE, Samples
from services.transcription.voice import BLOCK_SAMPLES, WINDOW_SAMPLES, VoiceActivity


@dataclass(frozen=True, kw_only=True)
class CutChunk:
    """A stretch of speech with its samples; times from the start of the recording."""

    index: int
    start_ms: int
    end_ms: int
    pcm: Samples


class ChunkCutter:
    """Takes 16 kHz mono samples in any portions and gives the chunks that are complete.

    Silence yields nothing. Memory is bounded: at most one chunk and one block are held.
    """

    def __init__(self, rules: CutRules | None = None) -> None:
        self._voice = VoiceActivity()
        self._cutter = Cutter(rules or CutRules())
        self._waiting = bytearray()
        self._held: Samples = np.zeros(0, dtype=np.int16)
        self._held_from = 0
        """Sample number of the first held sample."""
        self._heard = 0
        self._next_index = 0

    @property
    def heard_ms(self) -> int:
        """How much of the recording has been taken in."""
        return _ms(self._heard + len(self._waiting) // 2)

    @property
    def count(self) -> int:
        """How many chunks there have been."""
        return self._next_index

    def push(self, pcm: bytes) -> list[CutChunk]:
        """Take the next bytes (signed 16-bit little-endian; may end within a sample)."""
        self._waiting += pcm
        chunks: list[CutChunk] = []
        while len(self._waiting) >= 2 * BLOCK_SAMPLES:
            block = np.frombuffer(bytes(self._waiting[: 2 * BLOCK_SAMPLES]), dtype="<i2").astype(
                np.int16
            )
            del self._waiting[: 2 * BLOCK_SAMPLES]
            chunks += self._take(block, BLOCK_SAMPLES)
        return chunks

    def open_chunk(self) -> CutChunk | None:
        """Return what was said since the last chunk, which may yet grow; None if nothing was."""
        span = self._cutter.open_span
        return None if span is None else self._cut(span, self._next_index)

    def finish(self) -> list[CutChunk]:
        """Take what is left as the end of the recording."""
        chunks: list[CutChunk] = []
        rest = len(self._waiting) // 2
        if rest:
            block = np.zeros(BLOCK_SAMPLES, dtype=np.int16)
            block[:rest] = np.frombuffer(bytes(self._waiting[: 2 * rest]), dtype="<i2")
            self._waiting.clear()
            chunks += self._take(block, rest)
        return chunks + [self._chunk(span) for span in self._cutter.finish()]

    def _take(self, block: Samples, count: int) -> list[CutChunk]:
        self._held = np.concatenate([self._held, block[:count]])
        self._heard += count
        chunks = [
            self._chunk(span) for span in self._cutter.advance(self._voice.probabilities(block))
        ]
        needed_from = min(self._cutter.needed_from * WINDOW_SAMPLES, self._heard)
        self._held = self._held[max(0, needed_from - self._held_from) :]
        self._held_from = max(self._held_from, needed_from)
        return chunks

    def _chunk(self, span: Span) -> CutChunk:
        index, self._next_index = self._next_index, self._next_index + 1
        return self._cut(span, index)

    def _cut(self, span: Span, index: int) -> CutChunk:
        start = span.start * WINDOW_SAMPLES
        end = min(span.end * WINDOW_SAMPLES, self._heard)
        return CutChunk(
            index=index,
            start_ms=_ms(start),
            end_ms=_ms(end),
            pcm=self._held[start - self._held_from : end - self._held_from].copy(),
        )


def _ms(samples: int) -> int:
    return samples * 1000 // SAMPLE_RATE
