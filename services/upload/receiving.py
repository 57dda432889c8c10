"""Turns the body of one request into stored parts, as fast as they come and with bounded memory.

Three things overlap: receiving the next part, storing the last ones, committing them in order.
What was received is committed at the latest a moment (`flush_s`) later, also when the connection
is cut.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from services.upload.domain import (
    BodyCutError,
    BodyIdleError,
    Checksum,
    ChecksumMismatchError,
    Part,
    StoppingError,
    Upload,
    UploadTakenOverError,
    UploadTooLargeError,
    part_key,
)
from shared.blobs import Blobs
from shared.errors import ConflictError, MissingError, TidingsError

Keep = Callable[[Sequence[Part]], Awaitable[Upload]]
"""Commits parts, all or none, and returns the upload behind them."""

# After these nothing will ever name the parts. Any other failure may hide a commit that did happen.
_CERTAINLY_NOT_KEPT = (ConflictError, MissingError, ChecksumMismatchError)

# Bytes that came before one of these are good and are kept.
_FLUSHED_BEFORE = (BodyCutError, BodyIdleError, StoppingError)


@dataclass(frozen=True, kw_only=True)
class ReceiveRules:
    """How bodies are cut into parts."""

    part_bytes: int = 8 << 20
    """A part is never larger."""
    depth: int = 3
    """So many parts of one request may be on their way to the store while the next fills."""
    flush_s: float = 1.0
    """What has arrived waits no longer than this for its part to fill."""
    idle_s: float = 60.0
    """A request from which nothing comes for so long is ended."""
    checksum_s: float = 6 * 3600.0
    """A request with a checksum may take no longer, for its uncommitted parts look like orphans."""


class Budget:
    """Bytes all requests of this process together may hold in memory before they stop reading."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._held_bytes = 0
        self._has_room = asyncio.Event()
        self._has_room.set()

    @property
    def is_spent(self) -> bool:
        """True while nobody should read on."""
        return not self._has_room.is_set()

    def hold(self, size_bytes: int) -> None:
        """Count bytes that were read."""
        self._held_bytes += size_bytes
        if self._held_bytes >= self._limit_bytes:
            self._has_room.clear()

    def give_back(self, size_bytes: int) -> None:
        """Count bytes that are stored or dropped."""
        self._held_bytes -= size_bytes
        if self._held_bytes < self._limit_bytes:
            self._has_room.set()

    async def room(self) -> None:
        """Wait until reading on is all right."""
        await self._has_room.wait()


@dataclass
class _Sealed:
    """A part on its way to the store."""

    key: str
    content: bytes
    storing: asyncio.Task[Part]
    settled: asyncio.Event = field(default_factory=asyncio.Event)


