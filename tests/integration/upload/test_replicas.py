"""Two replicas on one database and one blob store: either can take the next request."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from services.upload.settings import Settings
from tests.support.upload_house import (
    Claims,
    Keys,
    OpenPatch,
    UploadClient,
    UploadHouse,
    noise,
    running_upload,
    until,
)

pytestmark = pytest.mark.integration


@pytest.fixture
async def other(settings: Settings, keys: Keys) -> AsyncIterator[UploadHouse]:
    async with running_upload(settings, keys) as running:
        yield running


async def test_any_replica_takes_the_next_bytes(house: UploadHouse, other: UploadHouse) -> None:
    claims = Claims()
    here, there = house.client(claims), other.client(claims)
    await here.create(10)

    assert (await there.patch(0, b"01234")).offset == 5
    assert (await here.head()).offset == 5
    assert (await here.patch(5, b"56789")).offset == 10
    assert await house.stored(claims.recording_id) == b"0123456789"


async def test_a_request_at_another_replica_takes_over(
    house: UploadHouse, other: UploadHouse
) -> None:
    claims = Claims()
    here, there = house.client(claims), other.client(claims)
    await here.create(10)
    older = await OpenPatch.begin(here, 0, Content_Length="10")
    await older.send(b"0123")

    async def has_arrived() -> bool:
        return (await there.head()).offset == 4

    await until(has_arrived)
    newer = await there.patch(4, b"456789")
    await older.send(b"XXXXXX")

    assert (newer.status, newer.offset) == (204, 10)
    assert await older.status() == 409
    await older.close()
    assert await house.stored(claims.recording_id) == b"0123456789"
    assert len(await house.blob_keys(claims.recording_id)) == 2


async def test_from_the_moment_of_taking_over_the_older_request_stores_nothing(
    house: UploadHouse, other: UploadHouse
) -> None:
    claims = Claims()
    here, there = house.client(claims), other.client(claims)
    await here.create(10)
    older = await OpenPatch.begin(here, 0, Content_Length="10")
    await older.send(b"0123")

    async def has_arrived() -> bool:
        return (await there.head()).offset == 4

    await until(has_arrived)
    writer = await house.database.fetchval("SELECT writer FROM upload")
    newer = await OpenPatch.begin(there, 4, Content_Length="6")

    async def has_changed_hands() -> bool:
        return bool(await house.database.fetchval("SELECT writer FROM upload") != writer)

    await until(has_changed_hands)
    await older.send(b"XX")

    assert await older.status() == 409
    await newer.send(b"456789")
    assert await newer.status() == 204
    await older.close()
    await newer.close()
    assert await house.stored(claims.recording_id) == b"0123456789"


async def test_both_racing_for_one_upload_store_its_bytes_once(
    house: UploadHouse, other: UploadHouse
) -> None:
    claims = Claims()
    content = noise(500_000)
    clients = [house.client(claims), other.client(claims)]
    await clients[0].create(len(content))
    chance = random.Random(1)  # noqa: S311 - guards nothing

    async def push(client: UploadClient) -> None:
        while (head := await client.head()).offset < len(content):
            end = min(len(content), head.offset + chance.randrange(1, 150_000))
            await client.patch(head.offset, content[head.offset : end])

    await asyncio.gather(*(push(client) for client in (*clients, *clients)))

    assert await house.stored(claims.recording_id) == content
    rows = await house.database.fetch(
        "SELECT number, offset_bytes, size_bytes FROM part ORDER BY number"
    )
    ends = 0
    for index, row in enumerate(rows):
        assert (row["number"], row["offset_bytes"]) == (index, ends)
        ends += row["size_bytes"]
    kinds = [kind for kind, _ in await house.said()]
    assert kinds.count("recording.grew.v1") == len(rows)
    assert kinds.count("recording.completed.v1") == 1
    assert len(await house.blob_keys(claims.recording_id)) == len(rows)


async def test_a_head_at_another_replica_waits_for_what_a_cut_request_stores(
    house: UploadHouse, other: UploadHouse
) -> None:
    claims = Claims()
    here, there = house.client(claims), other.client(claims)
    await here.create(1_000_000)
    patch = await OpenPatch.begin(here, 0, Content_Length="1000000")
    await patch.send(noise(400_000))

    async def some_are_stored() -> bool:
        return bool(await house.blob_keys(claims.recording_id))

    await until(some_are_stored)
    patch.cut()

    first = (await there.head()).offset
    await asyncio.sleep(house.parts.settings.flush_s * 3)
    assert (await there.head()).offset == first
