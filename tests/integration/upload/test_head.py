"""HEAD and OPTIONS: where an upload stands, and what the server can do."""

import time

import pytest

from tests.support.upload_house import OpenPatch, UploadHouse, noise, until

pytestmark = pytest.mark.integration


async def test_head_tells_offset_and_length_and_is_not_cached(house: UploadHouse) -> None:
    client = house.client()
    await client.create(10)
    await client.patch(0, b"0123")

    head = await client.head()

    assert (head.status, head.offset, head.headers["Upload-Length"]) == (200, 4, "10")
    assert head.headers["Cache-Control"] == "no-store"
    assert head.headers["Tus-Resumable"] == "1.0.0"
    assert "Upload-Expires" in head.headers


async def test_head_of_a_complete_upload_tells_so(house: UploadHouse) -> None:
    client = house.client()
    await client.create(3, b"abc")

    head = await client.head()

    assert (head.offset, head.headers["Upload-Length"]) == (3, "3")
    assert "Upload-Expires" not in head.headers


async def test_head_of_nothing_is_missing(house: UploadHouse) -> None:
    client = house.client()

    assert (await client.head()).status == 404
    assert (await client.ask("HEAD", f"{house.url}/files/no-id")).status == 404


async def test_head_without_version_or_token_is_refused(house: UploadHouse) -> None:
    client = house.client()
    await client.create(3)

    assert (await client.ask("HEAD", client.location, {"Tus-Resumable": None})).status == 412
    assert (await client.ask("HEAD", client.location, {"Authorization": None})).status == 401


async def test_head_right_after_a_cut_counts_what_had_arrived(house: UploadHouse) -> None:
    client = house.client()
    await client.create(300_000)
    patch = await OpenPatch.begin(client, 0, Content_Length="300000")
    await patch.send(noise(200_000))

    async def parts_are_stored() -> bool:
        return bool(await house.blob_keys(client.recording_id))

    await until(parts_are_stored)
    patch.cut()

    # All but what the connection itself still held when it broke.
    assert (await client.head()).offset >= 3 * (64 << 10)


async def test_head_does_not_wait_long_for_a_writer_that_died(house: UploadHouse) -> None:
    client = house.client()
    await client.create(10)
    await house.database.execute("UPDATE upload SET writer = gen_random_uuid()")

    began_at = time.monotonic()
    head = await client.head()

    assert head.offset == 0
    assert time.monotonic() - began_at < 3


async def test_options_tell_what_the_server_can_do_without_a_token(house: UploadHouse) -> None:
    for address in (f"{house.url}/files", house.client().location):
        async with house.http.options(address) as answer:
            assert answer.status == 204
            assert answer.headers["Tus-Version"] == "1.0.0"
            assert answer.headers["Tus-Extension"].split(",") == [
                "creation",
                "creation-with-upload",
                "creation-defer-length",
                "expiration",
                "checksum",
                "termination",
            ]
            assert answer.headers["Tus-Max-Size"] == str(8 << 30)
            assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256,md5"


async def test_a_page_of_an_allowed_origin_may_upload(house: UploadHouse) -> None:
    asked = {
        "Origin": "http://localhost:8080",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "tus-resumable,upload-offset,authorization",
    }
    async with house.http.options(house.client().location, headers=asked) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:8080"
        assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
        assert "Upload-Offset" in answer.headers["Access-Control-Allow-Headers"]


async def test_a_page_of_another_origin_may_not(house: UploadHouse) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PATCH"}
    async with house.http.options(house.client().location, headers=asked) as answer:
        assert "Access-Control-Allow-Origin" not in answer.headers
