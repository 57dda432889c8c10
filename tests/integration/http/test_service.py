import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from shared import log, telemetry
from shared.errors import UnavailableError
from shared.http.client import open_session
from shared.http.routes import Health, serve
from shared.testing.waiting import until
from tests.integration.http.house import SECRET, SETTINGS, House, running_house

pytestmark = pytest.mark.integration

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
WHOLE = {"Authorization": "Bearer whole"}


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with running_house(origins=("https://page.example",)) as running:
        yield running


async def fine() -> None:
    return None


async def broken() -> None:
    raise UnavailableError


async def hanging() -> None:
    await asyncio.sleep(60)


async def test_the_process_says_that_it_lives(house: House) -> None:
    assert (await house.ask("GET", "/healthz")).json == {"status": "ok"}


async def test_readiness_names_what_is_missing_within_its_time() -> None:
    checks = {"database": fine, "bus": broken, "blobs": hanging}
    async with running_house(health=Health(checks=checks, limit_s=0.1)) as house:
        answer = await house.ask("GET", "/readyz")
    assert answer.status == 503
    assert answer.json == {
        "status": "waiting",
        "checks": {"database": True, "bus": False, "blobs": False},
    }


async def test_a_service_with_all_it_needs_is_ready() -> None:
    async with running_house(health=Health(checks={"database": fine})) as house:
        assert (await house.ask("GET", "/readyz")).status == 200


async def test_requests_are_counted_by_route_and_not_by_address(house: House) -> None:
    await house.ask("GET", "/threads/0198a2f0-0000-7000-8000-000000000001", headers=WHOLE)
    await house.ask("PROPFIND", "/nowhere/secret-name")
    metrics = (await house.ask("GET", "/metrics")).body.decode()
    assert 'method="GET",route="/threads/{thread_id}",status="200"' in metrics
    assert 'method="other",route="unmatched",status="404"' in metrics
    assert "secret-name" not in metrics


async def test_the_clients_request_id_comes_back_if_it_is_one(house: House) -> None:
    given = {"X-Request-Id": "my-request-1"}
    assert (await house.ask("GET", "/healthz", headers=given)).headers["X-Request-Id"] == (
        "my-request-1"
    )
    odd = {"X-Request-Id": "a b"}
    assert (await house.ask("GET", "/healthz", headers=odd)).headers["X-Request-Id"] != "a b"


async def test_replies_forbid_what_a_page_of_ours_never_needs(house: House) -> None:
    headers = (await house.ask("GET", "/threads")).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert "aiohttp" not in headers["Server"]


async def test_head_answers_as_get_without_a_body(house: House) -> None:
    answer = await house.ask("HEAD", "/threads")
    assert (answer.status, answer.body) == (200, b"")


async def test_a_page_of_an_allowed_origin_may_upload(house: House) -> None:
    origin = {"Origin": "https://page.example"}
    preflight = await house.ask(
        "OPTIONS", "/threads", headers={**origin, "Access-Control-Request-Method": "PATCH"}
    )
    assert preflight.status == 204
    assert "PATCH" in preflight.headers["Access-Control-Allow-Methods"]
    assert "Upload-Offset" in preflight.headers["Access-Control-Allow-Headers"]
    answer = await house.ask("GET", "/threads", headers=origin)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://page.example"
    assert "Upload-Offset" in answer.headers["Access-Control-Expose-Headers"]


async def test_a_page_of_another_origin_may_not(house: House) -> None:
    origin = {"Origin": "https://evil.example"}
    preflight = await house.ask(
        "OPTIONS", "/threads", headers={**origin, "Access-Control-Request-Method": "PATCH"}
    )
    assert "Access-Control-Allow-Methods" not in preflight.headers
    answer = await house.ask("GET", "/threads", headers=origin)
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_an_error_code_is_explained_to_people_and_programs(house: House) -> None:
    assert (await house.ask("GET", "/problems/stale")).json["status"] == 412
    page = await house.ask("GET", "/problems/stale", headers={"Accept": "text/html"})
    assert page.headers["Content-Type"].startswith("text/html")
    assert b"<h1>stale</h1>" in page.body


# --- Idempotency-Key -----------------------------------------------------------------


async def open_thread(house: House, key: str, title: str) -> Any:
    headers = {**WHOLE, "Idempotency-Key": key}
    return await house.ask("POST", "/threads", json={"title": title}, headers=headers)


async def test_a_repeated_request_has_one_effect_and_the_same_reply(house: House) -> None:
    first = await open_thread(house, "k1", "Plans")
    second = await open_thread(house, "k1", "Plans")
    assert (first.status, second.status) == (201, 201)
    assert first.json == second.json
    assert second.headers["Location"] == first.headers["Location"]
    assert second.headers["Idempotency-Replayed"] == "true"
    assert house.handlers.opened == 1


async def test_a_key_cannot_be_used_for_something_else(house: House) -> None:
    await open_thread(house, "k1", "Plans")
    other = await open_thread(house, "k1", "Budget")
    assert (other.status, other.json["code"]) == (422, "idempotency-key-reused")
    assert house.handlers.opened == 1


