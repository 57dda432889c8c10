"""What a blob store promises. `shared/testing/suites/blobs.py` holds both bodies to it."""

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shared.errors import InvalidError, MissingError, UnavailableError

Source = bytes | AsyncIterator[bytes] | Path
"""Where the bytes of a new blob come from."""

KEY_LIMIT = 512
_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*\Z")


class BlobKeyError(InvalidError):
    """A key is made of letters, digits, `.`, `_` and `-` in parts that `/` divides."""

    code = "blob-key"


class BlobMissingError(MissingError):
    """There is no blob under this key."""

    code = "blob-not-found"


class BlobsUnavailableError(UnavailableError):
    """The store for recordings does not answer, or refuses to be written."""

    code = "blobs-unavailable"


@dataclass(frozen=True, kw_only=True)
class BlobInfo:
    """A stored blob."""

    key: str
    size_bytes: int
    sha256: str


class Blobs(Protocol):
    """A store of blobs. A blob is whole or absent, and changes only by being replaced whole."""

    async def prepare(self) -> bool:
        """Make the folder or bucket if it is missing; return whether it was."""
        ...

    async def put(
        self, key: str, source: Source, *, media_type: str = "application/octet-stream"
    ) -> BlobInfo:
        """Store durably and return; a reader sees the old blob or the new one, nothing between.

        When ``source`` raises, or the task is cancelled, the old blob stays. Raises
        StorageFullError without space, BlobsUnavailableError when the store cannot be written.
        """
        ...

    def read(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Give the bytes from ``start`` up to, not including, ``end``, as far as there are any.

        The first step raises BlobMissingError when there is no such blob.
        """
        ...

    async def head(self, key: str) -> BlobInfo | None:
        """Return what is stored under the key, or None."""
        ...

    async def delete(self, keys: Iterable[str]) -> None:
        """Remove the blobs. Those already gone are no error."""
        ...

    def list(self, prefix: str) -> AsyncIterator[str]:
        """Give the keys that begin with ``prefix``, in no order, without blobs still being put."""
        ...

    async def fetch(self, keys: Sequence[str], path: Path) -> None:
        """Write the blobs, one behind the other, to a local file, which is whole or absent.

        Raises BlobMissingError where one of them is.
        """
        ...

    def local_path(self, key: str) -> Path | None:
        """Return the blob's own file for reading in place, or None where only `fetch` will do."""
        ...


def checked_key(key: str) -> str:
    """Return the key if it is one; raise BlobKeyError before it can reach a path or an address."""
    if len(key) > KEY_LIMIT or not _KEY.match(key):
        raise BlobKeyError
    return key


def checked_prefix(prefix: str) -> str:
    """Return the prefix if a key can begin with it; raise BlobKeyError otherwise."""
    if prefix:
        checked_key(prefix.removesuffix("/"))
    return prefix


def checked_range(start: int, end: int | None) -> None:
    """Raise ValueError for a range that cannot be meant."""
    if start < 0 or (end is not None and end < start):
        message = f"bytes {start} to {end} are no range"
        raise ValueError(message)
