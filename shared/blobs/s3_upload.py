"""Sends one object: at once when it is small, in parts when it is not."""

from contextlib import suppress
from typing import TYPE_CHECKING

from shared.blobs.s3_store import S3Store, UnsupportedError
from shared.errors import TidingsError

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

DIGEST = "sha256"
"""Name of the metadata entry, or of the tag where the digest was known only at the end."""


class Upload:
    """An object on its way. It replaces the old one at `finish` and not before."""

    def __init__(self, store: S3Store, name: str, *, media_type: str, sha256: str | None) -> None:
        self._store = store
        self._name = name
        self._media_type = media_type
        self._sha256 = sha256
        self._id: str | None = None
        self._parts: list[CompletedPartTypeDef] = []

    async def send_part(self, piece: bytes) -> None:
        """Send the next piece; S3 wants at least 5 MiB of all but the last."""
        if self._id is None:
            started = await self._store.call(
                self._store.client.create_multipart_upload,
                Bucket=self._store.bucket,
                Key=self._name,
                ContentType=self._media_type,
                Metadata={DIGEST: self._sha256} if self._sha256 else {},
            )
            self._id = started["UploadId"]
        number = len(self._parts) + 1
        reply = await self._store.call(
            self._store.client.upload_part,
            Bucket=self._store.bucket,
            Key=self._name,
            UploadId=self._id,
            PartNumber=number,
            Body=piece,
        )
        self._parts.append({"ETag": reply["ETag"], "PartNumber": number})

    async def finish(self, last: bytes, sha256: str) -> None:
        """Send what is left and let the object appear."""
        if self._id is None:
            await self._store.call(
                self._store.client.put_object,
                Bucket=self._store.bucket,
                Key=self._name,
                Body=last,
                ContentType=self._media_type,
                Metadata={DIGEST: sha256},
            )
            return
        await self.send_part(last)
        await self._store.call(
            self._store.client.complete_multipart_upload,
            Bucket=self._store.bucket,
            Key=self._name,
            UploadId=self._id,
            MultipartUpload={"Parts": self._parts},
        )
        self._id = None
        if self._sha256 is None:
            await self._tag(sha256)

    async def abandon(self) -> None:
        """Drop what was sent. Failing to is no matter: it is not visible, only takes space."""
        if self._id is not None:
            with suppress(TidingsError):
                await self._store.call(
                    self._store.client.abort_multipart_upload,
                    Bucket=self._store.bucket,
                    Key=self._name,
                    UploadId=self._id,
                )

    async def _tag(self, sha256: str) -> None:
        # Metadata can only be given at the start. A server without tags makes `head` compute.
        with suppress(UnsupportedError):
            await self._store.call(
                self._store.client.put_object_tagging,
                Bucket=self._store.bucket,
                Key=self._name,
                Tagging={"TagSet": [{"Key": DIGEST, "Value": sha256}]},
            )
