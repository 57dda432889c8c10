"""Draws a waveform from samples as they pass by. Pure, in memory that does not grow with them."""

import json

import numpy as np

FINEST_PER_S = 10
MAX_POINTS = 4000
LOUDEST = 255


class Waveform:
    """The loudest moment of every stretch; stretches double in length when there are too many."""

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._stretch = sample_rate // FINEST_PER_S
        self._peaks: list[int] = []
        self._rest = b""
        self.sample_count = 0

    def add(self, samples: bytes) -> None:
        """Take in more signed 16-bit little-endian mono samples, cut anywhere."""
        data = self._rest + samples
        stretch_bytes = self._stretch * 2
        whole = len(data) - len(data) % stretch_bytes
        self.sample_count += (len(self._rest) % 2 + len(samples)) // 2
        self._rest = data[whole:]
        if whole:
            self._peaks += _peaks(data[:whole], self._stretch)
        while len(self._peaks) >= MAX_POINTS:
            self._coarsen()

    def as_json(self) -> bytes:
        """Return the drawing: ``peaks`` from 0 (silence) to 255 (full scale)."""
        last = self._rest[: len(self._rest) - len(self._rest) % 2]
        peaks = self._peaks + (_peaks(last, len(last) // 2) if last else [])
        drawing = {
            "version": 1,
            "samples_per_second": self._sample_rate / self._stretch,
            "length": len(peaks),
            "peaks": peaks,
        }
        return json.dumps(drawing, separators=(",", ":")).encode()

    @property
    def duration_ms(self) -> int:
        """How long the samples so far last."""
        return self.sample_count * 1000 // self._sample_rate

    def _coarsen(self) -> None:
        if len(self._peaks) % 2:
            # The odd one begins the next, longer stretch; only its loudness is still known.
            level = self._peaks.pop() * 32767 // LOUDEST
            self._rest = level.to_bytes(2, "little") * self._stretch + self._rest
        pairs = zip(self._peaks[::2], self._peaks[1::2], strict=True)
        self._peaks = [max(pair) for pair in pairs]
        self._stretch *= 2


def _peaks(samples: bytes, stretch: int) -> list[int]:
    levels = np.abs(np.frombuffer(samples, dtype="<i2").astype(np.int32)).reshape(-1, stretch)
    scaled = -(-levels.max(axis=1) * LOUDEST // (1 << 15))
    return [int(peak) for peak in scaled]
