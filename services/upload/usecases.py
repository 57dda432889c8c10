"""What can be done to an upload: open it, append to it, look at it, end it.

Each change and its messages commit in one transaction. How bytes become parts: receiving.py.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.upload import store
from services.upload.domain import (
    Checksum,
    Part,
    Permit,
    Upload,
    UploadCompleteError,
    UploadNotFoundError,
    UploadState,
    UploadTakenOverError,
    UploadTerminatedError,
    check_append,
    check_length,
    check_present,
    check_same_upload,
)
from services.upload.receiving import Budget, Receiver, Receivers, ReceiveRules
from shared.blobs import Blobs
from shared.bus import enqueue
from shared.clock import Clock
from shared.contracts.messages import (
    RecordingCompleted,
    RecordingExpired,
    RecordingGrew,
    RecordingStarted,
    RenditionRequest,
)
from shared.db import Connection, Database
from shared.errors import UnavailableError
from shared.ids import new_id
from shared.telemetry import metrics

POLL_S = 0.05
PATIENCE_S = 0.5
"""How much longer than `flush_s` a question for the offset waits for bytes being stored."""


@dataclass(frozen=True, kw_only=True)
class Append:
    """One request to append bytes."""

    offset: int
    """Where the sender believes the upload stands."""
    length: int | None = None
    """The upload's length, where the request declares it."""
    checksum: Checksum | None = None
    """What the bytes must hash to."""
    body: AsyncIterator[bytes]
    """The bytes. Raises BodyCutError when the connection ends before they do."""
    body_bytes: int | None
    """How many there are, None where that shows only at their end."""


