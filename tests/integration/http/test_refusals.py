import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.integration.http.house import SECRET, SETTINGS, House, running_house

pytestmark = pytest.mark.integration

WHOLE = {"Authorization": "Bearer whole"}
NARROW = {"Authorization": "Bearer narrow"}
THREAD = "/threads/0198a2f0-0000-7000-8000-000000000001"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with running_house() as running:
        yield running


async def test_an_unforeseen_error_tells_only_an_id(house: House) -> None:
    answer = await house.ask("GET", "/fail")
    assert answer.status == 500
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json["code"] == "internal"
    assert answer.json["instance"] == answer.headers["X-Request-Id"]
    assert SECRET not in answer.body.decode()


async def test_unavailability_says_when_to_come_back_and_not_why(house: House) -> None:
    answer = await house.ask("GET", "/unavailable")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "3")
    assert SECRET not in answer.body.decode()


async def test_named_fields_become_members_of_the_problem(house: House) -> None:
    answer = await house.ask("GET", "/missing")
    assert (answer.status, answer.json["offset"], answer.json["detail"]) == (
        404,
        3,
        "No such thing.",
    )


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("PUT", "/threads", 405, "method-not-allowed"),
        ("PROPFIND", "/threads", 405, "method-not-allowed"),
        ("GET", "/problems/nonsense", 404, "not-found"),
    ],
)
async def test_the_servers_own_refusals_are_problems_too(
    house: House, method: str, path: str, status: int, code: str
) -> None:
    answer = await house.ask(method, path)
    assert (answer.status, answer.json["code"]) == (status, code)
    if status == 405:
        assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed"),
        (b"", "application/json", 400, "malformed"),
        (b"\xff", "application/json", 400, "malformed"),
        (b"[]", "application/json", 422, "invalid"),
        (b'{"title": ""}', "application/json", 422, "invalid"),
        (b'{"title": "a"}', "text/plain", 415, "unsupported-media-type"),
        (json.dumps({"title": "x" * 5000}).encode(), "application/json", 413, "too-large"),
        (b'{"title": "a\\u0000"}', "application/json", 422, "invalid"),
        (b'{"title": "a\\ud800"}', "application/json", 400, "malformed"),
    ],
)
async def test_a_bad_body_is_refused_for_its_reason(
    house: House, body: bytes, content_type: str, status: int, code: str
) -> None:
    headers = {**WHOLE, "Content-Type": content_type}
    answer = await house.ask("POST", "/threads", data=body, headers=headers)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert house.handlers.opened == 0


async def test_wrong_fields_are_named_and_their_values_not_repeated(house: House) -> None:
    body = {"title": SECRET, "tags": ["a", 5]}
    answer = await house.ask("POST", "/threads", json=body, headers=WHOLE)
    assert answer.json["errors"] == [
        {"field": "title", "code": "string-too-long"},
        {"field": "tags.1", "code": "string-type"},
    ]
    assert SECRET not in answer.body.decode()


async def test_a_backslash_before_u0000_is_no_nul(house: House) -> None:
    body = b'{"title": "\\\\u0000"}'
    headers = {**WHOLE, "Content-Type": "application/json"}
    assert (await house.ask("POST", "/threads", data=body, headers=headers)).status == 201


async def test_query_parameters_are_validated(house: House) -> None:
    answer = await house.ask("GET", "/threads?limit=0&tag=a&tag=b")
    assert answer.json["errors"] == [{"field": "limit", "code": "greater-than-equal"}]
    answer = await house.ask("GET", "/threads?limit=5&tag=a&tag=b")
    assert answer.json == {"limit": 5, "tag": ["a", "b"], "word": None}


async def test_a_nul_in_the_query_is_refused(house: House) -> None:
    answer = await house.ask("GET", "/threads?word=%00")
    assert answer.json["errors"] == [{"field": "word", "code": "nul"}]


async def test_without_credentials_one_is_asked_to_sign_in(house: House) -> None:
    answer = await house.ask("GET", THREAD)
    assert (answer.status, answer.json["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_token_without_the_scope_is_refused(house: House) -> None:
    assert (await house.ask("GET", THREAD, headers=NARROW)).status == 200
    answer = await house.ask("DELETE", THREAD, headers=NARROW)
    assert (answer.status, answer.json["code"]) == (403, "scope-missing")
    assert (await house.ask("DELETE", THREAD, headers=WHOLE)).status == 200


@pytest.mark.parametrize(
    "foreign",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
    ],
)
async def test_another_sites_page_cannot_use_our_cookie(
    house: House, foreign: dict[str, str]
) -> None:
    cookie = {"Cookie": "tidings_session=mine"}
    answer = await house.ask("DELETE", THREAD, headers={**cookie, **foreign})
    assert (answer.status, answer.json["code"]) == (403, "cross-site")
    # Reading is harmless: the browser keeps the reply from the foreign page.
    assert (await house.ask("GET", THREAD, headers={**cookie, **foreign})).status == 200
    # A token in a header is not sent by browsers on their own.
    assert (await house.ask("DELETE", THREAD, headers={**WHOLE, **foreign})).status == 200


async def test_our_own_page_may_use_our_cookie(house: House) -> None:
    own = house.url
    for origin in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": own}, {}):
        headers = {"Cookie": "tidings_session=mine", **origin}
        assert (await house.ask("DELETE", THREAD, headers=headers)).status == 200


async def test_changing_needs_the_current_version(house: House) -> None:
    assert (await house.ask("PATCH", THREAD)).status == 428
    stale = await house.ask("PATCH", THREAD, headers={"If-Match": '"old"'})
    assert (stale.status, stale.json["code"]) == (412, "stale")


async def test_too_many_requests_are_refused_with_a_time_to_wait() -> None:
    settings = SETTINGS.model_copy(update={"sign_in_limit_per_minute": 2})
    async with running_house(settings=settings) as house:
        first = await house.ask("POST", "/sign-in")
        assert first.headers["RateLimit"].startswith('"sign-in";r=1')
        assert first.headers["RateLimit-Policy"] == '"sign-in";q=2;w=60'
        await house.ask("POST", "/sign-in")
        refused = await house.ask("POST", "/sign-in")
        assert (refused.status, refused.json["code"]) == (429, "rate-limited")
        assert 1 <= int(refused.headers["Retry-After"]) <= 30
        # Another class has its own bucket, and health is never limited.
        assert (await house.ask("GET", "/threads")).status == 200


async def test_a_reply_that_breaks_off_is_noticed_by_the_client(house: House) -> None:
    with pytest.raises(aiohttp.ClientError):
        await house.ask("GET", "/break-off")
    assert (await house.ask("GET", "/healthz")).status == 200


async def test_rubbish_instead_of_http_hurts_nobody(house: House) -> None:
    host, port = house.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
    assert b"400" in await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert (await house.ask("GET", "/healthz")).status == 200
