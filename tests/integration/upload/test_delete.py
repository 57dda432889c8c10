"""DELETE: discarding an unfinished upload."""

import pytest

from services.upload.app import sweeper
from tests.support.upload_house import OpenPatch, UploadHouse, until

pytestmark = pytest.mark.integration


async def test_a_discarded_upload_is_gone(house: UploadHouse) -> None:
    client = house.client()
    await client.create(10)
    await client.patch(0, b"0123")

    assert (await client.delete()).status == 204

    assert (await client.head()).status == 410
    patched = await client.patch(4, b"4")
    assert (patched.status, patched.code) == (410, "upload-terminated")
    again = await client.delete()
    assert (again.status, again.code) == (410, "upload-terminated")
    opened = await client.create(10)
    assert (opened.status, opened.code) == (410, "upload-terminated")


async def test_a_discarded_live_upload_is_discarded_with_its_bytes(house: UploadHouse) -> None:
    client = house.client()
    await client.create()
    await client.patch(0, b"0123")

    assert (await client.delete()).status == 204
    assert await sweeper(house.parts).delete_ended() == 1

    assert await house.blob_keys(client.recording_id) == []
    assert await house.stored(client.recording_id) == b""
    kinds = [kind for kind, _ in await house.said()]
    assert kinds == ["recording.started.v1", "recording.grew.v1", "recording.expired.v1"]


async def test_a_complete_upload_is_not_discarded_this_way(house: UploadHouse) -> None:
    client = house.client()
    await client.create(3, b"abc")

    answer = await client.delete()

    assert (answer.status, answer.code) == (409, "upload-already-complete")
    assert await house.stored(client.recording_id) == b"abc"


async def test_bytes_that_arrive_after_discarding_are_refused(house: UploadHouse) -> None:
    client = house.client()
    await client.create()
    patch = await OpenPatch.begin(client, 0)
    await patch.send(b"0123")

    async def has_arrived() -> bool:
        return (await client.head()).offset == 4

    await until(has_arrived)
    await client.delete()
    await patch.send(b"4567")

    assert await patch.status() == 410
    await patch.close()
    assert len(await house.blob_keys(client.recording_id)) == 1


async def test_discarding_nothing_is_missing(house: UploadHouse) -> None:
    answer = await house.client().delete()

    assert (answer.status, answer.code) == (404, "upload-not-found")