class Receiver:
    """Receives one body. Call ``receive`` once; others may call ``cut`` and ``settle`` meanwhile.

    With a checksum, parts are stored as they come but committed together, after the digest agreed.
    """

    def __init__(
        self,
        *,
        blobs: Blobs,
        upload: Upload,
        writer: UUID,
        keep: Keep,
        rules: ReceiveRules,
        budget: Budget,
        checksum: Checksum | None = None,
    ) -> None:
        self._blobs = blobs
        self._upload = upload
        self._writer = writer
        self._keep = keep
        self._rules = rules
        self._budget = budget
        self._checksum = checksum
        self._hasher = hashlib.new(checksum.algorithm, usedforsecurity=False) if checksum else None
        self._pieces: list[bytes] = []
        self._buffered_bytes = 0
        self._next_offset = upload.offset_bytes
        self._next_number = upload.part_count
        self._slots = asyncio.Semaphore(rules.depth)
        self._on_their_way: asyncio.Queue[_Sealed | None] = asyncio.Queue()
        self._last_sealed: _Sealed | None = None
        self._staged: list[Part] = []
        self._unwanted: list[str] = []
        self._heard_at = 0.0
        self._reader: asyncio.Task[None] | None = None
        self._stopped_by: TidingsError | None = None
        self._failure: BaseException | None = None

    async def receive(self, body: AsyncIterator[bytes]) -> Upload:
        """Store the body and return the upload behind it.

        Raises BodyCutError, BodyIdleError or StoppingError after keeping what came before,
        ChecksumMismatchError after keeping nothing, UploadTakenOverError when a newer request won.
        """
        self._heard_at = asyncio.get_running_loop().time()
        self._reader = asyncio.create_task(self._read(body))
        keeper = asyncio.create_task(self._keep_in_order())
        watcher = asyncio.create_task(self._watch())
        try:
            await asyncio.wait({self._reader})
            watcher.cancel()
            problem = self._problem_of(self._reader)
            if self._failure is None and (problem is None or isinstance(problem, _FLUSHED_BEFORE)):
                await self._seal()
            self._drop_buffered()
            self._stopped_by = problem
            self._on_their_way.put_nowait(None)
            await keeper
        finally:
            await _end(self._reader, keeper, watcher)
            self._let_go()
        await self._remove_unwanted()
        problem_or_failure = self._failure or self._stopped_by
        if problem_or_failure is not None:
            raise problem_or_failure
        return self._upload

    def cut(self, reason: TidingsError) -> None:
        """Stop reading: ``receive`` keeps what came, unless a newer request won, and raises."""
        if self._reader is not None and not self._reader.done():
            self._stopped_by = reason
            self._reader.cancel()

    async def settle(self) -> None:
        """Wait until all that has arrived so far is committed, or clearly will not be."""
        if self._checksum is None:
            await self._seal()
        if self._last_sealed is not None:
            await self._last_sealed.settled.wait()

    async def _read(self, body: AsyncIterator[bytes]) -> None:
        limit = self._upload.limit_bytes
        loop = asyncio.get_running_loop()
        async for piece in body:
            self._heard_at = loop.time()
            if self._next_offset + self._buffered_bytes + len(piece) > limit:
                raise UploadTooLargeError(max_bytes=limit)
            rest = piece
            while len(rest) >= self._rules.part_bytes - self._buffered_bytes:
                room = self._rules.part_bytes - self._buffered_bytes
                self._buffer(rest[:room])
                rest = rest[room:]
                await self._seal()
            if rest:
                self._buffer(rest)
            if self._budget.is_spent:
                await self._budget.room()

    def _buffer(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._buffered_bytes += len(piece)
        self._budget.hold(len(piece))

    async def _watch(self) -> None:
        """Seal what waits too long, and end a request that fell silent."""
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        while True:
            await asyncio.sleep(self._rules.flush_s)
            # Staged early, bytes gain their sender nothing; only memory when that is short.
            if (self._checksum is None or self._budget.is_spent) and not self._slots.locked():
                await self._seal()
            waits_for_client = not self._slots.locked() and not self._budget.is_spent
            is_silent = waits_for_client and loop.time() - self._heard_at > self._rules.idle_s
            if is_silent or (self._checksum and loop.time() - began_at > self._rules.checksum_s):
                self.cut(BodyIdleError())

    async def _seal(self) -> None:
        """Send what is buffered on its way, as one part."""
        if not self._pieces:
            return
        await self._slots.acquire()
        # Someone else may have sealed it while we waited.
        if not self._pieces:
            self._slots.release()
            return
        content = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        key = part_key(self._upload.recording_id, self._next_number, self._writer)
        storing = asyncio.create_task(
            self._store(key, content, number=self._next_number, offset=self._next_offset)
        )
        self._next_offset += len(content)
        self._next_number += 1
        self._pieces = []
        self._buffered_bytes = 0
        self._last_sealed = _Sealed(key, content, storing)
        self._on_their_way.put_nowait(self._last_sealed)

    async def _store(self, key: str, content: bytes, *, number: int, offset: int) -> Part:
        stored = await self._blobs.put(key, content)
        return Part(
            number=number,
            offset_bytes=offset,
            size_bytes=stored.size_bytes,
            sha256=stored.sha256,
            key=key,
        )

    async def _keep_in_order(self) -> None:
        """Commit parts one after the other; after a failure only clear away what still comes."""
        while (sealed := await self._on_their_way.get()) is not None:
            try:
                failure = await _failure_of(self._keep_one(sealed))
                if failure is not None:
                    self._fail(failure, sealed.key)
            finally:
                # Cancelled too: others wait for this room, or to hear how this part ended.
                self._budget.give_back(len(sealed.content))
                self._slots.release()
                sealed.settled.set()
            del sealed
        staged_keys = [part.key for part in self._staged]
        if self._failure or self._stopped_by:
            self._unwanted += staged_keys
        elif self._checksum is not None:
            failure = await _failure_of(self._keep_staged(self._checksum))
            if failure is not None:
                self._fail(failure, *staged_keys)

    async def _keep_one(self, sealed: _Sealed) -> None:
        part = await sealed.storing
        if self._failure is not None:
            self._unwanted.append(part.key)
        elif self._hasher is None:
            self._upload = await self._keep([part])
        else:
            await asyncio.to_thread(self._hasher.update, sealed.content)
            self._staged.append(part)

    async def _keep_staged(self, checksum: Checksum) -> None:
        if self._hasher is None or self._hasher.digest() != checksum.digest:
            raise ChecksumMismatchError
        if self._staged:
            self._upload = await self._keep(self._staged)

    def _fail(self, failure: BaseException, *keys: str) -> None:
        if isinstance(failure, _CERTAINLY_NOT_KEPT):
            self._unwanted += keys
        if self._failure is None:
            self._failure = failure
        if self._reader is not None:
            self._reader.cancel()

    def _problem_of(self, reader: asyncio.Task[None]) -> TidingsError | None:
        if reader.cancelled():
            return self._stopped_by
        problem = reader.exception()
        if problem is not None and not isinstance(problem, TidingsError):
            raise problem
        return problem

    async def _remove_unwanted(self) -> None:
        if self._unwanted:
            # The sweeper finds whatever cannot be deleted now.
            with suppress(TidingsError):
                await self._blobs.delete(self._unwanted)

    def _drop_buffered(self) -> None:
        self._budget.give_back(self._buffered_bytes)
        self._pieces = []
        self._buffered_bytes = 0

    def _let_go(self) -> None:
        self._drop_buffered()
        while not self._on_their_way.empty():
            if (sealed := self._on_their_way.get_nowait()) is not None:
                sealed.storing.cancel()
                self._budget.give_back(len(sealed.content))
                sealed.settled.set()


class Receivers:
    """The requests this process is receiving now, one for each upload."""

    def __init__(self) -> None:
        self._by_recording: dict[UUID, Receiver] = {}
        self._stopping = False

    async def receive(
        self, recording_id: UUID, receiver: Receiver, body: AsyncIterator[bytes]
    ) -> Upload:
        """Run it, known to ``settle`` and ``stop``. An older one for the same upload is cut."""
        older = self._by_recording.get(recording_id)
        if older is not None:
            # It could not commit any more: the newer request has taken its place in the ledger.
            older.cut(UploadTakenOverError())
        if self._stopping:
            raise StoppingError
        self._by_recording[recording_id] = receiver
        try:
            return await receiver.receive(body)
        finally:
            if self._by_recording.get(recording_id) is receiver:
                del self._by_recording[recording_id]

    async def settle(self, recording_id: UUID) -> bool:
        """Wait for what has arrived here to be committed; False when nothing is arriving here."""
        receiver = self._by_recording.get(recording_id)
        if receiver is None:
            return False
        await receiver.settle()
        return True

    def stop(self) -> None:
        """Cut all, each after keeping what it has, and take no more."""
        self._stopping = True
        for receiver in list(self._by_recording.values()):
            receiver.cut(StoppingError())


async def _failure_of(work: Coroutine[None, None, None]) -> BaseException | None:
    """Do the work and return what it raised. Cancelled, it cancels the work."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task})
    finally:
        task.cancel()
    return task.exception()


async def _end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
