"""Delivery over HTTP, on a real nats-server: pages, streams, credentials, a program using them."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import nats
import nats.errors
import pytest

from services.delivery.app import http_app, open_delivery
from services.delivery.settings import Settings
from shared.bus import Bus
from shared.bus.bus import BusUnavailableError
from shared.clock import SystemClock
from shared.contracts import envelope, registry
from shared.contracts import messages as m
from shared.http.routes import serve
from shared.http.tokens import TokenSigner, make_key_pair
from shared.testing.streams import fresh_streams
from shared.testing.waiting import until
from tests.support.nats_server import TestNats

pytestmark = pytest.mark.integration

EXAMPLE = Path(__file__).parents[3] / "deploy" / "examples" / "consume_events.py"
TEAM, OTHER_TEAM, THREAD, OTHER_THREAD = uuid4(), uuid4(), uuid4(), uuid4()
Json = dict[str, Any]


@dataclass
class House:
    """A running delivery and what a test needs around it."""

    url: str
    admin: Bus
    signer: TokenSigner
    http: aiohttp.ClientSession

    def headers(self, audience: str = "events", **claims: Any) -> dict[str, str]:
        content = {"team_id": str(TEAM), "threads": None, **claims}
        return {"Authorization": f"Bearer {self.signer.sign(audience, content, 60)}"}

    async def page(self, query: str = "", **claims: Any) -> Json:
        async with self.http.get(
            f"{self.url}/api/v1/events?{query}", headers=self.headers(**claims)
        ) as answer:
            assert answer.status == 200, await answer.text()
            found: Json = await answer.json()
            return found

    async def refusal(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
        async with self.http.request(method, self.url + path, headers=headers) as answer:
            return answer.status, (await answer.json())["code"]

    async def happen(self, *messages: m.Message) -> list[UUID]:
        ids = [uuid4() for _ in messages]
        for message_id, message in zip(ids, messages, strict=True):
            contract = registry.BY_MESSAGE[type(message)]
            payload = envelope.pack(message, message_id=message_id, time=datetime.now(UTC))
            subject = contract.subject(message.team_id)
            await self._publish(subject, payload, str(message_id))
        return ids

    async def _publish(self, subject: str, payload: bytes, message_id: str) -> None:
        """Publish once, also while the server comes back from the dead."""
        for _ in range(5):
            with contextlib.suppress(BusUnavailableError):
                await self.admin.publish(subject, payload, message_id=message_id)
                return
            await self.admin.until_back()
        raise AssertionError("the server did not come back")


@pytest.fixture
async def keys(tmp_path: Path) -> TokenSigner:
    private, public = make_key_pair()
    (tmp_path / "public.pem").write_bytes(public)
    return TokenSigner(private, "test", SystemClock())


@pytest.fixture
async def start(
    nats_server: TestNats, keys: TokenSigner, tmp_path: Path
) -> AsyncIterator[Callable[..., Awaitable[House]]]:
    async with contextlib.AsyncExitStack() as stack:
        admin = await Bus.connect(
            nats_server.url, service="admin", credentials_file=nats_server.credentials("admin")
        )
        stack.push_async_callback(admin.close)
        await fresh_streams(admin)

        async def start(**changes: Any) -> House:
            settings = Settings(
                nats_url=nats_server.url,
                nats_credentials_file=nats_server.credentials("delivery"),
                token_public_key_file=tmp_path / "public.pem",
                team_signer_file=nats_server.server.credentials / "team-signer.key",
                **changes,
            )
            delivery = await stack.enter_async_context(open_delivery(settings))
            app = http_app(delivery, settings)
            url = await stack.enter_async_context(serve(app, "127.0.0.1", 0))
            http = await stack.enter_async_context(aiohttp.ClientSession())
            return House(url=url, admin=admin, signer=keys, http=http)

        yield start


@pytest.fixture
async def house(start: Callable[..., Awaitable[House]]) -> House:
    return await start(keepalive_s=1.0)


def _opened(team: UUID = TEAM, thread: UUID = THREAD) -> m.ThreadOpened:
    return m.ThreadOpened(team_id=team, thread_id=thread, title="Launch", member_id=uuid4())


def _ids(page: Json) -> list[UUID]:
    return [UUID(item["event"]["id"]) for item in page["items"]]


# --- pages ---------------------------------------------------------------------------------------


async def test_a_team_sees_its_events_in_order_and_nobody_else_s(house: House) -> None:
    first = await house.happen(
        _opened(), _opened(OTHER_TEAM), m.TeamFounded(team_id=TEAM, name="R")
    )
    page = await house.page()
    assert _ids(page) == [first[0], first[2]]
    assert page["items"][0]["event"]["type"] == "tidings.thread.opened.v1"
    assert page["next_after"] == page["items"][-1]["seq"] == 3


async def test_pages_follow_each_other_without_gap_or_repeat(house: House) -> None:
    happened = await house.happen(*(_opened() for _ in range(7)))
    found: list[UUID] = []
    after = 0
    while (page := await house.page(f"after={after}&limit=3"))["items"]:
        found += _ids(page)
        after = page["next_after"]
    assert found == happened


async def test_a_log_without_news_is_an_empty_page(house: House) -> None:
    await house.happen(_opened())
    assert await house.page("after=1") == {"items": [], "next_after": 1}


async def test_a_guest_sees_the_events_of_their_threads_only(house: House) -> None:
    happened = await house.happen(
        _opened(), _opened(thread=OTHER_THREAD), m.TeamFounded(team_id=TEAM, name="Red")
    )
    page = await house.page(threads=[str(OTHER_THREAD)])
    assert _ids(page) == [happened[1]]
    # The position passes what is hidden, and so tells nothing about it.
    assert page["next_after"] == 3
    assert (await house.page(threads=[]))["items"] == []


async def test_a_position_that_is_no_longer_kept_is_gone(house: House) -> None:
    await house.happen(*(_opened() for _ in range(5)))
    await house.admin.jetstream.purge_stream(registry.FACTS_STREAM, seq=4)
    assert len((await house.page("after=3"))["items"]) == 2
    for accept in ("application/json", "text/event-stream"):
        headers = {**house.headers(), "Accept": accept}
        refusal = await house.refusal("GET", "/api/v1/events?after=2", headers)
        assert refusal == (410, "events-expired")


async def test_a_position_that_has_not_been_reached_is_said_to_be_unknown(house: House) -> None:
    refusal = await house.refusal("GET", "/api/v1/events?after=99", house.headers())
    assert refusal == (410, "events-position-unknown")


async def test_who_has_seen_all_that_happened_begins_behind_it(house: House) -> None:
    assert (await house.page("after=newest"))["next_after"] == 0
    await house.happen(*(_opened() for _ in range(3)))
    page = await house.page("after=newest")
    assert (page["items"], page["next_after"]) == ([], 3)
    await house.happen(_opened())
    assert [item["seq"] for item in (await house.page("after=3"))["items"]] == [4]


# --- who may read --------------------------------------------------------------------------------


async def test_nobody_reads_without_the_right_token(house: House) -> None:
    foreign = TokenSigner(make_key_pair()[0], "test", SystemClock())
    claims = {"team_id": str(TEAM), "threads": None}
    for headers in (
        {},
        {"Authorization": "Basic abc"},
        {"Authorization": "Bearer abc"},
        {"Authorization": f"Bearer {foreign.sign('events', claims, 60)}"},
        house.headers("upload"),
        house.headers("event-credentials"),
        house.headers(team_id="no id"),
        house.headers(threads="all"),
        house.headers(threads=["no id"]),
    ):
        status, _ = await house.refusal("GET", "/api/v1/events", headers)
        assert status == 401
        status, _ = await house.refusal("POST", "/api/v1/event-credentials", house.headers())
        assert status == 401


async def test_a_token_that_does_not_say_which_threads_opens_nothing(house: House) -> None:
    token = house.signer.sign("events", {"team_id": str(TEAM)}, 60)
    headers = {"Authorization": f"Bearer {token}"}
    assert await house.refusal("GET", "/api/v1/events", headers) == (401, "claims-broken")


# --- streams -------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def _stream(
    house: House, query: str = "", last: str = "", **claims: Any
) -> AsyncIterator[AsyncIterator[str]]:
    headers = {**house.headers(**claims), "Accept": "text/event-stream"}
    if last:
        headers["Last-Event-ID"] = last
    async with house.http.get(f"{house.url}/api/v1/events?{query}", headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "text/event-stream"
        yield _lines(answer)


async def _lines(answer: aiohttp.ClientResponse) -> AsyncIterator[str]:
    async for line in answer.content:
        if line.strip():
            yield line.decode().strip()


async def _next_event(lines: AsyncIterator[str]) -> tuple[str, Json]:
    seq = ""
    async for line in lines:
        if line.startswith("id:"):
            seq = line[3:].strip()
        if line.startswith("data:"):
            return seq, json.loads(line[5:])
    raise AssertionError("the stream ended")


async def test_a_stream_brings_the_past_and_then_what_happens(house: House) -> None:
    past = await house.happen(_opened())
    async with _stream(house) as lines:
        assert (await _next_event(lines))[1]["id"] == str(past[0])
        now = await house.happen(_opened(OTHER_TEAM), _opened())
        seq, event = await asyncio.wait_for(_next_event(lines), 5)
        assert (seq, event["id"]) == ("3", str(now[1]))


async def test_a_stream_goes_on_behind_the_last_event_id(house: House) -> None:
    happened = await house.happen(*(_opened() for _ in range(3)))
    async with _stream(house, "after=0", last="2") as lines:
        assert (await _next_event(lines))[1]["id"] == str(happened[2])


@pytest.mark.parametrize("last", ["x", "-1", "²", "9" * 30])
async def test_a_last_event_id_that_is_no_number_is_refused(house: House, last: str) -> None:
    headers = {**house.headers(), "Accept": "text/event-stream", "Last-Event-ID": last}
    refusal = await house.refusal("GET", "/api/v1/events", headers)
    assert refusal == (422, "position-invalid")


async def test_a_guest_s_stream_hides_what_is_not_theirs(house: House) -> None:
    async with _stream(house, threads=[str(THREAD)]) as lines:
        happened = await house.happen(_opened(thread=OTHER_THREAD), _opened())
        assert (await _next_event(lines))[1]["id"] == str(happened[1])


async def test_a_silent_stream_says_that_it_is_alive(house: House) -> None:
    async with _stream(house) as lines:
        said = [await asyncio.wait_for(anext(lines), 5) for _ in range(2)]
    assert said == ["retry: 2000", ": still here"]


async def test_a_stream_ends_after_its_time_so_that_its_reader_is_checked_again(
    start: Callable[..., Awaitable[House]],
) -> None:
    house = await start(stream_s=0.3)
    async with _stream(house) as lines:
        assert [line async for line in lines] == ["retry: 2000"]


async def test_a_stream_outlives_a_killed_server(house: House, nats_server: TestNats) -> None:
    await house.happen(_opened())
    async with _stream(house) as lines:
        await _next_event(lines)
        nats_server.kill()
        nats_server.start()
        now = await house.happen(_opened(), _opened())
        found = [(await asyncio.wait_for(_next_event(lines), 15))[1]["id"] for _ in now]
    assert found == [str(one) for one in now]


async def test_a_stream_outlives_a_reader_that_the_server_forgot(house: House) -> None:
    """Who read nothing for a minute, a laptop asleep, heard no more until the stream was over."""
    await house.happen(_opened())
    async with _stream(house) as lines:
        await _next_event(lines)
        for info in await house.admin.jetstream.consumers_info(registry.FACTS_STREAM):
            await house.admin.jetstream.delete_consumer(registry.FACTS_STREAM, info.name)
        (now,) = await house.happen(_opened())
        seq, event = await asyncio.wait_for(_next_event(lines), 10)
        assert (seq, event["id"]) == ("2", str(now))


async def test_readers_leave_no_consumers_behind(house: House) -> None:
    await house.happen(_opened())
    await house.page()
    async with _stream(house) as lines:
        await _next_event(lines)

    async def no_readers() -> bool:
        infos = await house.admin.jetstream.consumers_info(registry.FACTS_STREAM)
        return not [info for info in infos if info.name.startswith("read-")]

    await until(no_readers)


# --- integrators ---------------------------------------------------------------------------------


async def _let_in(house: House) -> Json:
    headers = house.headers("event-credentials")
    async with house.http.post(f"{house.url}/api/v1/event-credentials", headers=headers) as answer:
        assert answer.status == 201, await answer.text()
        assert answer.headers["Cache-Control"] == "no-store"
        found: Json = await answer.json()
        return found


async def test_the_example_prints_the_team_s_events_and_resumes_where_it_stopped(
    house: House, tmp_path: Path
) -> None:
    happened = await house.happen(_opened(), _opened(OTHER_TEAM), _opened())
    access = tmp_path / "access.json"
    access.write_text(json.dumps(await _let_in(house)), encoding="utf-8")
    async with _example(access) as printed:
        assert [await _printed(printed) for _ in range(2)] == [str(happened[0]), str(happened[2])]
    later = await house.happen(_opened(OTHER_TEAM), _opened())
    async with _example(access) as printed:
        assert await _printed(printed) == str(later[1])


async def test_the_example_outlives_a_killed_server(
    house: House, tmp_path: Path, nats_server: TestNats
) -> None:
    access = tmp_path / "access.json"
    access.write_text(json.dumps(await _let_in(house)), encoding="utf-8")
    async with _example(access) as printed:
        first = await house.happen(_opened())
        assert await _printed(printed) == str(first[0])
        nats_server.kill()
        nats_server.start()
        second = await house.happen(_opened())
        # The server may have died before it knew that the first was read: at least once, it says.
        later = await _printed(printed)
        while later == str(first[0]):
            later = await _printed(printed)
        assert later == str(second[0])


async def _change(house: House, method: str, credential_id: str, **claims: Any) -> int:
    headers = house.headers("event-credentials", credential_id=credential_id, **claims)
    url = f"{house.url}/api/v1/event-credentials/{credential_id}"
    async with house.http.request(method, url, headers=headers) as answer:
        return answer.status


async def _end(house: House, credential_id: str, **claims: Any) -> int:
    return await _change(house, "DELETE", credential_id, **claims)


async def test_a_credential_reads_on_where_it_was_and_on_a_bus_that_lost_its_reader(
    house: House, tmp_path: Path
) -> None:
    made = await _let_in(house)
    access = tmp_path / "access.json"
    access.write_text(json.dumps(made), encoding="utf-8")
    first = await house.happen(_opened())
    async with _example(access) as printed:
        assert await _printed(printed) == str(first[0])
    assert await _change(house, "PUT", made["credential_id"]) == 204
    second = await house.happen(_opened())
    async with _example(access) as printed:
        assert await _printed(printed) == str(second[0])
    await house.admin.jetstream.delete_consumer(registry.FACTS_STREAM, made["consumer"])
    assert await _change(house, "PUT", made["credential_id"]) == 204
    async with _example(access) as printed:
        assert await _printed(printed) == str(first[0])


async def test_an_ended_credential_reads_nothing_any_more_and_others_go_on(
    house: House, tmp_path: Path
) -> None:
    made, kept = await _let_in(house), await _let_in(house)
    creds = tmp_path / "ended.creds"
    creds.write_text(made["credentials"], encoding="utf-8")
    prefix = made["inbox_prefix"].encode()
    client = await nats.connect(
        made["nats_url"], user_credentials=str(creds), inbox_prefix=prefix, max_reconnect_attempts=0
    )
    try:
        reader = await client.jetstream().pull_subscribe_bind(made["consumer"], made["stream"])
        await house.happen(_opened())
        assert len(await reader.fetch(1, timeout=5)) == 1

        assert await _end(house, made["credential_id"], team_id=str(OTHER_TEAM)) == 404
        assert await _end(house, made["credential_id"]) == 204

        await house.happen(_opened())
        with pytest.raises(nats.errors.Error):
            await reader.fetch(1, timeout=1)
    finally:
        await client.close()
    assert await _end(house, made["credential_id"]) == 204
    infos = await house.admin.jetstream.consumers_info(registry.FACTS_STREAM)
    names = {info.name for info in infos}
    assert (made["consumer"] in names, kept["consumer"] in names) == (False, True)


@contextlib.asynccontextmanager
async def _example(access: Path) -> AsyncIterator[asyncio.StreamReader]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLE), str(access), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 15) == 0


async def _printed(lines: asyncio.StreamReader) -> str:
    return str(json.loads(await asyncio.wait_for(lines.readline(), 20))["id"])
