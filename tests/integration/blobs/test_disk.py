"""Blobs on disk: the common suite, and what only a disk can do wrong."""

import asyncio
import os
import resource
import stat
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typing_extensions import override

from shared.blobs import BlobKeyError, Blobs, BlobsUnavailableError, open_blobs
from shared.blobs.disk import ABANDONED_AFTER_S, DiskBlobs
from shared.errors import StorageFullError
from shared.testing.suites.blobs import BlobsSuite

pytestmark = pytest.mark.integration


class TestDiskBlobs(BlobsSuite):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        self._url = tmp_path_factory.mktemp("blobs").as_uri()

    @override
    def open_store(self) -> Blobs:
        return open_blobs(self._url)


@contextmanager
def _files_limited_to(size_bytes: int) -> Iterator[None]:
    """Let the system refuse to make files longer, as a full disk or a quota does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_disk_without_space_is_told_and_leaves_the_old_blob(tmp_path: Path) -> None:
    blobs = DiskBlobs(tmp_path)
    await blobs.put("a", b"old")
    with _files_limited_to(1 << 20), pytest.raises(StorageFullError) as raised:
        await blobs.put("a", b"x" * (3 << 20))
    assert raised.value.code == "storage-full"
    assert raised.value.retryable
    assert [chunk async for chunk in blobs.read("a")] == [b"old"]
    assert list((tmp_path / ".incoming").iterdir()) == []


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    blobs = DiskBlobs(tmp_path / "blobs")
    (tmp_path / "blobs" / ".incoming").rmdir()
    (tmp_path / "blobs" / ".incoming").symlink_to("/proc")
    with pytest.raises(BlobsUnavailableError):
        await blobs.put("a", b"x")


def test_a_store_below_a_file_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    with pytest.raises(BlobKeyError):
        DiskBlobs(tmp_path / "file" / "blobs")


async def test_a_key_below_another_blob_is_refused(tmp_path: Path) -> None:
    blobs = DiskBlobs(tmp_path)
    await blobs.put("a", b"x")
    with pytest.raises(BlobKeyError):
        await blobs.put("a/b", b"y")
    assert [chunk async for chunk in blobs.read("a")] == [b"x"]


async def test_blobs_are_nobody_else_s_to_read(tmp_path: Path) -> None:
    blobs = DiskBlobs(tmp_path / "blobs")
    await blobs.put("a/b", b"x")
    for path in (tmp_path / "blobs", tmp_path / "blobs" / "a"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "blobs" / "a" / "b").stat().st_mode) == 0o600


async def test_only_old_halves_are_removed_when_a_store_is_opened(tmp_path: Path) -> None:
    incoming = tmp_path / ".incoming"
    incoming.mkdir()
    (incoming / "abandoned").write_bytes(b"half")
    (incoming / "growing").write_bytes(b"half")
    long_ago = time.time() - ABANDONED_AFTER_S - 60
    os.utime(incoming / "abandoned", (long_ago, long_ago))
    DiskBlobs(tmp_path)
    assert [path.name for path in incoming.iterdir()] == ["growing"]


async def test_the_digest_is_computed_where_the_file_system_keeps_no_attributes(
    tmp_path: Path,
) -> None:
    blobs = DiskBlobs(tmp_path)
    stored = await blobs.put("a", b"content")
    os.removexattr(tmp_path / "a", "user.tidings.sha256")
    assert await blobs.head("a") == stored


async def test_a_put_that_was_cancelled_lets_go_of_its_file_first(tmp_path: Path) -> None:
    blobs = DiskBlobs(tmp_path)

    async def many() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * (1 << 20)

    for _ in range(20):
        putting = asyncio.create_task(blobs.put("a", many()))
        await asyncio.sleep(0.01)
        putting.cancel()
        await asyncio.wait({putting})
        assert list((tmp_path / ".incoming").iterdir()) == []
    assert await blobs.head("a") is None


async def test_folders_that_became_empty_are_removed(tmp_path: Path) -> None:
    blobs = DiskBlobs(tmp_path)
    await blobs.put("a/b/c/d", b"x")
    await blobs.put("a/e", b"x")
    await blobs.delete(["a/b/c/d"])
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["e"]
