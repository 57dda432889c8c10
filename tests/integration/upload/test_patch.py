"""PATCH: appending bytes, in order, whatever the connection does meanwhile."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator

import pytest

from tests.support.upload_house import Claims, OpenPatch, UploadClient, UploadHouse, noise, until

pytestmark = pytest.mark.integration

PART = 64 << 10


def checksum(algorithm: str, content: bytes) -> str:
    digest = hashlib.new(algorithm, content, usedforsecurity=False).digest()
    return f"{algorithm} {base64.b64encode(digest).decode()}"


async def chunked(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def offset_is(client: UploadClient, offset: int) -> None:
    async def reached() -> bool:
        return (await client.head()).offset == offset

    await until(reached)


async def test_bytes_are_appended_where_the_upload_stands(house: UploadHouse) -> None:
    client = house.client()
    await client.create(10)

    first = await client.patch(0, b"01234")
    second = await client.patch(5, b"56789")

    assert (first.status, first.offset) == (204, 5)
    assert "Upload-Expires" in first.headers
    assert (second.status, second.offset) == (204, 10)
    assert "Upload-Expires" not in second.headers
    assert await house.stored(client.recording_id) == b"0123456789"


async def test_parts_are_named_in_the_messages_with_their_digest(house: UploadHouse) -> None:
    client = house.client()
    content = noise(2 * PART + 100)
    await client.create(len(content))

    await client.patch(0, content)

    messages = await house.said()
    grown = [data for kind, data in messages if kind == "recording.grew.v1"]
    offset = 0
    for number, data in enumerate(grown):
        piece = content[offset : offset + data["size_bytes"]]
        assert (data["part_number"], data["offset"]) == (number, offset)
        assert data["size_bytes"] <= PART
        assert data["sha256"] == hashlib.sha256(piece).hexdigest()
        assert b"".join([p async for p in house.parts.blobs.read(data["key"])]) == piece
        offset += data["size_bytes"]
    assert offset == len(content)
    kind, completed = messages[-2]
    assert kind == "recording.completed.v1"
    assert (completed["part_count"], completed["size_bytes"]) == (len(grown), len(content))


async def test_second_patch_at_old_offset_is_refused(house: UploadHouse) -> None:
    client = house.client()
    await client.create(10)
    await client.patch(0, b"01234")

    again = await client.patch(0, b"01234")
    ahead = await client.patch(7, b"789")

    assert (again.status, again.code, again.problem["offset_bytes"]) == (409, "offset-mismatch", 5)
    assert (ahead.status, ahead.code) == (409, "offset-mismatch")
    assert (await client.head()).offset == 5


async def test_empty_patch_changes_nothing(house: UploadHouse) -> None:
    client = house.client()
    await client.create(10)

    answer = await client.patch(0)

    assert (answer.status, answer.offset) == (204, 0)


async def test_patch_of_a_complete_upload_is_refused_unless_it_is_empty(house: UploadHouse) -> None:
    client = house.client()
    await client.create(3, b"abc")

    more = await client.patch(3, b"d")
    nothing = await client.patch(3)

    assert (more.status, more.code) == (413, "upload-too-large")
    assert (nothing.status, nothing.offset) == (204, 3)


async def test_patch_beyond_the_declared_length_is_refused_whole(house: UploadHouse) -> None:
    client = house.client()
    await client.create(10)

    known = await client.patch(0, b"x" * 11)
    shown_late = await client.patch(0, chunked(b"x" * 6, b"x" * 5))

    assert (known.status, known.code) == (413, "upload-too-large")
    assert (shown_late.status, shown_late.code) == (413, "upload-too-large")
    assert (await client.head()).offset in (0, 6)


async def test_live_upload_beyond_what_the_token_allows_is_refused(house: UploadHouse) -> None:
    client = house.client(Claims(max_bytes=10))
    await client.create()
    await client.patch(0, b"x" * 8)

    answer = await client.patch(8, b"x" * 3)
    ended = await client.patch(8, Upload_Length="8")

    assert (answer.status, answer.code) == (413, "upload-too-large")
    assert (ended.status, ended.offset) == (204, 8)


async def test_length_may_be_declared_with_the_last_bytes(house: UploadHouse) -> None:
    client = house.client()
    await client.create()
    await client.patch(0, b"abc")

    last = await client.patch(3, b"def", Upload_Length="6")

    assert (last.status, last.offset) == (204, 6)
    assert [kind for kind, _ in await house.said()][-2] == "recording.completed.v1"


async def test_length_may_be_declared_after_the_last_bytes(house: UploadHouse) -> None:
    client = house.client()
    await client.create()
    await client.patch(0, b"abc")

    last = await client.patch(3, Upload_Length="3")

    assert (last.status, last.offset) == (204, 3)
    assert (await client.head()).headers["Upload-Length"] == "3"
    assert [kind for kind, _ in await house.said()][-2] == "recording.completed.v1"


async def test_length_once_declared_stays(house: UploadHouse) -> None:
    client = house.client()
    await client.create()
    await client.patch(0, b"abc", Upload_Length="9")

    other = await client.patch(3, b"d", Upload_Length="8")
    same = await client.patch(3, b"d", Upload_Length="9")

    assert (other.status, other.code) == (409, "upload-length-fixed")
    assert (same.status, same.offset) == (204, 4)


async def test_length_below_what_arrived_is_refused(house: UploadHouse) -> None:
    client = house.client()
    await client.create()
    await client.patch(0, b"abcdef")

    answer = await client.patch(6, Upload_Length="5")

    assert (answer.status, answer.code) == (409, "upload-length-fixed")


async def test_length_above_what_the_token_allows_is_refused(house: UploadHouse) -> None:
    client = house.client(Claims(max_bytes=10))
    await client.create()

    answer = await client.patch(0, b"abc", Upload_Length="11")

    assert (answer.status, answer.code) == (413, "upload-too-large")


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
async def test_bytes_with_the_right_checksum_are_kept(house: UploadHouse, algorithm: str) -> None:
    client = house.client()
    content = noise(3 * PART + 7)
    await client.create(len(content))

    answer = await client.patch(0, content, Upload_Checksum=checksum(algorithm, content))

    assert (answer.status, answer.offset) == (204, len(content))
    assert await house.stored(client.recording_id) == content


async def test_bytes_with_a_wrong_checksum_leave_no_trace(house: UploadHouse) -> None:
    client = house.client()
    content = noise(3 * PART + 7)
    await client.create(len(content))

    answer = await client.patch(0, content, Upload_Checksum=checksum("sha1", b"other"))

    assert (answer.status, answer.code) == (460, "checksum-mismatch")
    assert (await client.head()).offset == 0
    assert await house.blob_keys(client.recording_id) == []
    assert [kind for kind, _ in await house.said()] == ["recording.started.v1"]


async def test_unconfirmed_bytes_are_seen_by_nobody(house: UploadHouse) -> None:
    client = house.client()
    content = noise(3 * PART)
    await client.create(len(content))
    patch = await OpenPatch.begin(client, 0, Upload_Checksum=checksum("sha256", content))
    await patch.send(content[: 2 * PART])

    async def parts_are_staged() -> bool:
        return len(await house.blob_keys(client.recording_id)) == 2

    await until(parts_are_staged)
    assert (await client.head()).offset == 0
    await patch.send(content[2 * PART :])
    assert await patch.finish() == 204
    await patch.close()
    assert (await client.head()).offset == len(content)


async def test_a_cut_patch_with_a_checksum_keeps_nothing(house: UploadHouse) -> None:
    client = house.client()
    content = noise(3 * PART)
    await client.create(len(content))
    patch = await OpenPatch.begin(client, 0, Upload_Checksum=checksum("sha256", content))
    await patch.send(content[: 2 * PART])

    async def some_parts() -> bool:
        return bool(await house.blob_keys(client.recording_id))

    async def no_parts() -> bool:
        return not await house.blob_keys(client.recording_id)

    await until(some_parts)
    patch.cut()

    await until(no_parts)
    assert (await client.head()).offset == 0


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("crc32 AAAA", "checksum-unsupported"),
        ("sha1", "header-malformed"),
        ("sha1 ????", "header-malformed"),
        ("md5 AAAA", "header-malformed"),
    ],
)
async def test_a_checksum_that_cannot_be_read_is_refused(
    house: UploadHouse, value: str, code: str
) -> None:
    client = house.client()
    await client.create(3)

    answer = await client.patch(0, b"abc", Upload_Checksum=value)

    assert (answer.status, answer.code) == (400, code)
    assert (await client.head()).offset == 0


@pytest.mark.parametrize("kind", [None, "application/octet-stream", "text/plain"])
async def test_another_content_type_is_refused(house: UploadHouse, kind: str | None) -> None:
    client = house.client()
    await client.create(3)

    answer = await client.patch(0, b"abc", Content_Type=kind)

    assert (answer.status, answer.code) == (415, "unsupported-media-type")


async def test_an_encoded_body_is_refused(house: UploadHouse) -> None:
    client = house.client()
    await client.create(3)
    patch = await OpenPatch.begin(client, 0, Content_Encoding="gzip")

    assert await patch.finish() == 415
    await patch.close()


@pytest.mark.parametrize("offset", [None, "-1", "x", ""])
async def test_a_missing_or_malformed_offset_is_refused(
    house: UploadHouse, offset: str | None
) -> None:
    client = house.client()
    await client.create(3)

    answer = await client.patch(0, b"abc", Upload_Offset=offset)

    assert (answer.status, answer.code) == (400, "header-malformed")


async def test_another_protocol_version_is_refused(house: UploadHouse) -> None:
    client = house.client()
    await client.create(3)

    answer = await client.patch(0, b"abc", Tus_Resumable=None)

    assert (answer.status, answer.headers["Tus-Version"]) == (412, "1.0.0")


async def test_an_upload_nobody_opened_is_missing(house: UploadHouse) -> None:
    answer = await house.client().patch(0, b"abc")

    assert (answer.status, answer.code) == (404, "upload-not-found")


async def test_a_token_for_another_upload_sees_nothing(house: UploadHouse) -> None:
    client, stranger = house.client(), house.client()
    await client.create(3)
    stranger.location = client.location

    assert (await stranger.patch(0, b"abc")).status == 404
    assert (await stranger.head()).status == 404
    assert (await stranger.delete()).status == 404


async def test_bytes_of_a_slow_sender_are_stored_before_the_request_ends(
    house: UploadHouse,
) -> None:
    client = house.client()
    await client.create()
    patch = await OpenPatch.begin(client, 0)

    await patch.send(b"hello ")
    await offset_is(client, 6)
    await patch.send(b"there")
    await offset_is(client, 11)

    assert await patch.finish() == 204
    await patch.close()
    assert await house.stored(client.recording_id) == b"hello there"


async def test_what_came_before_a_cut_is_kept(house: UploadHouse) -> None:
    client = house.client()
    content = noise(5 * PART)
    await client.create(len(content))
    patch = await OpenPatch.begin(client, 0, Content_Length=str(len(content)))
    await patch.send(content[: 2 * PART + 10])
    await offset_is(client, 2 * PART + 10)
    patch.cut()

    head = await client.head()
    rest = await client.patch(head.offset, content[head.offset :])

    assert (rest.status, rest.offset) == (204, len(content))
    assert await house.stored(client.recording_id) == content


async def test_a_body_that_ends_too_early_is_no_complete_request(house: UploadHouse) -> None:
    client = house.client()
    await client.create(100)
    patch = await OpenPatch.begin(client, 0, Content_Length="100")
    await patch.send(b"x" * 60)
    await offset_is(client, 60)

    await patch.close()

    assert (await client.head()).offset == 60
    assert [kind for kind, _ in await house.said()][-1] == "recording.grew.v1"


async def test_a_newer_request_takes_over_from_one_whose_sender_fell_silent(
    house: UploadHouse,
) -> None:
    client = house.client()
    await client.create(10)
    silent = await OpenPatch.begin(client, 0, Content_Length="10")
    await silent.send(b"01234")
    await offset_is(client, 5)

    newer = await client.patch(5, b"56789")

    assert (newer.status, newer.offset) == (204, 10)
    assert await silent.status() == 409
    await silent.close()
    assert await house.stored(client.recording_id) == b"0123456789"


async def test_a_request_that_was_taken_over_leaves_no_blobs(house: UploadHouse) -> None:
    client = house.client()
    await client.create(10)
    older = await OpenPatch.begin(client, 0, Content_Length="10")
    await older.send(b"0123")
    await offset_is(client, 4)

    await client.patch(4, b"456789")

    assert await older.status() == 409
    await older.close()
    assert len(await house.blob_keys(client.recording_id)) == 2


async def test_many_requests_at_once_store_the_bytes_once(house: UploadHouse) -> None:
    client = house.client()
    content = noise(3 * PART)
    await client.create(len(content))

    async def send_until_done() -> None:
        while (head := await client.head()).offset < len(content):
            end = head.offset + PART // 2
            await client.patch(head.offset, content[head.offset : end])

    await asyncio.gather(*(send_until_done() for _ in range(4)))

    assert await house.stored(client.recording_id) == content
    kinds = [kind for kind, _ in await house.said()]
    assert kinds.count("recording.completed.v1") == 1
    rows = await house.database.fetchval("SELECT count(*) FROM part")
    assert len(await house.blob_keys(client.recording_id)) == rows
