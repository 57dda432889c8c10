"""Turns the many shapes of a source into pieces of one size, so that memory stays bounded."""

from collections.abc import AsyncIterator
from pathlib import Path

from shared.blobs.port import Source
from shared.blobs.threads import in_thread, opened


async def pieces(source: Source, piece_bytes: int) -> AsyncIterator[bytes]:
    """Give the source's bytes in pieces of exactly ``piece_bytes``, only the last one shorter.

    An empty source gives no piece.
    """
    if isinstance(source, bytes):
        for start in range(0, len(source), piece_bytes):
            yield source[start : start + piece_bytes]
    elif isinstance(source, Path):
        async for piece in _from_file(source, piece_bytes):
            yield piece
    else:
        async for piece in _from_stream(source, piece_bytes):
            yield piece


async def _from_file(path: Path, piece_bytes: int) -> AsyncIterator[bytes]:
    async with opened(path, "rb") as file:
        while piece := await in_thread(None, file.read, piece_bytes):
            yield piece


async def _from_stream(stream: AsyncIterator[bytes], piece_bytes: int) -> AsyncIterator[bytes]:
    gathered = bytearray()
    async for chunk in stream:
        gathered += chunk
        while len(gathered) >= piece_bytes:
            yield bytes(gathered[:piece_bytes])
            del gathered[:piece_bytes]
    if gathered:
        yield bytes(gathered)
