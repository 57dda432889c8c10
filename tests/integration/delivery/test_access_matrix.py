"""Every route of delivery asked with every wrong permission: no event, no credential."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest

from services.delivery.app import http_app, open_delivery
from services.delivery.http import ROUTES
from services.delivery.settings import Settings
from shared.bus import Bus
from shared.bus.provision import provision
from shared.clock import SystemClock
from shared.contracts import envelope, registry
from shared.contracts.messages import ThreadOpened
from shared.http.app import with_heads
from shared.http.routes import Access, Route, serve
from shared.http.tokens import TokenSigner, make_key_pair
from tests.support.nats_server import TestNats

pytestmark = pytest.mark.integration

HIDDEN = "Salaries"
SIGNED = tuple(with_heads(ROUTES))
AUDIENCE = {
    ("GET", "/api/v1/events"): "events",
    ("POST", "/api/v1/event-credentials"): "event-credentials",
    ("PUT", "/api/v1/event-credentials/{credential_id}"): "event-credentials",
    ("DELETE", "/api/v1/event-credentials/{credential_id}"): "event-credentials",
}


class House:
    """A running delivery whose log holds one event of one team."""

    def __init__(self, url: str, bus: Bus, folder: Path, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.bus = bus
        self.http = http
        self.team_id, self.thread_id, self.credential_id = uuid4(), uuid4(), uuid4()
        self.signer = TokenSigner((folder / "private.pem").read_bytes(), "test", SystemClock())

    async def happen(self) -> None:
        fact = ThreadOpened(
            team_id=self.team_id, thread_id=self.thread_id, title=HIDDEN, member_id=uuid4()
        )
        message_id, now = uuid4(), datetime.now(UTC)
        payload = envelope.pack(fact, message_id=message_id, time=now)
        subject = registry.BY_MESSAGE[ThreadOpened].subject(self.team_id)
        await self.bus.publish(subject, payload, message_id=str(message_id))

    def token(self, route: Route, *, ttl_s: int = 60, **changes: Any) -> str:
        """Return the token that opens a route, changed."""
        audience = changes.pop("audience", AUDIENCE[route.method, route.path])
        claims = {"team_id": str(self.team_id), "threads": None, "member_id": str(uuid4())}
        if "{credential_id}" in route.path:
            claims["credential_id"] = str(self.credential_id)
        signer = changes.pop("signer", self.signer)
        token: str = signer.sign(audience, {**claims, **changes}, ttl_s)
        return token

    async def ask(self, route: Route, token: str | None, **headers: str) -> tuple[int, str]:
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        path = route.path.format(credential_id=self.credential_id)
        request = self.http.request(route.method, self.url + path, headers=headers)
        async with request as answer:
            return answer.status, await answer.text()

    async def consumers(self) -> int:
        info = await self.bus.jetstream.stream_info(registry.FACTS_STREAM)
        return info.state.consumer_count or 0


@pytest.fixture
async def house(nats_server: TestNats, tmp_path: Path) -> AsyncIterator[House]:
    private, public = make_key_pair()
    (tmp_path / "private.pem").write_bytes(private)
    (tmp_path / "public.pem").write_bytes(public)
    credentials = nats_server.credentials("delivery")
    settings = Settings(
        nats_url=nats_server.url,
        nats_credentials_file=credentials,
        token_public_key_file=tmp_path / "public.pem",
        team_signer_file=credentials.with_name("team-signer.key"),
        stream_s=0.5,
    )
    bus = await Bus.connect(
        nats_server.url, service="admin", credentials_file=nats_server.credentials("admin")
    )
    try:
        await provision(bus)
        async with (
            open_delivery(settings) as delivery,
            serve(http_app(delivery, settings), "127.0.0.1", 0) as url,
            aiohttp.ClientSession() as http,
        ):
            running = House(url, bus, tmp_path, http)
            await running.happen()
            yield running
    finally:
        await bus.close()


def stranger() -> TokenSigner:
    return TokenSigner(make_key_pair()[0], "test", SystemClock())


UNKNOWN: dict[str, Callable[[House, Route], str | None]] = {
    "no token": lambda *_: None,
    "garbage": lambda *_: "x.y.z",
    "expired": lambda house, route: house.token(route, ttl_s=-60),
    "an upload token": lambda house, route: house.token(route, audience="upload"),
    "a media token": lambda house, route: house.token(route, audience="media"),
    "the other route's token": lambda house, route: house.token(
        route, audience=next(each for each in AUDIENCE.values() if each != audience_of(route))
    ),
    "another signer": lambda house, route: house.token(route, signer=stranger()),
    "no team named": lambda house, route: house.token(route, team_id="none"),
}


def audience_of(route: Route) -> str:
    return AUDIENCE[route.method, route.path]


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


def test_every_route_is_signed_and_asked() -> None:
    assert {(route.method, route.path) for route in SIGNED} == set(AUDIENCE)
    assert {route.access for route in SIGNED} == {Access.SIGNED}


@pytest.mark.parametrize("route", SIGNED, ids=named)
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_nobody_unknown_gets_through(house: House, route: Route, accept: str) -> None:
    before = await house.consumers()
    for who, token_of in UNKNOWN.items():
        status, body = await house.ask(route, token_of(house, route), Accept=accept)
        assert (who, status) == (who, 401)
        assert HIDDEN not in body
        assert "BEGIN NATS" not in body
    assert await house.consumers() == before


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_a_permission_for_other_things_shows_none_of_these(house: House, accept: str) -> None:
    events = next(route for route in SIGNED if audience_of(route) == "events")
    elsewhere: tuple[dict[str, Any], ...] = (
        {"team_id": str(uuid4())},
        {"team_id": str(uuid4()), "threads": [str(house.thread_id)]},
        {"threads": []},
        {"threads": [str(uuid4())]},
    )
    for changes in elsewhere:
        status, body = await house.ask(events, house.token(events, **changes), Accept=accept)
        assert (status, HIDDEN in body) == (200, False), changes


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_the_right_permission_shows_them(house: House, accept: str) -> None:
    events = next(route for route in SIGNED if audience_of(route) == "events")
    for threads in (None, [str(house.thread_id)]):
        status, body = await house.ask(events, house.token(events, threads=threads), Accept=accept)
        assert (status, HIDDEN in body) == (200, True)


async def test_credentials_are_for_the_named_team(house: House) -> None:
    route = next(route for route in SIGNED if route.operation_id == "createEventCredentials")
    other = UUID(int=7)
    status, body = await house.ask(route, house.token(route, team_id=str(other)))
    assert (status, f"tidings.fact.{other}.>" in body) == (201, True)
    assert str(house.team_id) not in body


@pytest.mark.parametrize("operation", ["putEventCredential", "deleteEventCredential"])
async def test_a_permission_to_make_a_credential_changes_none_and_the_other_way_round(
    house: House, operation: str
) -> None:
    make = next(route for route in SIGNED if route.operation_id == "createEventCredentials")
    change = next(route for route in SIGNED if route.operation_id == operation)
    before = await house.consumers()
    for route, token in (
        (change, house.token(make)),
        (change, house.token(change, credential_id=str(uuid4()))),
        (change, house.token(change, credential_id="none")),
        (make, house.token(change)),
    ):
        status, body = await house.ask(route, token)
        assert (status, "BEGIN NATS" in body) == (401, False)
    assert await house.consumers() == before
