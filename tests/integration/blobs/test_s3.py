"""Blobs in a real S3 server: the common suite, and what only S3 can do wrong."""

import itertools
import resource
import urllib.error
import urllib.request
from collections.abc import AsyncIterator

import pytest
from typing_extensions import override

from shared.blobs import BlobMissingError, Blobs, BlobsUnavailableError, open_blobs
from shared.testing.suites.blobs import BlobsSuite
from tests.support.seaweed import Seaweed

pytestmark = pytest.mark.integration

_PREFIXES = itertools.count(1)


class TestS3Blobs(BlobsSuite):
    @pytest.fixture(autouse=True)
    def _bucket(self, seaweed: Seaweed) -> None:
        self._where = (seaweed.url(f"test/{next(_PREFIXES)}"), seaweed.access_key, seaweed.secret)

    @override
    def open_store(self) -> Blobs:
        return open_blobs(*self._where)


async def test_a_missing_bucket_is_made_once(seaweed: Seaweed) -> None:
    where = (seaweed.url(bucket="brand-new"), seaweed.access_key, seaweed.secret)
    assert await open_blobs(*where).prepare()
    assert not await open_blobs(*where).prepare()


async def test_a_missing_bucket_does_not_mean_that_a_blob_is_missing(seaweed: Seaweed) -> None:
    blobs = open_blobs(seaweed.url(bucket="never-made"), seaweed.access_key, seaweed.secret)
    with pytest.raises(BlobsUnavailableError):
        await anext(blobs.read("a"))


async def test_a_wrong_secret_is_refused_by_the_server(seaweed: Seaweed) -> None:
    blobs = open_blobs(seaweed.url(), seaweed.access_key, "guess")
    with pytest.raises(BlobsUnavailableError):
        await blobs.put("a", b"x")
    with pytest.raises(BlobsUnavailableError):
        await blobs.head("a")


def test_the_server_gives_nothing_to_those_without_keys(seaweed: Seaweed) -> None:
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(f"{seaweed.endpoint}/tidings/?list-type=2", timeout=5)  # noqa: S310 - our own loopback
    with raised.value as reply:
        assert reply.code == 403


async def test_a_server_that_is_not_there_can_be_tried_again() -> None:
    blobs = open_blobs("s3://b?endpoint=http://127.0.0.1:1", "key", "secret")
    with pytest.raises(BlobsUnavailableError) as raised:
        await blobs.head("a")
    assert raised.value.retryable


async def test_stores_with_different_prefixes_do_not_see_each_other(seaweed: Seaweed) -> None:
    keys = (seaweed.access_key, seaweed.secret)
    one = open_blobs(seaweed.url("one"), *keys)
    other = open_blobs(seaweed.url("on"), *keys)
    await one.put("a", b"x")
    assert [key async for key in other.list("")] == []
    with pytest.raises(BlobMissingError):
        await anext(other.read("a"))
    assert [key async for key in one.list("")] == ["a"]


async def test_more_keys_than_a_page_holds_are_listed_and_deleted(seaweed: Seaweed) -> None:
    blobs = open_blobs(seaweed.url("many"), seaweed.access_key, seaweed.secret)
    # One object more than the server lists at once would take a minute to put; ask for less.
    keys = [f"k/{number:03d}" for number in range(25)]
    for key in keys:
        await blobs.put(key, b"")
    assert sorted([key async for key in blobs.list("k/")]) == keys
    await blobs.delete([*keys, *(f"never/{number}" for number in range(1000))])
    assert [key async for key in blobs.list("k/")] == []


async def test_a_long_stream_needs_little_memory(seaweed: Seaweed) -> None:
    blobs = open_blobs(seaweed.url("memory"), seaweed.access_key, seaweed.secret)
    piece = bytes(1 << 20)

    async def stream(pieces: int) -> AsyncIterator[bytes]:
        for _ in range(pieces):
            yield piece

    await blobs.put("warm", stream(32))
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await blobs.put("long", stream(96))
    grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib) / 1024
    assert grown_mib < 48
