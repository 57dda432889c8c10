"""GET and HEAD of media: ranges, caching, signed addresses."""

from uuid import UUID, uuid4

import pytest

from services.upload.domain import part_key
from tests.support.upload_house import Answer, UploadClient, UploadHouse, noise

pytestmark = pytest.mark.integration

CONTENT = noise(200_000)


async def uploaded(house: UploadHouse, metadata: str = "") -> UploadClient:
    client = house.client()
    headers = {"Upload_Metadata": metadata} if metadata else {}
    await client.create(len(CONTENT), CONTENT, **headers)
    return client


async def with_rendition(house: UploadHouse, kind: str, media_type: str) -> UUID:
    client = await uploaded(house)
    stored = await house.parts.blobs.put(f"recordings/{client.recording_id}/renditions/r", CONTENT)
    await house.database.execute(
        "INSERT INTO rendition (recording_id, kind, key, media_type, size_bytes, sha256)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        client.recording_id,
        kind,
        stored.key,
        media_type,
        stored.size_bytes,
        stored.sha256,
    )
    return client.recording_id


async def fetch(
    house: UploadHouse,
    recording_id: UUID,
    kind: str = "original",
    *,
    token: str | None = None,
    method: str = "GET",
    query: str = "",
    **headers: str,
) -> Answer:
    token = house.keys.media_token(recording_id) if token is None else token
    address = f"{house.url}/media/{recording_id}/{kind}?token={token}{query}"
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    async with house.http.request(method, address, headers=more) as answer:
        return Answer(answer.status, answer.headers, await answer.read())


async def test_the_original_comes_back_from_its_parts(house: UploadHouse) -> None:
    client = await uploaded(house)

    answer = await fetch(house, client.recording_id)

    assert (answer.status, answer.body == CONTENT) == (200, True)
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["Cache-Control"] == "private, max-age=86400, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_original_is_saved_and_never_shown(house: UploadHouse) -> None:
    client = await uploaded(house, "filename ZsO8ci5odG1s,filetype dGV4dC9odG1s")

    answer = await fetch(house, client.recording_id)

    assert answer.headers["Content-Type"] == "application/octet-stream"
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("attachment;")
    assert disposition.endswith("filename*=UTF-8''f%C3%BCr.html")


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=65000-140000", 65_000, 140_001),
        ("bytes=199990-", 199_990, 200_000),
        ("bytes=199990-999999", 199_990, 200_000),
        ("bytes=-10", 199_990, 200_000),
        ("bytes=-999999", 0, 200_000),
    ],
)
async def test_a_range_is_given_across_parts(
    house: UploadHouse, asked: str, start: int, end: int
) -> None:
    client = await uploaded(house)

    answer = await fetch(house, client.recording_id, Range=asked)

    assert answer.status == 206
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(CONTENT)}"
    assert answer.body == CONTENT[start:end]


@pytest.mark.parametrize("asked", ["bytes=200000-", "bytes=-0", "bytes=300000-300001"])
async def test_a_range_outside_is_refused(house: UploadHouse, asked: str) -> None:
    client = await uploaded(house)

    answer = await fetch(house, client.recording_id, Range=asked)

    assert (answer.status, answer.code) == (416, "range-not-satisfiable")
    assert answer.headers["Content-Range"] == f"bytes */{len(CONTENT)}"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "lines=1-2", "bytes=5-1", "bytes=-", "bytes"])
async def test_a_range_we_do_not_speak_gives_everything(house: UploadHouse, asked: str) -> None:
    client = await uploaded(house)

    answer = await fetch(house, client.recording_id, Range=asked)

    assert (answer.status, len(answer.body)) == (200, len(CONTENT))


async def test_what_the_client_has_already_is_not_sent_again(house: UploadHouse) -> None:
    client = await uploaded(house)
    etag = (await fetch(house, client.recording_id, method="HEAD")).headers["ETag"]

    same = await fetch(house, client.recording_id, If_None_Match=etag)
    other = await fetch(house, client.recording_id, If_None_Match='"other"')

    assert (same.status, same.body, same.headers["ETag"]) == (304, b"", etag)
    assert other.status == 200


