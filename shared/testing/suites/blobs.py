"""What every blob store must do. A body inherits `BlobsSuite` and says how to open itself."""

import asyncio
import contextlib
import hashlib
import random
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.blobs import BlobInfo, BlobKeyError, BlobMissingError, Blobs

SMALL = b"We moved the launch to Thursday."
MIB = 1 << 20
BAD_KEYS = (
    "",
    "/",
    "/etc/passwd",
    "../outside",
    "a/../../outside",
    "a/./b",
    "a//b",
    "a/",
    ".incoming/x",
    "a/.hidden",
    "a\x00b",
    "a\nb",
    "a b",
    "a\\b",
    "ä",
    "k" * 513,
)


class BrokenSourceError(Exception):
    """What a source raises half way."""


class BlobsSuite(ABC):
    """The promises of `shared.blobs.port.Blobs`, one test each."""

    @abstractmethod
    def open_store(self) -> Blobs:
        """Return an empty store; a second call opens the same one again."""

    async def test_what_was_put_can_be_read_whole(self) -> None:
        blobs = self.open_store()
        stored = await blobs.put("recordings/1/parts/000001-ab", SMALL)
        assert stored == BlobInfo(
            key="recordings/1/parts/000001-ab",
            size_bytes=len(SMALL),
            sha256=hashlib.sha256(SMALL).hexdigest(),
        )
        assert await _read(blobs, stored.key) == SMALL

    async def test_an_empty_blob_is_a_blob(self) -> None:
        blobs = self.open_store()
        await blobs.put("empty", b"")
        assert await _read(blobs, "empty") == b""
        found = await blobs.head("empty")
        assert found is not None
        assert found.size_bytes == 0

    async def test_head_tells_size_and_digest_of_a_stored_blob(self) -> None:
        blobs = self.open_store()
        stored = await blobs.put("a/b", SMALL)
        assert await blobs.head("a/b") == stored

    async def test_head_of_a_long_stream_tells_its_digest(self) -> None:
        blobs = self.open_store()
        stored = await blobs.put("long", _stream(_noise(20 * MIB)))
        assert await blobs.head("long") == stored

    async def test_head_of_a_missing_blob_is_none(self) -> None:
        assert await self.open_store().head("not/there") is None

    async def test_a_long_stream_of_odd_chunks_comes_back_unchanged(self) -> None:
        blobs = self.open_store()
        content = _noise(17 * MIB + 3)
        stored = await blobs.put("long", _stream(content, chunk_bytes=MIB + 7))
        assert stored.size_bytes == len(content)
        assert stored.sha256 == hashlib.sha256(content).hexdigest()
        assert await _read(blobs, "long") == content

    async def test_a_stream_of_exactly_one_piece_comes_back_unchanged(self) -> None:
        blobs = self.open_store()
        content = _noise(8 * MIB)
        await blobs.put("eight", _stream(content))
        assert await _read(blobs, "eight") == content

    async def test_a_stream_with_empty_chunks_comes_back_unchanged(self) -> None:
        async def halting() -> AsyncIterator[bytes]:
            for chunk in (b"", b"one ", b"", b"two", b""):
                yield chunk

        blobs = self.open_store()
        await blobs.put("halting", halting())
        assert await _read(blobs, "halting") == b"one two"

    async def test_a_local_file_can_be_put(self, tmp_path: Path) -> None:
        blobs = self.open_store()
        content = _noise(9 * MIB)
        (tmp_path / "movie.mp4").write_bytes(content)
        stored = await blobs.put("movie", tmp_path / "movie.mp4", media_type="video/mp4")
        assert stored.sha256 == hashlib.sha256(content).hexdigest()
        assert await blobs.head("movie") == stored
        assert await _read(blobs, "movie") == content

    async def test_a_range_gives_the_bytes_before_its_end(self) -> None:
        blobs = self.open_store()
        await blobs.put("digits", b"0123456789")
        assert await _read(blobs, "digits", start=2, end=5) == b"234"
        assert await _read(blobs, "digits", start=7) == b"789"
        assert await _read(blobs, "digits", end=1) == b"0"

    async def test_a_range_past_the_last_byte_gives_what_there_is(self) -> None:
        blobs = self.open_store()
        await blobs.put("digits", b"0123456789")
        assert await _read(blobs, "digits", start=8, end=99) == b"89"
        assert await _read(blobs, "digits", start=10) == b""
        assert await _read(blobs, "digits", start=99, end=100) == b""
        assert await _read(blobs, "digits", start=4, end=4) == b""

    async def test_a_range_across_pieces_is_exact(self) -> None:
        blobs = self.open_store()
        content = _noise(9 * MIB)
        await blobs.put("long", content)
        assert (
            await _read(blobs, "long", start=MIB - 1, end=8 * MIB + 2)
            == (content[MIB - 1 : 8 * MIB + 2])
        )

    @pytest.mark.parametrize(("start", "end"), [(-1, None), (5, 4)])
    async def test_an_impossible_range_is_refused(self, start: int, end: int | None) -> None:
        blobs = self.open_store()
        await blobs.put("digits", b"0123456789")
        with pytest.raises(ValueError, match="no range"):
            await _read(blobs, "digits", start=start, end=end)

    async def test_reading_a_missing_blob_says_so(self) -> None:
        blobs = self.open_store()
        with pytest.raises(BlobMissingError):
            await _read(blobs, "not/there")
        with pytest.raises(BlobMissingError):
            await _read(blobs, "not/there", start=3, end=3)

    async def test_a_folder_of_blobs_is_no_blob(self) -> None:
        blobs = self.open_store()
        await blobs.put("a/b/c", SMALL)
        assert await blobs.head("a/b") is None
        assert blobs.local_path("a/b") is None
        with pytest.raises(BlobMissingError):
            await _read(blobs, "a/b")

    async def test_putting_again_replaces_the_whole_blob(self) -> None:
        blobs = self.open_store()
        await blobs.put("a", b"a long first version")
        stored = await blobs.put("a", b"short")
        assert await _read(blobs, "a") == b"short"
        assert await blobs.head("a") == stored

    @pytest.mark.parametrize("good_bytes", [5, 9 * MIB])
    async def test_a_source_that_fails_leaves_the_old_blob(self, good_bytes: int) -> None:
        async def broken() -> AsyncIterator[bytes]:
            yield _noise(good_bytes)
            raise BrokenSourceError

        blobs = self.open_store()
        await blobs.put("a", SMALL)
        with pytest.raises(BrokenSourceError):
            await blobs.put("a", broken())
        assert await _read(blobs, "a") == SMALL
        with pytest.raises(BrokenSourceError):
            await blobs.put("never", broken())
        assert await blobs.head("never") is None
        assert [key async for key in blobs.list("")] == ["a"]

    async def test_the_source_s_own_error_is_not_taken_for_the_store_s(self) -> None:
        async def cut_off() -> AsyncIterator[bytes]:
            yield b"some"
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            await self.open_store().put("a", cut_off())

    async def test_a_cancelled_put_leaves_nothing(self) -> None:
        blobs = self.open_store()
        begun = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            yield _noise(9 * MIB)
            begun.set()
            await asyncio.Event().wait()

        putting = asyncio.create_task(blobs.put("a", endless()))
        await begun.wait()
        putting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await putting
        assert putting.cancelled()
        assert await blobs.head("a") is None
        assert [key async for key in blobs.list("")] == []

    async def test_a_reader_sees_one_version_while_another_is_put(self) -> None:
        blobs = self.open_store()
        versions = [bytes([number]) * (2 * MIB) for number in range(4)]
        await blobs.put("a", versions[0])

        async def replace() -> None:
            for version in versions[1:]:
                await blobs.put("a", version)

        replacing = asyncio.create_task(replace())
        while not replacing.done():
            assert await _read(blobs, "a") in versions
        await replacing

    async def test_blobs_put_at_once_do_not_mix(self) -> None:
        blobs = self.open_store()
        contents = {f"many/{number}": _noise(40_000 + number) for number in range(24)}
        await asyncio.gather(*(blobs.put(key, content) for key, content in contents.items()))
        for key, content in contents.items():
            assert await _read(blobs, key) == content

    async def test_deleted_blobs_are_gone_and_deleting_again_is_no_error(self) -> None:
        blobs = self.open_store()
        await asyncio.gather(*(blobs.put(f"a/{number}", SMALL) for number in range(5)))
        await blobs.delete(["a/0", "a/1", "a/never"])
        await blobs.delete(["a/0"])
        await blobs.delete([])
        assert {key async for key in blobs.list("a/")} == {"a/2", "a/3", "a/4"}
        assert await blobs.head("a/0") is None

    async def test_deleting_and_putting_side_by_side_loses_no_put(self) -> None:
        blobs = self.open_store()

        async def put_and_delete(number: int) -> None:
            await blobs.put(f"deep/er/{number}", SMALL)
            if number % 2:
                await blobs.delete([f"deep/er/{number}"])

        for start in range(0, 40, 8):
            await asyncio.gather(*(put_and_delete(start + place) for place in range(8)))
            await blobs.delete([f"deep/er/{start + place}" for place in range(8)])
        await blobs.put("deep/er/last", SMALL)
        assert [key async for key in blobs.list("deep/")] == ["deep/er/last"]

    async def test_list_gives_the_keys_below_a_prefix(self) -> None:
        blobs = self.open_store()
        for key in ("r/1/parts/1", "r/1/parts/2", "r/10/parts/1", "r-x/1"):
            await blobs.put(key, SMALL)
        assert {key async for key in blobs.list("r/1/")} == {"r/1/parts/1", "r/1/parts/2"}
        assert {key async for key in blobs.list("r/1")} == {
            "r/1/parts/1",
            "r/1/parts/2",
            "r/10/parts/1",
        }
        assert {key async for key in blobs.list("r")} == {
            "r/1/parts/1",
            "r/1/parts/2",
            "r/10/parts/1",
            "r-x/1",
        }
        assert [key async for key in blobs.list("none/")] == []

    async def test_what_was_put_is_there_when_the_store_is_opened_again(self) -> None:
        stored = await self.open_store().put("a", SMALL)
        again = self.open_store()
        assert await again.head("a") == stored
        assert await _read(again, "a") == SMALL

    async def test_fetch_writes_blobs_behind_each_other_to_a_local_file(
        self, tmp_path: Path
    ) -> None:
        blobs = self.open_store()
        contents = [_noise(3 * MIB), b"", *(SMALL + bytes([number]) for number in range(40))]
        keys = [f"parts/{number}" for number in range(len(contents))]
        for key, content in zip(keys, contents, strict=True):
            await blobs.put(key, content)
        await blobs.fetch(keys, tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == b"".join(contents)

    async def test_fetching_a_missing_blob_leaves_no_file(self, tmp_path: Path) -> None:
        blobs = self.open_store()
        await blobs.put("a/b", SMALL)
        for missing in ("not/there", "a"):
            with pytest.raises(BlobMissingError):
                await blobs.fetch(["a/b", missing], tmp_path / "copy")
        assert list(tmp_path.iterdir()) == []

    async def test_a_local_path_if_given_holds_the_blob(self) -> None:
        blobs = self.open_store()
        await blobs.put("a/b", SMALL)
        path = blobs.local_path("a/b")
        assert path is None or path.read_bytes() == SMALL
        assert blobs.local_path("not/there") is None

    @pytest.mark.parametrize("key", BAD_KEYS, ids=[repr(key[:20]) for key in BAD_KEYS])
    async def test_a_key_that_is_none_is_refused_everywhere(self, key: str, tmp_path: Path) -> None:
        blobs = self.open_store()
        with pytest.raises(BlobKeyError):
            await blobs.put(key, SMALL)
        with pytest.raises(BlobKeyError):
            await _read(blobs, key)
        with pytest.raises(BlobKeyError):
            await blobs.head(key)
        with pytest.raises(BlobKeyError):
            await blobs.delete([key])
        with pytest.raises(BlobKeyError):
            await blobs.fetch([key], tmp_path / "copy")
        with pytest.raises(BlobKeyError):
            blobs.local_path(key)


async def _read(blobs: Blobs, key: str, *, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in blobs.read(key, start=start, end=end)])


async def _stream(content: bytes, chunk_bytes: int = MIB) -> AsyncIterator[bytes]:
    for start in range(0, len(content), chunk_bytes):
        yield content[start : start + chunk_bytes]


def _noise(size_bytes: int) -> bytes:
    return random.Random(size_bytes).randbytes(size_bytes)  # noqa: S311 - test content, no secret