async def test_the_same_request_at_once_has_one_effect(house: House) -> None:
    house.handlers.pause.clear()
    first = asyncio.ensure_future(open_thread(house, "k1", "Plans"))
    async with asyncio.timeout(5):
        await house.replies.claimed.wait()
    assert (await open_thread(house, "k1", "Plans")).status == 409
    house.handlers.pause.set()
    assert (await first).status == 201
    assert house.handlers.opened == 1


async def test_a_refused_request_may_be_tried_again_under_its_key(house: House) -> None:
    assert (await open_thread(house, "k1", "refused")).status == 422
    assert house.replies.kept == {}
    assert (await open_thread(house, "k1", "Plans")).status == 201


@pytest.mark.parametrize("key", ["", "a b", "x" * 129, "ü"])
async def test_an_odd_key_is_refused(house: House, key: str) -> None:
    assert (await open_thread(house, key, "Plans")).status == 400


# --- logs and traces -------------------------------------------------------------------


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    log.configure("sample", SETTINGS)
    yield stream
    log.be_discreet()


async def test_one_line_per_request_without_addresses_or_secrets(
    written: io.StringIO, house: House
) -> None:
    await house.ask("GET", "/threads?word=salaries", headers={"X-Request-Id": "my-request-1"})
    await house.ask("GET", "/fail?word=salaries")
    await house.ask("GET", "/unavailable")
    said = written.getvalue()
    lines = [json.loads(line) for line in said.splitlines()]
    ours = [line for line in lines if line["event"] == "request"]
    assert [(line["route"], line["status"]) for line in ours] == [
        ("/threads", 200),
        ("/fail", 500),
        ("/unavailable", 503),
    ]
    assert ours[0]["request_id"] == "my-request-1"
    assert ours[2]["cause"].startswith("FileNotFoundError")
    assert "salaries" not in said
    bugs = [line for line in lines if line["event"] == "uncaught error"]
    assert [bug["error"] for bug in bugs] == ["ValueError"]
    assert bugs[0]["request_id"] == ours[1]["request_id"]


async def test_a_trace_goes_through_to_the_service_behind() -> None:
    async with running_house() as behind, running_house(upstream=behind.url) as front:
        answer = await front.ask(
            "GET",
            "/proxy?to=/headers",
            headers={"traceparent": PARENT, "X-Request-Id": "my-request-1", **WHOLE},
        )
    seen = {name.lower(): value for name, value in answer.json.items()}
    assert seen["traceparent"].split("-")[1] == PARENT.split("-")[1]
    assert seen["traceparent"] != PARENT
    assert seen["x-request-id"] == "my-request-1"
    # The caller's own credentials stay in front.
    assert seen["authorization"] == "Bearer ours"
    assert telemetry.traceparent() is None


# --- streams -------------------------------------------------------------------------


async def test_a_forwarded_stream_arrives_as_it_is_written() -> None:
    async with running_house() as behind, running_house(upstream=behind.url) as front:
        async with front.session.get(f"{front.url}/proxy?to=/stream") as response:
            assert response.content_type == "text/event-stream"
            async with asyncio.timeout(2):
                assert await response.content.readline() == b"data: 1\n"
            response.close()
        async with asyncio.timeout(5):
            await behind.handlers.stream_ended.wait()


async def test_streams_that_stay_open_leave_room_for_other_calls() -> None:
    """The hundredth open page took the last connection; whatever came then waited for one to go."""
    arrived, over = 0, asyncio.Event()

    async def stay_open(_: web.Request) -> web.Response:
        nonlocal arrived
        arrived += 1
        await over.wait()
        return web.Response()

    behind = web.Application()
    behind.router.add_get("/", stay_open)
    async with serve(behind, "127.0.0.1", 0) as url, open_session() as session:
        calls = [asyncio.ensure_future(session.get(url)) for _ in range(120)]
        try:
            await until(lambda: arrived == len(calls), timeout_s=5)
        finally:
            over.set()
        for reply in await asyncio.gather(*calls):
            reply.release()


async def test_a_stream_behind_that_is_gone_is_a_problem() -> None:
    async with running_house(upstream="http://127.0.0.1:1") as front:
        answer = await front.ask("GET", "/proxy?to=/stream")
    assert (answer.status, answer.json["code"]) == (503, "unavailable")


async def test_stopping_does_not_wait_for_endless_streams() -> None:
    loop = asyncio.get_running_loop()
    async with running_house() as house:
        response = await house.session.get(f"{house.url}/stream")
        await response.content.readline()
        started_s = loop.time()
    assert loop.time() - started_s < 3
    response.close()


async def test_a_port_that_is_taken_is_said_in_a_sentence() -> None:
    app = aiohttp.web.Application()
    async with running_house() as house:
        port = int(house.url.rpartition(":")[2])
        with pytest.raises(UnavailableError, match=str(port)):
            async with serve(app, "127.0.0.1", port):
                pass


async def test_an_unforeseen_error_is_not_told_over_the_wire_either() -> None:
    async with running_house() as behind, running_house(upstream=behind.url) as front:
        answer = await front.ask("GET", "/proxy?to=/fail")
    assert answer.status == 500
    assert SECRET not in answer.body.decode()