async def test_a_range_of_something_else_gives_everything(house: UploadHouse) -> None:
    client = await uploaded(house)
    etag = (await fetch(house, client.recording_id, method="HEAD")).headers["ETag"]

    same = await fetch(house, client.recording_id, Range="bytes=0-9", If_Range=etag)
    other = await fetch(house, client.recording_id, Range="bytes=0-9", If_Range='"other"')

    assert (same.status, other.status) == (206, 200)


async def test_head_of_media_has_no_body(house: UploadHouse) -> None:
    client = await uploaded(house)

    answer = await fetch(house, client.recording_id, method="HEAD")

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(CONTENT))


@pytest.mark.parametrize(
    ("kind", "media_type", "name"),
    [
        ("video", "video/mp4", "mp4"),
        ("audio", "audio/mp4", "m4a"),
        ("poster", "image/jpeg", "jpg"),
        ("peaks", "application/json", "json"),
    ],
)
async def test_renditions_are_shown_with_their_type_and_can_be_saved(
    house: UploadHouse, kind: str, media_type: str, name: str
) -> None:
    recording_id = await with_rendition(house, kind, media_type)

    shown = await fetch(house, recording_id, kind)
    saved = await fetch(house, recording_id, kind, query="&download=1")

    assert (shown.status, shown.headers["Content-Type"]) == (200, media_type)
    assert shown.headers["Content-Disposition"] == "inline"
    assert shown.body == CONTENT
    assert saved.headers["Content-Disposition"].startswith("attachment;")
    assert f'.{name}"' in saved.headers["Content-Disposition"]


async def test_media_that_is_not_there_yet_is_missing(house: UploadHouse) -> None:
    client = house.client()
    await client.create(10)
    await client.patch(0, b"0123")

    for kind in ("original", "video", "nonsense"):
        answer = await fetch(house, client.recording_id, kind)
        assert (answer.status, answer.code) == (404, "media-not-found")


async def test_a_token_opens_only_what_it_names(house: UploadHouse) -> None:
    recording_id = await with_rendition(house, "poster", "image/jpeg")
    poster_only = house.keys.media_token(recording_id, "poster")
    foreign = house.keys.media_token(uuid4())

    assert (await fetch(house, recording_id, "poster", token=poster_only)).status == 200
    assert (await fetch(house, recording_id, "original", token=poster_only)).status == 404
    assert (await fetch(house, recording_id, "poster", token=foreign)).status == 404


async def test_a_bad_token_tells_nothing(house: UploadHouse) -> None:
    recording_id = (await uploaded(house)).recording_id
    expired = house.keys.media_token(recording_id, ttl_s=-60)

    for target in (recording_id, uuid4()):
        for token, code in (
            ("", "token-missing"),
            ("x.y.z", "token-invalid"),
            (expired, "token-expired"),
        ):
            answer = await fetch(house, target, token=token)
            assert (answer.status, answer.code) == (401, code)


async def test_an_upload_token_plays_nothing(house: UploadHouse) -> None:
    client = await uploaded(house)
    token = client.headers["Authorization"].removeprefix("Bearer ")

    answer = await fetch(house, client.recording_id, token=token)

    assert (answer.status, answer.code) == (401, "token-invalid")


async def test_a_lost_blob_is_an_error_and_not_an_empty_answer(house: UploadHouse) -> None:
    client = await uploaded(house)
    keys = await house.blob_keys(client.recording_id)
    await house.parts.blobs.delete(keys)

    assert (await fetch(house, client.recording_id)).status == 404


def test_keys_of_one_part_differ_between_writers() -> None:
    recording_id = uuid4()

    assert part_key(recording_id, 1, uuid4()) != part_key(recording_id, 1, uuid4())
