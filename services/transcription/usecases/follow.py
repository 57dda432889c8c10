"""Listens to one recording, from its first part on, and keeps what is said as chunks.

The same bytes always give the same chunks, so a follower that died costs only its time: the next
one listens from the beginning and finds the chunks there.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from services.transcription import store
from services.transcription.cutting import ChunkCutter, CutChunk
from services.transcription.domain import FILE_RULES, CutRules
from services.transcription.store import Claim, Part
from services.transcription.usecases.assemble import Assembler
from services.transcription.usecases.dispatch import SHORT
from services.transcription.usecases.draft import Offers
from shared.blobs.port import Blobs
from shared.db import Connection, Database, deletion_allowed
from shared.errors import ConflictError
from shared.media import (
    HEAD_BYTES,
    MediaError,
    MediaTookTooLongError,
    MediaTooLongError,
    decode_file,
    decode_stream,
    is_streamable,
)
from shared.media.workroom import Workroom

SLOW_TRIES = 3
"""A machine with too much to do looks like a file that takes too long, but not every time."""
NOTE_EVERY_MS = 2_000
"""How often the progress of a stretch without chunks is kept."""


class NothingToFollowError(ConflictError):
    """The recording was ended or removed while somebody listened to it."""

    code = "nothing-to-follow"


@dataclass(frozen=True, kw_only=True)
class Listener:
    """Listens to one recording whose lease is held. Made afresh for each."""

    claim: Claim
    owner: str
    database: Database
    blobs: Blobs
    assembler: Assembler
    max_seconds: float
    workroom: Workroom
    offers: Offers
    new_parts: Callable[[], Awaitable[None]]
    """Returns when there may be more parts than before."""
    pace: Callable[[], Awaitable[None]]
    """Returns when a long recording may go on; raises NotYetError when it must not."""

    @property
    def recording_id(self) -> UUID:
        """The recording."""
        return self.claim.recording_id

    async def listen(self) -> None:
        """Hear the recording to its end.

        Raises NothingToFollowError when it is no longer wanted, and what its pace raises.

        Returns early, with the need noted, when only the complete recording can be decoded.
        A recording that cannot be used is ended with its error; the first time-outs are raised.
        """
        try:
            if self.claim.needs_whole_file or not await self._hear_growing():
                await self._hear_whole()
        except MediaError as exc:
            if self._may_do_better(exc):
                raise
            async with self.database.transaction() as tx:
                await self.assembler.fail(tx, self.recording_id, exc)

    async def _hear_growing(self) -> bool:
        """Decode while parts arrive; False when that cannot be done with this recording."""
        async with aclosing(self._bytes()) as parts:
            head = b""
            streamable: bool | None = None
            async for data in parts:
                head += data
                streamable = is_streamable(head)
                if streamable is not None or len(head) >= HEAD_BYTES:
                    break
            if not streamable:
                return False
            try:
                samples = decode_stream(_joined(head, parts), max_seconds=self.max_seconds)
                await self._hear(samples, keeps_what_came=False)
            except MediaTooLongError:
                raise
            except MediaError:
                # Not every format can be read from a pipe; the complete file settles it.
                return False
            return True

    async def _hear_whole(self) -> None:
        """Decode the complete recording from a local copy; leave it until it is complete."""
        _, part_count = await store.parts_from(self.database, self.recording_id, 0)
        if part_count is None:
            await store.need_whole_file(self.database, self.recording_id, self.owner)
            return
        size_bytes = await store.part_bytes(self.database, self.recording_id)
        async with self.workroom.folder(size_bytes) as folder:
            path = folder / "recording"
            await self.blobs.fetch([part.key async for part in self._parts()], path)
            samples = decode_file(path, max_seconds=self.max_seconds)
            await self._hear(samples, keeps_what_came=True)

    async def _hear(self, samples: AsyncIterator[bytes], *, keeps_what_came: bool) -> None:
        """Cut and keep, to the end.

        Where the media breaks off, what came before may stand; without one sample its error does.
        """
        known = await store.chunk_indices(self.database, self.recording_id)
        cutter = ChunkCutter(CutRules() if self.claim.is_live else FILE_RULES)
        noted_ms = 0
        try:
            async with aclosing(cast("AsyncGenerator[bytes, None]", samples)) as stream:
                async for pcm in stream:
                    chunks = await asyncio.to_thread(cutter.push, pcm)
                    for chunk in chunks:
                        await self._keep(chunk, known)
                    if self.claim.is_live:
                        await self.offers.offer(cutter.open_chunk())
                    elif chunks and cutter.count > SHORT:
                        await self.pace()
                    if cutter.heard_ms >= noted_ms + NOTE_EVERY_MS:
                        noted_ms = cutter.heard_ms
                        await store.note_heard(self.database, self.recording_id, noted_ms)
        except MediaTooLongError:
            raise
        except MediaError as exc:
            if self._may_do_better(exc) or not keeps_what_came or not cutter.heard_ms:
                raise
        for chunk in await asyncio.to_thread(cutter.finish):
            await self._keep(chunk, known)
        await self._end(cutter)

    def _may_do_better(self, error: MediaError) -> bool:
        """Return whether the error is one that another try may not meet."""
        return isinstance(error, MediaTookTooLongError) and self.claim.failures + 1 < SLOW_TRIES

    async def _keep(self, chunk: CutChunk, known: set[int]) -> None:
        if chunk.index in known:
            return
        # Of this revision alone: who heard an earlier one may still be taking its samples back.
        key = f"chunks/{self.recording_id}/{self.claim.revision}/{chunk.index:05d}.s16"
        await self.blobs.put(key, chunk.pcm.astype("<i2").tobytes())
        try:
            async with self.database.transaction() as tx:
                await self._check_wanted(tx)
                await store.add_chunk(
                    tx,
                    self.recording_id,
                    index=chunk.index,
                    key=key,
                    start_ms=chunk.start_ms,
                    end_ms=chunk.end_ms,
                )
                await store.close_chunk(tx, self.recording_id, chunk.index)
                await store.note_heard(tx, self.recording_id, chunk.end_ms)
                await self.assembler.advance(tx, self.recording_id)
        except NothingToFollowError:
            await self._take_back(key)
            raise

    async def _take_back(self, key: str) -> None:
        """Remove samples nobody asked for: the sweeper may have been here already.

        Another follower may have kept the same chunk and heard to the end meanwhile; then its row
        names them. Nobody adds rows to a recording that is not followed any more.
        """
        async with self.database.transaction() as tx:
            if await deletion_allowed(tx) and not await store.is_chunk(tx, self.recording_id, key):
                await self.blobs.delete([key])

    async def _end(self, cutter: ChunkCutter) -> None:
        async with self.database.transaction() as tx:
            await self._check_wanted(tx)
            await store.end_hearing(
                tx, self.recording_id, chunk_count=cutter.count, heard_ms=cutter.heard_ms
            )
            await self.assembler.advance(tx, self.recording_id)

    async def _check_wanted(self, tx: Connection) -> None:
        recording = await store.lock_recording(tx, self.recording_id)
        is_same = recording is not None and recording.revision == self.claim.revision
        if recording is None or not is_same or recording.state != "following":
            raise NothingToFollowError

    async def _bytes(self) -> AsyncGenerator[bytes, None]:
        """Give the recording's bytes in order."""
        async with aclosing(self._parts()) as parts:
            async for part in parts:
                reading = cast("AsyncGenerator[bytes, None]", self.blobs.read(part.key))
                async with aclosing(reading) as pieces:
                    async for data in pieces:
                        yield data

    async def _parts(self) -> AsyncGenerator[Part, None]:
        """Give the parts in order, waiting for them until the last one is known."""
        number = 0
        while True:
            parts, part_count = await store.parts_from(self.database, self.recording_id, number)
            for part in parts:
                yield part
            number += len(parts)
            if part_count is not None and number >= part_count:
                return
            if not parts:
                await self.new_parts()


async def _joined(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for data in rest:
        yield data