class Uploads:
    """The verbs. Every one of them refuses what the permit does not name."""

    def __init__(
        self,
        *,
        database: Database,
        blobs: Blobs,
        clock: Clock,
        receivers: Receivers,
        rules: ReceiveRules,
        budget: Budget,
        expire_after: timedelta,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._clock = clock
        self._receivers = receivers
        self._rules = rules
        self._budget = budget
        self._expire_after = expire_after

    async def open(self, permit: Permit, *, length: int | None, metadata: str) -> Upload:
        """Open the permitted upload, or return it if it is: a reply may have been lost."""
        check_length(length, permit)
        now = self._clock.now()
        async with self._database.transaction() as tx:
            await store.lock_recording(tx, permit.recording_id)
            if await store.is_forgotten(tx, permit.recording_id):
                raise UploadTerminatedError
            upload = await store.open_upload(
                tx, permit, length=length, metadata=metadata, now=now, expires_at=self._expiry(now)
            )
            if upload is None:
                return await self._opened_before(tx, permit, length, metadata)
            started = RecordingStarted(
                **_names(upload), language=permit.language, is_live=length is None
            )
            await enqueue(tx, started, clock=self._clock)
            return await self._completed(tx, upload) if upload.is_whole else upload

    async def look(self, permit: Permit, recording_id: UUID) -> Upload:
        """Return how far the upload is, waiting a moment for bytes that are just being stored.

        A client asks right after its connection was cut. Told the old offset, it would send again
        what another request is just storing, and cut often enough it would never get anywhere.
        """
        upload = await self._permitted(permit, recording_id)
        if upload.writer is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._rules.flush_s + PATIENCE_S):
                    await self._settle(upload)
            upload = await _existing(self._database, recording_id)
        return upload

    async def append(self, permit: Permit, recording_id: UUID, request: Append) -> Upload:
        """Append the body at its offset and return the upload behind it.

        The newest request with the right offset wins: an older one whose sender has usually
        given up, cannot commit any more and is cut (UploadTakenOverError).
        """
        await self._permitted(permit, recording_id)
        writer = new_id(self._clock)
        upload = await self._claim(recording_id, writer, request)
        if upload.state is UploadState.COMPLETE:
            return upload
        receiver = Receiver(
            blobs=self._blobs,
            upload=upload,
            writer=writer,
            keep=lambda parts: self._keep(recording_id, writer, parts),
            rules=self._rules,
            budget=self._budget,
            checksum=request.checksum,
        )
        try:
            return await self._receivers.receive(recording_id, receiver, request.body)
        finally:
            # Left unreleased it only makes the next HEAD wait in vain for a moment.
            with suppress(UnavailableError):
                await store.release_upload(self._database, recording_id, writer)

    async def terminate(self, permit: Permit, recording_id: UUID) -> None:
        """End an unfinished upload; its parts go soon. A complete one goes with its update."""
        await self._permitted(permit, recording_id)
        async with self._database.transaction() as tx:
            now = self._clock.now()
            upload = await store.end_upload(tx, recording_id, UploadState.TERMINATED, now)
            if upload is None:
                check_present(await _existing(tx, recording_id))
                raise UploadCompleteError
            await enqueue(tx, RecordingExpired(**_names(upload)), clock=self._clock)

    async def _opened_before(
        self, tx: Connection, permit: Permit, length: int | None, metadata: str
    ) -> Upload:
        upload = await _existing(tx, permit.recording_id)
        check_same_upload(upload, length, metadata)
        return upload

    async def _permitted(self, permit: Permit, recording_id: UUID) -> Upload:
        if permit.recording_id != recording_id:
            raise UploadNotFoundError
        upload = await _existing(self._database, recording_id)
        check_present(upload)
        return upload

    async def _settle(self, upload: Upload) -> None:
        """Wait for whoever writes now: here by asking, elsewhere by watching the ledger."""
        writer = upload.writer
        while upload.writer == writer:
            if await self._receivers.settle(upload.recording_id):
                return
            await asyncio.sleep(POLL_S)
            upload = await _existing(self._database, upload.recording_id)

    async def _claim(self, recording_id: UUID, writer: UUID, request: Append) -> Upload:
        """Become the only request that may append. What is whole by then is completed."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            upload = await store.lock_upload(tx, recording_id)
            if upload is None:
                raise UploadNotFoundError
            check_append(
                upload,
                offset=request.offset,
                length=request.length,
                body_bytes=request.body_bytes,
            )
            if upload.state is UploadState.COMPLETE:
                return upload
            upload = await store.claim_upload(
                tx,
                recording_id,
                writer=writer,
                length=request.length,
                now=now,
                expires_at=self._expiry(now),
            )
            return await self._completed(tx, upload) if upload.is_whole else upload

    async def _keep(self, recording_id: UUID, writer: UUID, parts: Sequence[Part]) -> Upload:
        """Commit parts to the ledger and say so; all or none."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            first, *rest = parts
            upload = await self._keep_part(tx, recording_id, first, writer, now)
            for part in rest:
                upload = await self._keep_part(tx, recording_id, part, writer, now)
            upload = await self._completed(tx, upload) if upload.is_whole else upload
        metrics.upload_received_bytes.inc(sum(part.size_bytes for part in parts))
        return upload

    async def _keep_part(
        self, tx: Connection, recording_id: UUID, part: Part, writer: UUID, now: datetime
    ) -> Upload:
        upload = await store.append_part(
            tx, recording_id, part, writer=writer, now=now, expires_at=self._expiry(now)
        )
        if upload is None:
            check_present(await _existing(tx, recording_id))
            raise UploadTakenOverError
        await enqueue(tx, _grown(upload, part), clock=self._clock)
        return upload

    async def _completed(self, tx: Connection, upload: Upload) -> Upload:
        upload = await store.complete_upload(tx, upload.recording_id, self._clock.now())
        completed = RecordingCompleted(
            **_names(upload), part_count=upload.part_count, size_bytes=upload.offset_bytes
        )
        await enqueue(tx, completed, clock=self._clock)
        wish = RenditionRequest(team_id=upload.team_id, recording_id=upload.recording_id)
        await enqueue(tx, wish, clock=self._clock)
        return upload

    def _expiry(self, now: datetime) -> datetime:
        return now + self._expire_after


async def _existing(database: Database | Connection, recording_id: UUID) -> Upload:
    upload = await store.get_upload(database, recording_id)
    if upload is None:
        raise UploadNotFoundError
    return upload


def _names(upload: Upload) -> dict[str, UUID]:
    return {
        "team_id": upload.team_id,
        "thread_id": upload.thread_id,
        "update_id": upload.update_id,
        "recording_id": upload.recording_id,
    }


def _grown(upload: Upload, part: Part) -> RecordingGrew:
    return RecordingGrew(
        **_names(upload),
        part_number=part.number,
        offset=part.offset_bytes,
        key=part.key,
        size_bytes=part.size_bytes,
        sha256=part.sha256,
    )
