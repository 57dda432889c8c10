"""Blobs in an S3 store. Needs a bucket, and the rights to read, write, list and delete in it.

Large sources go up in parts, so memory stays bounded. What a killed process left half sent is
for the bucket's own lifecycle rule (AbortIncompleteMultipartUpload) to clear away.
"""

import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from typing_extensions import override

from shared.blobs.gathering import pieces
from shared.blobs.local import on_disk, write_all, written_whole
from shared.blobs.port import (
    BlobInfo,
    BlobMissingError,
    Blobs,
    BlobsUnavailableError,
    Source,
    checked_key,
    checked_prefix,
    checked_range,
)
from shared.blobs.s3_store import MISSING_CODES, PastEndError, S3Store, UnsupportedError
from shared.blobs.s3_upload import DIGEST, Upload

PIECE_BYTES = 8 << 20
READ_BYTES = 256 << 10
DELETE_LIMIT = 1000


class S3Blobs(Blobs):
    """The `s3:` body: any server that speaks S3 with multipart uploads."""

    def __init__(self, store: S3Store, *, prefix: str = "") -> None:
        self._store = store
        self._prefix = f"{prefix}/" if prefix else ""

    @override
    async def prepare(self) -> bool:
        try:
            await self._store.call(self._store.client.head_bucket, Bucket=self._store.bucket)
        except BlobMissingError:
            await self._store.call(self._store.client.create_bucket, Bucket=self._store.bucket)
            return True
        return False

    @override
    async def put(
        self, key: str, source: Source, *, media_type: str = "application/octet-stream"
    ) -> BlobInfo:
        name = self._name(key)
        known = await self._store.run(_file_digest, source) if isinstance(source, Path) else None
        upload = Upload(self._store, name, media_type=media_type, sha256=known)
        digest = hashlib.sha256()
        size_bytes = 0
        held = b""
        try:
            # One piece is held back: only the source's end tells whether it was the only one.
            async for piece in pieces(source, PIECE_BYTES):
                if held:
                    await upload.send_part(held)
                await self._store.run(digest.update, piece)
                size_bytes += len(piece)
                held = piece
            await upload.finish(held, digest.hexdigest())
        except BaseException:
            await upload.abandon()
            raise
        return BlobInfo(key=key, size_bytes=size_bytes, sha256=digest.hexdigest())

    @override
    async def read(
        self, key: str, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        checked_range(start, end)
        if start == end:
            await self._store.call(
                self._store.client.head_object, Bucket=self._store.bucket, Key=self._name(key)
            )
            return
        try:
            reply = await self._store.call(
                self._store.client.get_object,
                Bucket=self._store.bucket,
                Key=self._name(key),
                Range=f"bytes={start}-{'' if end is None else end - 1}",
            )
        except PastEndError:
            return
        body = reply["Body"]
        try:
            while piece := await self._store.call(body.read, READ_BYTES):
                yield piece
        finally:
            body.close()

    @override
    async def head(self, key: str) -> BlobInfo | None:
        try:
            reply = await self._store.call(
                self._store.client.head_object, Bucket=self._store.bucket, Key=self._name(key)
            )
        except BlobMissingError:
            return None
        sha256 = reply["Metadata"].get(DIGEST) or await self._digest(key)
        return BlobInfo(key=key, size_bytes=reply["ContentLength"], sha256=sha256)

    @override
    async def delete(self, keys: Iterable[str]) -> None:
        names = [self._name(key) for key in keys]
        for start in range(0, len(names), DELETE_LIMIT):
            reply = await self._store.call(
                self._store.client.delete_objects,
                Bucket=self._store.bucket,
                Delete={
                    "Objects": [{"Key": name} for name in names[start : start + DELETE_LIMIT]],
                    "Quiet": True,
                },
            )
            if any(error.get("Code") not in MISSING_CODES for error in reply.get("Errors", [])):
                raise BlobsUnavailableError("Some blobs could not be removed.")

    @override
    async def list(self, prefix: str) -> AsyncIterator[str]:
        wanted = self._prefix + checked_prefix(prefix)
        after = ""
        while True:
            page = await self._store.call(
                self._store.client.list_objects_v2,
                Bucket=self._store.bucket,
                Prefix=wanted,
                StartAfter=after,
            )
            names = [entry["Key"] for entry in page.get("Contents", [])]
            for name in names:
                yield name.removeprefix(self._prefix)
            if not page["IsTruncated"] or not names:
                return
            after = names[-1]

    @override
    async def fetch(self, keys: Sequence[str], path: Path) -> None:
        async with written_whole(path) as file:
            for key in keys:
                async for piece in self.read(key):
                    await on_disk(write_all, file, piece)

    @override
    def local_path(self, key: str) -> Path | None:
        checked_key(key)
        return None

    def _name(self, key: str) -> str:
        return self._prefix + checked_key(key)

    async def _digest(self, key: str) -> str:
        """Return the SHA-256 noted as a tag after a long stream, or compute it."""
        with suppress(UnsupportedError):
            tags = await self._store.call(
                self._store.client.get_object_tagging,
                Bucket=self._store.bucket,
                Key=self._name(key),
            )
            for tag in tags["TagSet"]:
                if tag["Key"] == DIGEST:
                    return tag["Value"]
        digest = hashlib.sha256()
        async for piece in self.read(key):
            digest.update(piece)
        return digest.hexdigest()


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
