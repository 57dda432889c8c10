"""Finds media and gives its bytes, whole or a range, from however many blobs they lie in."""

import hashlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from uuid import UUID

from services.upload import store
from services.upload.domain import MediaNotFoundError, UploadState, parse_metadata
from shared.blobs import Blobs
from shared.contracts.messages import RenditionKind
from shared.db import Database

ORIGINAL = "original"
KINDS = (*(kind.value for kind in RenditionKind), ORIGINAL)


@dataclass(frozen=True)
class Stretch:
    """A blob that holds the next bytes."""

    key: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class Media:
    """Something to play, draw or download. The same ``digest`` means the same bytes."""

    media_type: str
    size_bytes: int
    digest: str
    stretches: tuple[Stretch, ...]
    name: str | None = None
    """What the sender called the file. Data for the receiver, never for a log."""


class Gallery:
    """Looks media up. Who may see it was decided by whoever signed the address."""

    def __init__(self, *, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs

    async def find(self, recording_id: UUID, kind: str) -> Media:
        """Return the media, or raise MediaNotFoundError while there is none."""
        if kind == ORIGINAL:
            return await self._original(recording_id)
        stored = await store.rendition_of(self._database, recording_id, kind)
        if stored is None:
            raise MediaNotFoundError
        return Media(
            media_type=stored.media_type,
            size_bytes=stored.size_bytes,
            digest=stored.sha256,
            stretches=(Stretch(stored.key, stored.size_bytes),),
        )

    async def read(self, media: Media, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Give the bytes from ``start`` up to, not including, ``end``."""
        begins_at = 0
        for stretch in media.stretches:
            ends_at = begins_at + stretch.size_bytes
            first, last = max(start, begins_at), min(end, ends_at)
            if first < last:
                async for piece in self._blobs.read(
                    stretch.key, start=first - begins_at, end=last - begins_at
                ):
                    yield piece
            begins_at = ends_at

    async def _original(self, recording_id: UUID) -> Media:
        upload = await store.get_upload(self._database, recording_id)
        if upload is None or upload.state is not UploadState.COMPLETE:
            raise MediaNotFoundError
        parts = await store.parts_of(self._database, recording_id)
        name = parse_metadata(upload.metadata).get("filename")
        return Media(
            # Whatever the sender said it is, nobody looked: a browser must not interpret it.
            media_type="application/octet-stream",
            size_bytes=upload.offset_bytes,
            digest=hashlib.sha256("".join(part.sha256 for part in parts).encode()).hexdigest(),
            stretches=tuple(Stretch(part.key, part.size_bytes) for part in parts),
            name=name.decode(errors="replace") if name else None,
        )
