"""A tus 1.0 client that gets every byte there: after each cut it asks how far it got and goes on.

Knows files (length known, pieces of 64 MiB) and streams (length declared at the end; the piece that
is under way is kept in memory until it is acknowledged).
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import urljoin

import aiohttp

from services.cli.api import FIRST_ERROR_STATUS, refuse_error
from services.cli.exits import CommandError, Exit, unreachable

T = TypeVar("T")

VERSION = "1.0.0"
PATCH_BYTES = 64 << 20
READ_BYTES = 1 << 20
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 10.0
#: A connection over which nothing moves for so long is given up and made anew.
STALL_S = 30.0
GONE = frozenset({404, 410})
#: Worth another try: conflicts of offset or lock, checksum mismatch, too many, server trouble.
PASSING = frozenset({408, 409, 423, 425, 429, 460, 500, 502, 503, 504})
#: The content or its size is not wanted; no retry changes that.
UNWANTED = frozenset({413, 415, 422})
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=STALL_S)


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """Leave to upload one recording."""

    url: str
    token: str


class UploadGoneError(CommandError):
    """The server no longer knows this upload."""

    def __init__(self) -> None:
        """Take no details: there are none."""
        sentence = "The server has removed this upload; send the file again."
        super().__init__(sentence, Exit.MISSING, code="upload-gone")


class Piece(Protocol):
    """Bytes at a known place of a recording that can be read again from any point."""

    @property
    def start(self) -> int:
        """Offset of the first byte."""
        ...

    @property
    def end(self) -> int:
        """Offset just after the last byte."""
        ...

    def read(self, offset: int) -> AsyncIterator[bytes]:
        """Give the bytes from ``offset`` (counted in the recording) to the end of the piece."""
        ...


@dataclass(frozen=True, kw_only=True)
class FilePiece:
    """A stretch of a file."""

    path: Path
    start: int
    end: int

    async def read(self, offset: int) -> AsyncIterator[bytes]:
        """Read from the disk, off the event loop."""
        with await asyncio.to_thread(self.path.open, "rb") as file:
            await asyncio.to_thread(file.seek, offset)
            while offset < self.end:
                wanted = min(READ_BYTES, self.end - offset)
                data = await asyncio.to_thread(file.read, wanted)
                if not data:
                    raise CommandError("it became shorter while it was sent")
                offset += len(data)
                yield data


@dataclass(frozen=True, kw_only=True)
class MemoryPiece:
    """A stretch of a stream, kept until it is acknowledged."""

    start: int
    data: bytes

    @property
    def end(self) -> int:
        """Offset just after the last byte."""
        return self.start + len(self.data)

    async def read(self, offset: int) -> AsyncIterator[bytes]:
        """Give what is not yet there."""
        view = memoryview(self.data)[offset - self.start :]
        for begin in range(0, len(view), READ_BYTES):
            yield bytes(view[begin : begin + READ_BYTES])


class _PassingError(Exception):
    """Worth another try."""

    def __init__(self, pause_s: float | None = None) -> None:
        super().__init__()
        self.pause_s = pause_s


class TusUpload:
    """One upload. ``location`` is where it goes on if it was begun before."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        ticket: Ticket,
        *,
        location: str | None = None,
        patience_s: float = 600.0,
        on_progress: Callable[[int], None] = lambda _: None,
        on_location: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Give up when nothing has got through for ``patience_s``."""
        self._session = session
        self._ticket = ticket
        self._location = location
        self._patience_s = patience_s
        self._on_progress = on_progress
        self._on_location = on_location
        #: Where the server stands; None while that is not certain.
        self._offset: int | None = None
        self._reached = 0
        self._unreadable: CommandError | None = None
        self._length_known = False

    async def send_file(self, path: Path) -> int:
        """Send a file to its end; return its size."""
        size = (await asyncio.to_thread(path.stat)).st_size
        offset = await self._begin(size)
        while True:
            end = min(size, offset + PATCH_BYTES)
            await self._deliver(FilePiece(path=path, start=offset, end=end))
            if end == size:
                return size
            offset = end

    async def send_stream(self, pieces: AsyncIterator[bytes]) -> int:
        """Send a stream of still unknown length; return how long it became."""
        offset = await self._begin(None)
        async for data in pieces:
            piece = MemoryPiece(start=offset, data=data)
            await self._deliver(piece)
            offset = piece.end
        await self._deliver(MemoryPiece(start=offset, data=b""), length=offset)
        return offset

    async def _begin(self, size: int | None) -> int:
        """Create the upload, or find out where it stopped; return the offset to go on from."""
        self._length_known = size is not None

        async def begin() -> int:
            if self._location is None:
                self._location = await self._create(size)
                self._on_location(self._location)
            return await self._ask_offset()

        return await self._persist(begin)

    async def _deliver(self, piece: Piece, *, length: int | None = None) -> None:
        async def deliver() -> None:
            if self._offset is None:
                await self._ask_offset()
            while self._is_due(piece, length):
                await self._patch(piece, length)

        await self._persist(deliver)

    def _is_due(self, piece: Piece, length: int | None) -> bool:
        offset = self._offset or 0
        if offset < piece.start:
            raise CommandError("The server has lost a part of the recording.")
        return offset < piece.end or (length is not None and not self._length_known)

    async def _persist(self, action: Callable[[], Awaitable[T]]) -> T:
        """Repeat until it succeeds; patience begins anew with every byte that gets through."""
        loop = asyncio.get_running_loop()
        pause_s = FIRST_PAUSE_S
        last_offset, patient_until = self._reached, loop.time() + self._patience_s
        while True:
            cause: Exception
            try:
                return await action()
            except (aiohttp.ClientError, ConnectionError, TimeoutError) as exc:
                wait_s, cause = pause_s, exc
            except _PassingError as exc:
                wait_s, cause = exc.pause_s or pause_s, exc
            if self._unreadable is not None:
                # aiohttp reports a source that fails as a lost connection; no retry cures it.
                raise self._unreadable
            if self._reached != last_offset:
                last_offset, patient_until = self._reached, loop.time() + self._patience_s
                wait_s = pause_s = FIRST_PAUSE_S
            if loop.time() + wait_s > patient_until:
                raise unreachable(self._ticket.url) from cause
            self._offset = None
            # Jitter, or all who were cut off by one restart come back in the same instant.
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 (no secret)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    # --- the protocol --------------------------------------------------------------

    async def _create(self, size: int | None) -> str:
        length = {"Upload-Defer-Length": "1"} if size is None else {"Upload-Length": str(size)}
        url = self._ticket.url
        async with self._request("POST", url, {**length, "Content-Length": "0"}) as response:
            await _refuse(response, passing=PASSING - {409})
            return urljoin(f"{response.url}", response.headers["Location"])

    async def _ask_offset(self) -> int:
        async with self._request("HEAD", self._where(), {}) as response:
            if response.status in GONE:
                raise UploadGoneError
            await _refuse(response, passing=PASSING)
            self._length_known = "Upload-Length" in response.headers
            return self._note_offset(response)

    async def _patch(self, piece: Piece, length: int | None) -> None:
        offset = self._offset or 0
        headers = {
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(piece.end - offset),
            "Upload-Offset": str(offset),
        }
        if length is not None and not self._length_known:
            headers["Upload-Length"] = str(length)
        async with asyncio.timeout(STALL_S) as guard:
            body = self._watched(piece, offset, guard)
            async with self._request("PATCH", self._where(), headers, body) as response:
                if response.status in GONE:
                    raise UploadGoneError
                await _refuse(response, passing=PASSING)
                self._length_known = self._length_known or "Upload-Length" in headers
                self._note_offset(response)

    async def _watched(
        self, piece: Piece, offset: int, guard: asyncio.Timeout
    ) -> AsyncIterator[bytes]:
        """Hand out the bytes; as long as they flow the connection is not given up."""
        loop = asyncio.get_running_loop()
        sent = offset
        try:
            async for data in piece.read(offset):
                guard.reschedule(loop.time() + STALL_S)
                yield data
                sent += len(data)
                self._on_progress(sent)
        except (CommandError, OSError) as exc:
            reason = exc.sentence if isinstance(exc, CommandError) else exc.strerror
            self._unreadable = CommandError(f"Cannot read the file: {reason}.")
            raise

    def _request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: AsyncIterator[bytes] | None = None,
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        own = {"Authorization": f"Bearer {self._ticket.token}", "Tus-Resumable": VERSION}
        return self._session.request(
            method, url, headers={**headers, **own}, data=body, timeout=TIMEOUT
        )

    def _where(self) -> str:
        if self._location is None:
            raise UploadGoneError
        return self._location

    def _note_offset(self, response: aiohttp.ClientResponse) -> int:
        offset = response.headers.get("Upload-Offset", "")
        if not offset.isdecimal():
            raise CommandError("The upload server answered something unexpected.")
        self._offset = self._reached = int(offset)
        self._on_progress(self._reached)
        return self._reached


async def _refuse(response: aiohttp.ClientResponse, *, passing: frozenset[int]) -> None:
    if response.status < FIRST_ERROR_STATUS:
        return
    if response.status in passing:
        pause = response.headers.get("Retry-After", "")
        raise _PassingError(float(pause) if pause.isdecimal() else None)
    try:
        await refuse_error(response)
    except CommandError as refusal:
        if response.status in UNWANTED:
            raise CommandError(refusal.sentence, Exit.REFUSED, code=refusal.code) from None
        raise
