"""POST: opening an upload, with and without bytes, with its length known or not."""

import base64
import hashlib
from pathlib import Path

import pytest

from tests.support.upload_house import Claims, Keys, UploadHouse

pytestmark = pytest.mark.integration


async def test_creation_answers_with_a_location_the_client_can_use(house: UploadHouse) -> None:
    client = house.client()

    created = await client.create(10)

    assert created.status == 201
    assert created.headers["Location"] == f"files/{client.recording_id}"
    assert created.headers["Tus-Resumable"] == "1.0.0"
    assert "Upload-Expires" in created.headers
    assert (await client.head()).offset == 0


async def test_creation_tells_others_that_a_recording_started(house: UploadHouse) -> None:
    claims = Claims(language="de")

    await house.client(claims).create(10)

    [(kind, data)] = await house.said()
    assert kind == "recording.started.v1"
    assert data["update_id"] == str(claims.update_id)
    assert data["language"] == "de"
    assert data["is_live"] is False


async def test_creation_without_a_length_is_live(house: UploadHouse) -> None:
    client = house.client()

    assert (await client.create()).status == 201

    [(_, data)] = await house.said()
    assert data["is_live"] is True
    head = await client.head()
    assert head.headers["Upload-Defer-Length"] == "1"
    assert "Upload-Length" not in head.headers


async def test_creation_twice_with_one_token_gives_the_same_upload(house: UploadHouse) -> None:
    client = house.client()
    first = await client.create(10)
    await client.patch(0, b"12345")

    second = await client.create(10)

    assert second.status == 201
    assert second.headers["Location"] == first.headers["Location"]
    assert second.offset == 5
    assert len(await house.said()) == 2


async def test_creation_again_with_another_length_is_refused(house: UploadHouse) -> None:
    client = house.client()
    await client.create(10)

    again = await client.create(11)

    assert (again.status, again.code) == (409, "upload-differs")


async def test_creation_again_after_completion_repeats_the_lost_reply(house: UploadHouse) -> None:
    client = house.client()
    await client.create(3, b"abc", Upload_Metadata="filename YQ==")

    again = await client.create(3, b"abc", Upload_Metadata="filename YQ==")

    assert (again.status, again.offset) == (201, 3)
    assert await house.stored(client.recording_id) == b"abc"


async def test_a_second_recording_with_a_used_token_is_refused(house: UploadHouse) -> None:
    client = house.client()
    await client.create(3, b"abc", Upload_Metadata="filename YQ==")

    other = await client.create(3, b"xyz", Upload_Metadata="filename Yg==")

    assert (other.status, other.code) == (409, "upload-already-complete")


async def test_creation_with_bytes_stores_them(house: UploadHouse) -> None:
    client = house.client()

    created = await client.create(6, b"abc")

    assert (created.status, created.offset) == (201, 3)
    assert await house.stored(client.recording_id) == b"abc"


async def test_creation_with_all_bytes_completes_the_recording(house: UploadHouse) -> None:
    client = house.client()

    created = await client.create(6, b"abcdef")

    assert (created.status, created.offset) == (201, 6)
    assert "Upload-Expires" not in created.headers
    kinds = [kind for kind, _ in await house.said()]
    assert kinds == [
        "recording.started.v1",
        "recording.grew.v1",
        "recording.completed.v1",
        "rendition.request.v1",
    ]


async def test_creation_of_nothing_is_complete_at_once(house: UploadHouse) -> None:
    client = house.client()

    created = await client.create(0)

    assert (created.status, created.offset) == (201, 0)
    kinds = [kind for kind, _ in await house.said()]
    assert kinds == ["recording.started.v1", "recording.completed.v1", "rendition.request.v1"]


async def test_creation_with_bytes_checks_their_checksum(house: UploadHouse) -> None:
    client = house.client()
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()

    created = await client.create(6, b"abcdef", Upload_Checksum=f"sha256 {wrong}")

    assert (created.status, created.code) == (460, "checksum-mismatch")
    assert (await client.head()).offset == 0


