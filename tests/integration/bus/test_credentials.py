"""What each credential may do, asked of the real server: everything else must be refused."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import nats
import nats.errors
import pytest
from nats.aio.client import Client
from nats.js import errors as js_errors
from nats.js.api import ConsumerConfig

from shared.bus import Bus
from shared.bus.bus import BusRefusedError
from shared.bus.credentials import service_credentials, team_credentials, team_durable
from shared.bus.keys import KeyUnreadableError, TeamSigner, make_operator, write_secret
from shared.bus.provision import provision
from shared.clock import SystemClock
from shared.contracts import registry
from shared.contracts.registry import DEAD_STREAM, FACTS_STREAM, WISHES_STREAM
from shared.testing.waiting import until
from tests.support.nats_server import TestNats

pytestmark = pytest.mark.integration

TEAM, OTHER_TEAM = uuid4(), uuid4()
CREDENTIAL, OTHER_CREDENTIAL = uuid4(), uuid4()
Attempt = Callable[["Guest"], Awaitable[object]]


class Guest:
    """A plain client, and what the server had against it."""

    def __init__(self) -> None:
        self.client = Client()
        self.refusals: list[str] = []

    async def connect(self, url: str, credentials: Path, inbox_prefix: str) -> None:
        await self.client.connect(
            url,
            user_credentials=str(credentials),
            inbox_prefix=inbox_prefix,
            error_cb=self._on_error,
            allow_reconnect=False,
        )

    async def refuses(self, attempt: Awaitable[object]) -> bool:
        """Return whether the server named a permission it lacks."""
        before = len(self.refusals)
        with contextlib.suppress(nats.errors.Error, js_errors.Error, TimeoutError):
            await attempt
            # The server may say so after it has answered the ping of a flush.
            await until(lambda: len(self.refusals) > before, timeout_s=1)
        return len(self.refusals) > before

    async def _on_error(self, error: Exception) -> None:
        if "permissions violation" in str(error).lower():
            self.refusals.append(str(error))


@pytest.fixture
async def admin(nats_server: TestNats) -> AsyncIterator[Bus]:
    bus = await Bus.connect(
        nats_server.url,
        service="admin",
        credentials_file=nats_server.credentials("admin"),
    )
    await provision(bus)
    for credential, team in ((CREDENTIAL, TEAM), (OTHER_CREDENTIAL, OTHER_TEAM)):
        await bus.jetstream.add_consumer(
            FACTS_STREAM,
            ConsumerConfig(
                durable_name=team_durable(credential), filter_subject=f"tidings.fact.{team}.>"
            ),
        )
    yield bus
    await bus.close()


@pytest.fixture
async def service(
    admin: Bus, nats_server: TestNats
) -> AsyncIterator[Callable[[str], Awaitable[Guest]]]:
    assert admin.is_healthy
    guests: list[Guest] = []

    async def connect(name: str) -> Guest:
        guest = Guest()
        credentials = nats_server.credentials(name)
        await guest.connect(nats_server.url, credentials, f"_INBOX_{name}")
        guests.append(guest)
        return guest

    yield connect
    for guest in guests:
        await guest.client.close()


@pytest.fixture
async def integrator(admin: Bus, nats_server: TestNats, tmp_path: Path) -> AsyncIterator[Guest]:
    assert admin.is_healthy
    path = tmp_path / "team.creds"
    write_secret(path, _team_credentials(nats_server))
    guest = Guest()
    await guest.connect(nats_server.url, path, f"_INBOX_{team_durable(CREDENTIAL)}")
    yield guest
    await guest.client.close()


def _team_credentials(nats_server: TestNats, ttl_s: float = 60) -> str:
    signer = TeamSigner.read(nats_server.server.credentials / "team-signer.key")
    return team_credentials(signer, team_id=TEAM, credential_id=CREDENTIAL, ttl_s=ttl_s)


def _request(subject: str, payload: bytes = b"") -> Attempt:
    return lambda guest: guest.client.request(subject, payload, timeout=0.3)


def _subscribe(subject: str) -> Attempt:
    return lambda guest: guest.client.subscribe(subject)


def _api(call: str) -> Attempt:
    return _request(f"$JS.API.{call}", b"{}")


async def test_an_integrator_reads_and_acknowledges_its_own_team_only(
    admin: Bus, integrator: Guest
) -> None:
    for team in (TEAM, OTHER_TEAM):
        await admin.publish(f"tidings.fact.{team}.team.founded.v1", b"{}", message_id=str(uuid4()))
    durable = team_durable(CREDENTIAL)
    reader = await integrator.client.jetstream().pull_subscribe_bind(durable, FACTS_STREAM)
    found = await reader.fetch(10, timeout=1)
    assert {message.subject for message in found} == {f"tidings.fact.{TEAM}.team.founded.v1"}
    for message in found:
        await message.ack_sync(timeout=2)
    info = await integrator.client.jetstream().consumer_info(FACTS_STREAM, durable)
    assert (info.num_ack_pending, info.num_pending) == (0, 0)
    assert integrator.refusals == []


@pytest.mark.parametrize(
    "attempt",
    [
        _api(f"CONSUMER.MSG.NEXT.{FACTS_STREAM}.{team_durable(OTHER_CREDENTIAL)}"),
        _api(f"CONSUMER.INFO.{FACTS_STREAM}.{team_durable(OTHER_CREDENTIAL)}"),
        _api(f"CONSUMER.MSG.NEXT.{FACTS_STREAM}.workspace-keep-summaries"),
        _api(f"CONSUMER.CREATE.{FACTS_STREAM}"),
        _api(f"CONSUMER.CREATE.{FACTS_STREAM}.mine"),
        _api(f"CONSUMER.CREATE.{FACTS_STREAM}.mine.tidings.fact.{TEAM}.>"),
        _api(f"CONSUMER.CREATE.{FACTS_STREAM}.{team_durable(CREDENTIAL)}.tidings.fact.*.>"),
        _api(f"CONSUMER.DURABLE.CREATE.{FACTS_STREAM}.{team_durable(CREDENTIAL)}"),
        _api(f"CONSUMER.DELETE.{FACTS_STREAM}.{team_durable(CREDENTIAL)}"),
        _api(f"CONSUMER.NAMES.{FACTS_STREAM}"),
        _api(f"CONSUMER.LIST.{FACTS_STREAM}"),
        _api(f"STREAM.INFO.{FACTS_STREAM}"),
        _api("STREAM.NAMES"),
        _api("STREAM.LIST"),
        _api("STREAM.CREATE.MINE"),
        _api(f"STREAM.PURGE.{FACTS_STREAM}"),
        _api(f"STREAM.DELETE.{FACTS_STREAM}"),
        _api(f"STREAM.MSG.GET.{FACTS_STREAM}"),
        _api(f"STREAM.MSG.DELETE.{FACTS_STREAM}"),
        _api(f"DIRECT.GET.{FACTS_STREAM}"),
        _api("INFO"),
        _request(f"tidings.fact.{TEAM}.team.founded.v1"),
        _request("tidings.wish.transcription.request.v1"),
        _request("tidings.dead.summary-forget"),
        _request("tidings.replay.facts.summary-forget"),
        _request(f"$JS.ACK.{FACTS_STREAM}.{team_durable(OTHER_CREDENTIAL)}.1.1.1.1.0", b"+TERM"),
        _request("$SYS.REQ.SERVER.PING"),
        _subscribe(f"tidings.fact.{TEAM}.>"),
        _subscribe(">"),
        _subscribe("_INBOX.>"),
        _subscribe("_INBOX_workspace.>"),
        _subscribe(f"_INBOX_{team_durable(OTHER_CREDENTIAL)}.>"),
        _subscribe("$JS.EVENT.>"),
    ],
)
async def test_an_integrator_is_refused_everything_else(
    integrator: Guest, attempt: Attempt
) -> None:
    assert await integrator.refuses(attempt(integrator))


async def test_an_expired_credential_is_shown_the_door(
    admin: Bus, nats_server: TestNats, tmp_path: Path
) -> None:
    assert admin.is_healthy
    path = tmp_path / "short.creds"
    write_secret(path, _team_credentials(nats_server, ttl_s=4))
    guest = Guest()
    await guest.connect(nats_server.url, path, f"_INBOX_{team_durable(CREDENTIAL)}")
    await until(lambda: guest.client.is_closed, timeout_s=30)
    with pytest.raises(BusRefusedError):
        await Bus.connect(nats_server.url, service="short", credentials_file=path)


async def test_the_signing_key_given_to_delivery_makes_nothing_but_readers(
    admin: Bus, nats_server: TestNats, tmp_path: Path
) -> None:
    assert admin.is_healthy
    signer = TeamSigner.read(nats_server.server.credentials / "team-signer.key")
    stolen = make_operator(tmp_path / "stolen")
    forged = type(stolen)(stolen.operator, stolen.system, signer.key, signer.key)
    path = tmp_path / "forged.creds"
    write_secret(path, service_credentials(forged, "admin"))
    with pytest.raises(BusRefusedError):
        await Bus.connect(nats_server.url, service="admin", credentials_file=path)


async def test_nobody_comes_in_without_a_credential(nats_server: TestNats) -> None:
    with pytest.raises(BusRefusedError):
        await Bus.connect(nats_server.url, service="workspace")


@pytest.mark.parametrize("name", registry.SERVICES)
async def test_a_service_may_not_touch_what_belongs_to_others(
    service: Callable[[str], Awaitable[Guest]], name: str
) -> None:
    guest = await service(name)
    foreign: list[Attempt] = [
        _request(contract.subject(TEAM))
        for contract in registry.CONTRACTS
        if contract.producer != name
    ]
    for consumer in registry.CONSUMERS:
        if consumer.service != name:
            call = f"{consumer.stream}.{consumer.durable}"
            foreign += [
                _api(f"CONSUMER.MSG.NEXT.{call}"),
                _api(f"CONSUMER.DELETE.{call}"),
                _api(f"CONSUMER.CREATE.{call}"),
                _request(consumer.dead_subject),
                _request(consumer.replay_subject),
            ]
    foreign += [
        _api(f"STREAM.{verb}.{stream}")
        for verb in ("PURGE", "DELETE", "UPDATE", "MSG.GET", "MSG.DELETE")
        for stream in (FACTS_STREAM, WISHES_STREAM, DEAD_STREAM)
    ]
    foreign += [_subscribe("tidings.>"), _subscribe(">"), _subscribe("_INBOX_admin.>")]
    refused = await asyncio.gather(*(_refused_one(guest, attempt) for attempt in foreign))
    assert len(guest.refusals) >= len(foreign)
    assert all(refused)


async def _refused_one(guest: Guest, attempt: Attempt) -> bool:
    """Return whether the attempt came to nothing."""
    try:
        result = await attempt(guest)
    except (nats.errors.Error, TimeoutError):
        return True
    return not hasattr(result, "data")


async def test_delivery_may_read_facts_through_a_consumer_of_its_own(
    service: Callable[[str], Awaitable[Guest]],
) -> None:
    guest = await service("delivery")
    jetstream = guest.client.jetstream()
    config = ConsumerConfig(name=f"read-{uuid4()}", filter_subject=f"tidings.fact.{TEAM}.>")
    info = await jetstream.add_consumer(FACTS_STREAM, config)
    assert info.name == config.name
    await jetstream.delete_consumer(FACTS_STREAM, info.name)
    assert guest.refusals == []


@pytest.mark.parametrize(
    "call",
    [
        f"CONSUMER.CREATE.{WISHES_STREAM}.mine.tidings.wish.>",
        f"CONSUMER.CREATE.{FACTS_STREAM}.mine",
        f"CONSUMER.CREATE.{FACTS_STREAM}.mine.tidings.replay.facts.>",
        f"CONSUMER.CREATE.{FACTS_STREAM}.workspace-keep-summaries.tidings.fact.*.>",
        f"CONSUMER.DELETE.{FACTS_STREAM}.workspace-keep-summaries",
        f"CONSUMER.MSG.NEXT.{FACTS_STREAM}.workspace-keep-summaries",
    ],
)
async def test_delivery_makes_consumers_of_facts_only_and_leaves_those_of_others_alone(
    service: Callable[[str], Awaitable[Guest]], call: str
) -> None:
    guest = await service("delivery")
    assert await guest.refuses(_api(call)(guest))


def test_seeds_are_kept_and_only_their_owner_may_read_them(tmp_path: Path) -> None:
    keys = make_operator(tmp_path / "keys")
    assert make_operator(tmp_path / "keys") == keys
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()}
    assert modes == {0o600}


@pytest.mark.parametrize("text", ["", "A", "A B", "A SAAA", "ö"])
def test_a_file_that_is_no_signing_key_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "team-signer.key"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(KeyUnreadableError):
        TeamSigner.read(path)


def test_only_services_of_the_registry_get_credentials(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a service"):
        service_credentials(make_operator(tmp_path), "stranger")


def test_a_credential_carries_its_end(tmp_path: Path) -> None:
    keys = make_operator(tmp_path)
    made = team_credentials(
        keys.team_signer, team_id=TEAM, credential_id=UUID(int=1), ttl_s=60, clock=SystemClock()
    )
    claims = _claims(made)
    assert claims["exp"] - claims["iat"] == 60


def _claims(credentials: str) -> dict[str, Any]:
    body = credentials.splitlines()[1].split(".")[1]
    loaded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return loaded
