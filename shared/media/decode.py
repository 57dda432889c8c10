"""Decodes the first sound track to what the recogniser hears: 16 kHz, mono, signed 16 bit.

The same bytes give the same samples, however they were cut into parts (only an MP3's padding at
its very end is cut off more exactly in a complete file), and sample n is heard at n/16000 s in the
player. Damaged stretches are skipped; what can be decoded is kept.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path

from shared.media.commands import ALIGNED, DECODING, PIPE_OUT, compiled, reading
from shared.media.container import HEAD_BYTES
from shared.media.errors import (
    MediaEmptyError,
    MediaHasNoAudioError,
    MediaTooLongError,
    MediaUnreadableError,
)
from shared.media.outcome import check_exit
from shared.media.probe import probe
from shared.media.run import MIB, Limits, started

SAMPLE_RATE = 16_000
SAMPLE_BYTES = 2
MAX_SECONDS = 12 * 3600.0
_CPU_S_PER_MAX_S = 1


async def decode_stream(
    parts: AsyncIterator[bytes], *, max_seconds: float = MAX_SECONDS
) -> AsyncGenerator[bytes, None]:
    """Yield samples while the parts arrive, taking them only as fast as samples are read.

    Raises a `MediaError` when nothing can be decoded (`MediaHasNoAudioError` where that is why) or
    when there is more than ``max_seconds``. Close the iterator to stop early.
    """
    head = _Head(parts)
    got_samples = False
    async with aclosing(_decode(None, head.passing(), max_seconds)) as decoded:
        async for samples in decoded:
            got_samples = True
            yield samples
    if not got_samples:
        await _explain_silence(bytes(head.kept))


async def decode_file(
    path: Path, *, max_seconds: float = MAX_SECONDS
) -> AsyncGenerator[bytes, None]:
    """Yield the samples of a complete file; raises as `decode_stream` does."""
    got_samples = False
    async with aclosing(_decode(path, None, max_seconds)) as decoded:
        async for samples in decoded:
            got_samples = True
            yield samples
    if not got_samples:
        await _explain_silence(path)


class _Head:
    """Passes parts on and keeps the first bytes, to explain a failure afterwards."""

    def __init__(self, parts: AsyncIterator[bytes]) -> None:
        self._parts = parts
        self.kept = bytearray()

    async def passing(self) -> AsyncIterator[bytes]:
        async for part in self._parts:
            self.kept += part[: HEAD_BYTES - len(self.kept)]
            yield part


async def _decode(
    path: Path | None, parts: AsyncIterator[bytes] | None, max_seconds: float
) -> AsyncGenerator[bytes, None]:
    limits = Limits(
        cpu_s=60 + int(max_seconds * _CPU_S_PER_MAX_S),
        output_bytes=int(max_seconds * SAMPLE_RATE * SAMPLE_BYTES) + MIB,
    )
    left = int(max_seconds * SAMPLE_RATE) * SAMPLE_BYTES
    odd = b""
    async with (
        started(_arguments(path), limits, parts) as running,
        aclosing(running.output()) as output,
    ):
        async for data in output:
            left -= len(data)
            if left < 0:
                raise MediaTooLongError(max_seconds=max_seconds)
            whole = odd + data
            cut = len(whole) - len(whole) % SAMPLE_BYTES
            odd = whole[cut:]
            if cut:
                yield whole[:cut]
    check_exit(running.returncode)


def _arguments(path: Path | None) -> list[str]:
    # Not -fflags nobuffer: it throws away the packets that were read while looking at the streams,
    # so a recording would lose its first words. fpsprobesize: do not wait to learn the frame rate.
    source = reading(path, **DECODING, fpsprobesize=0)
    return compiled(
        source.output(
            PIPE_OUT,
            map="0:a:0",
            af=ALIGNED,
            ac=1,
            ar=SAMPLE_RATE,
            format="s16le",
            acodec="pcm_s16le",
            flush_packets=1,
            max_error_rate=1,
        )
    )


async def _explain_silence(source: Path | bytes) -> None:
    """Raise why there was not one sample."""
    if not source:
        raise MediaEmptyError
    found = await probe(source)
    if not found.has_audio:
        raise MediaHasNoAudioError
    if found.audio_packets == 0:
        raise MediaEmptyError
    raise MediaUnreadableError