async def test_creation_larger_than_the_token_allows_is_refused(house: UploadHouse) -> None:
    client = house.client(Claims(max_bytes=10))

    created = await client.create(11)

    assert (created.status, created.code) == (413, "upload-too-large")
    assert (await client.head()).status == 404


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Upload-Length": "-1"}, "header-malformed"),
        ({"Upload-Length": "ten"}, "header-malformed"),
        ({"Upload-Length": "99999999999999999999"}, "header-malformed"),
        ({"Upload-Length": None}, "header-malformed"),
        ({"Upload-Defer-Length": "1"}, "header-malformed"),
        ({"Upload-Length": None, "Upload-Defer-Length": "2"}, "header-malformed"),
        ({"Upload-Metadata": "name ***"}, "header-malformed"),
        ({"Upload-Metadata": "name YQ==,name YQ=="}, "header-malformed"),
        ({"Upload-Checksum": "crc32 AAAA"}, None),
    ],
)
async def test_malformed_headers_open_nothing(
    house: UploadHouse, headers: dict[str, str | None], code: str | None
) -> None:
    client = house.client()

    answer = await client.ask("POST", f"{house.url}/files", {"Upload-Length": "10", **headers})

    if code is None:
        # Without bytes there is nothing a checksum could be about.
        assert answer.status == 201
    else:
        assert (answer.status, answer.code) == (400, code)
        assert (await client.head()).status == 404


async def test_bytes_of_an_unknown_type_open_nothing(house: UploadHouse) -> None:
    client = house.client()

    answer = await client.create(3, b"abc", Content_Type="text/plain")

    assert (answer.status, answer.code) == (415, "unsupported-media-type")
    assert (await client.head()).status == 404


async def test_another_protocol_version_is_refused_with_the_right_one(house: UploadHouse) -> None:
    answer = await house.client().create(3, Tus_Resumable="0.2.2")

    assert (answer.status, answer.code) == (412, "tus-version-unsupported")
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Resumable"] == "1.0.0"


async def test_without_a_token_nothing_is_opened(house: UploadHouse) -> None:
    client = house.client()

    answer = await client.ask(
        "POST", f"{house.url}/files", {"Authorization": None, "Upload-Length": "1"}
    )

    assert (answer.status, answer.code) == (401, "token-missing")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_token_that_nobody_signed_is_refused(house: UploadHouse) -> None:
    answer = await house.client().create(1, Authorization="Bearer made.up.token")

    assert (answer.status, answer.code) == (401, "token-invalid")


async def test_a_token_whose_time_is_over_is_refused(house: UploadHouse) -> None:
    answer = await house.client(ttl_s=-60).create(1)

    assert (answer.status, answer.code) == (401, "token-expired")


async def test_a_media_token_opens_no_upload(house: UploadHouse) -> None:
    client = house.client()
    token = house.keys.media_token(client.recording_id)

    answer = await client.create(1, Authorization=f"Bearer {token}")

    assert (answer.status, answer.code) == (401, "token-invalid")


async def test_a_token_that_lacks_claims_is_refused(house: UploadHouse) -> None:
    token = house.keys.signer.sign("upload", {"team_id": "x"}, 60)

    answer = await house.client().create(1, Authorization=f"Bearer {token}")

    assert (answer.status, answer.code) == (401, "token-invalid")


async def test_metadata_comes_back_as_it_was_sent(house: UploadHouse) -> None:
    client = house.client()
    metadata = "filename dXBkYXRlLndlYm0=,is_final"

    await client.create(3, Upload_Metadata=metadata)

    assert (await client.head()).headers["Upload-Metadata"] == metadata


async def test_a_method_may_be_overridden_by_header(house: UploadHouse) -> None:
    client = house.client()
    await client.create(3)

    patched = await client.ask(
        "POST",
        client.location,
        {
            "X-HTTP-Method-Override": "PATCH",
            "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream",
        },
        b"abc",
    )
    looked = await client.ask("POST", client.location, {"X-HTTP-Method-Override": "HEAD"})
    unknown = await client.ask("POST", client.location, {"X-HTTP-Method-Override": "GET"})

    assert (patched.status, patched.offset) == (204, 3)
    assert (looked.status, looked.offset) == (200, 3)
    assert (unknown.status, unknown.code) == (405, "method-not-allowed")


async def test_a_token_somebody_else_signed_is_refused(house: UploadHouse, tmp_path: Path) -> None:
    (tmp_path / "forger").mkdir()
    forged = Keys(tmp_path / "forger").upload_token(Claims())

    answer = await house.client().create(1, Authorization=f"Bearer {forged}")

    assert (answer.status, answer.code) == (401, "token-invalid")
