"""Blobs as files in a folder, each under its key. Needs to own the folder.

A put writes to `.incoming`, syncs, renames, and syncs the folders, so a blob survives losing
power the moment `put` returns. Its SHA-256 rides along as an extended attribute, or is computed
where the file system has none.
"""

import hashlib
import os
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from io import FileIO
from pathlib import Path
from uuid import uuid4

from typing_extensions import override

from shared.blobs.gathering import pieces
from shared.blobs.local import (
    disk_errors,
    make_private,
    on_disk,
    opened_on_disk,
    write_all,
    written_whole,
)
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
from shared.blobs.threads import opened

PIECE_BYTES = 1 << 20
READ_BYTES = 256 << 10
FETCHED_TOGETHER = 16
"""Blobs that one thread copies before it looks whether anybody still wants them."""
ABANDONED_AFTER_S = 24 * 3600.0
RENAME_ATTEMPTS = 5


_INCOMING = ".incoming"
_DIGEST = "user.tidings.sha256"


class DiskBlobs(Blobs):
    """The `file:` body. Several processes may share one folder."""

    def __init__(self, root: Path) -> None:
        """Make the folder if it is missing; raise BlobsUnavailableError when that is impossible."""
        self._root = root.absolute()
        self._incoming = self._root / _INCOMING
        with disk_errors():
            make_private(self._incoming)
            _remove_abandoned(self._incoming)

    @override
    async def prepare(self) -> bool:
        # Opening the store has made its folder.
        return False

    @override
    async def put(
        self, key: str, source: Source, *, media_type: str = "application/octet-stream"
    ) -> BlobInfo:
        target = self._path(key)
        temporary = self._incoming / uuid4().hex
        digest = hashlib.sha256()
        size_bytes = 0
        # What is in memory already is written in one step: cutting it up would copy it.
        step_bytes = len(source) if isinstance(source, bytes) and source else PIECE_BYTES
        try:
            async with opened_on_disk(temporary, "xb") as file:
                async for piece in pieces(source, step_bytes):
                    await on_disk(_write, file, digest, piece)
                    size_bytes += len(piece)
                await on_disk(_publish, file, digest.hexdigest(), temporary, target, self._root)
        finally:
            with suppress(OSError):
                temporary.unlink()
        return BlobInfo(key=key, size_bytes=size_bytes, sha256=digest.hexdigest())

    @override
    async def read(
        self, key: str, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        checked_range(start, end)
        async with AsyncExitStack() as stack:
            with disk_errors(), _absence():
                file = await stack.enter_async_context(opened(self._path(key), "rb"))
            # Each step into a thread costs more than reading a small blob.
            piece, left = await on_disk(_begin, file, start, end)
            while piece:
                yield piece
                piece = await on_disk(file.read, min(READ_BYTES, left)) if left else b""
                left -= len(piece)

    @override
    async def head(self, key: str) -> BlobInfo | None:
        return await on_disk(_describe, key, self._path(key))

    @override
    async def delete(self, keys: Iterable[str]) -> None:
        paths = [self._path(key) for key in keys]
        await on_disk(_remove, paths, self._root)

    @override
    async def list(self, prefix: str) -> AsyncIterator[str]:
        for key in await on_disk(_keys_below, self._root, prefix):
            yield key

    @override
    async def fetch(self, keys: Sequence[str], path: Path) -> None:
        sources = [self._path(key) for key in keys]
        async with written_whole(path) as file:
            for first in range(0, len(sources), FETCHED_TOGETHER):
                await on_disk(_append, file, sources[first : first + FETCHED_TOGETHER])

    @override
    def local_path(self, key: str) -> Path | None:
        path = self._path(key)
        return path if path.is_file() else None

    def _path(self, key: str) -> Path:
        return self._root / checked_key(key)


@contextmanager
def _absence() -> Iterator[None]:
    """Raise BlobMissingError where there is no file, or a folder in its place."""
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as exc:
        raise BlobMissingError from exc


def _begin(file: FileIO, start: int, end: int | None) -> tuple[bytes, int]:
    """Return the first piece of the range and how much of it is left behind that."""
    size_bytes = os.fstat(file.fileno()).st_size
    left = max(0, min(size_bytes, size_bytes if end is None else end) - start)
    file.seek(start)
    piece = file.read(min(READ_BYTES, left))
    return piece, left - len(piece)


def _append(file: FileIO, sources: Sequence[Path]) -> None:
    for path in sources:
        with _absence():
            source = path.open("rb", buffering=0)
        with source:
            while piece := source.read(PIECE_BYTES):
                write_all(file, piece)


def _write(file: FileIO, digest: "hashlib._Hash", piece: bytes) -> None:
    digest.update(piece)
    write_all(file, piece)


def _publish(file: FileIO, sha256: str, temporary: Path, target: Path, root: Path) -> None:
    # Not every file system keeps extended attributes; `_describe` then computes the digest.
    with suppress(OSError):
        os.setxattr(file.fileno(), _DIGEST, sha256.encode())
    os.fsync(file.fileno())
    for folder in _rename(temporary, target, root):
        _sync_folder(folder)


def _rename(temporary: Path, target: Path, root: Path) -> list[Path]:
    """Put the file in its place and return the folders whose entries changed by that."""
    for _ in range(RENAME_ATTEMPTS):
        changed = _make_folders(target.parent, root)
        # A concurrent `delete` may just have removed the folder because it was empty.
        with suppress(FileNotFoundError):
            temporary.replace(target)
            return [target.parent, *changed]
    raise BlobsUnavailableError("The folder of the blob is being removed again and again.")


def _make_folders(folder: Path, root: Path) -> list[Path]:
    """Make what is missing and return the folders whose entries changed by that."""
    changed: list[Path] = []
    missing = folder
    while missing != root and not missing.is_dir():
        missing = missing.parent
        changed.append(missing)
    make_private(folder)
    return changed


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _describe(key: str, path: Path) -> BlobInfo | None:
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            size_bytes = os.fstat(file.fileno()).st_size
            try:
                sha256 = os.getxattr(file.fileno(), _DIGEST).decode()
            except OSError:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        # Deleted since we looked.
        return None
    return BlobInfo(key=key, size_bytes=size_bytes, sha256=sha256)


def _remove(paths: list[Path], root: Path) -> None:
    for path in paths:
        with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
            path.unlink()
        for folder in path.relative_to(root).parents[:-1]:
            try:
                (root / folder).rmdir()
            except OSError:
                break


def _keys_below(root: Path, prefix: str) -> list[str]:
    """Return all keys with the prefix, walking only the deepest folder that can hold them."""
    folder = root / checked_prefix(prefix).rpartition("/")[0]
    found = (
        (Path(where) / name).relative_to(root).as_posix()
        for where, _, names in os.walk(folder)
        for name in names
    )
    # `.incoming` is no key: none begins with a dot.
    return [key for key in found if key.startswith(prefix) and not key.startswith(".")]


def _remove_abandoned(incoming: Path) -> None:
    """Remove what killed processes left half written; no put takes a day."""
    for path in incoming.iterdir():
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > ABANDONED_AFTER_S:
                path.unlink()
