"""Streams and consumers become what the registry says; connecting waits or refuses."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.js.api import ConsumerConfig, RetentionPolicy, StreamConfig

from shared.bus import Bus
from shared.bus import bus as bus_module
from shared.bus.bus import ServerTooOldError
from shared.bus.provision import StreamMismatchError, provision
from shared.contracts import registry
from shared.contracts.registry import FACTS_STREAM, WISHES_STREAM
from shared.testing.streams import remove_streams
from shared.testing.waiting import until
from tests.support.nats_server import TestNats

pytestmark = pytest.mark.integration


def _admin_file(nats_server: TestNats) -> Path:
    return nats_server.credentials("admin")


@pytest.fixture
async def admin(nats_server: TestNats) -> AsyncIterator[Bus]:
    bus = await Bus.connect(
        nats_server.url, service="admin", credentials_file=_admin_file(nats_server)
    )
    await remove_streams(bus)
    yield bus
    # The server may be dead or its streams odd after a test that failed; others need it well.
    if not bus.is_healthy:
        nats_server.start()
        await asyncio.wait_for(bus.until_back(), 10)
    await remove_streams(bus)
    await bus.close()


async def test_everything_is_made_once(admin: Bus) -> None:
    made = await provision(admin)
    assert len(made) == 3 + len(registry.CONSUMERS)
    assert await provision(admin) == []


async def test_drift_is_repaired_and_what_the_registry_dropped_is_removed(admin: Bus) -> None:
    await provision(admin)
    jetstream = admin.jetstream
    config = (await jetstream.stream_info(FACTS_STREAM)).config
    await jetstream.update_stream(config.evolve(max_age=3600.0))
    changed = (await jetstream.consumer_info(FACTS_STREAM, "summary-forget")).config
    await jetstream.add_consumer(FACTS_STREAM, changed.evolve(ack_wait=5.0))
    await jetstream.delete_consumer(FACTS_STREAM, "upload-forget")
    for durable in ("summary-of-old", "team-1"):
        await jetstream.add_consumer(FACTS_STREAM, ConsumerConfig(durable_name=durable))
    assert sorted(await provision(admin)) == [
        "consumer summary-forget updated",
        "consumer summary-of-old removed",
        "consumer upload-forget created",
        f"stream {FACTS_STREAM} updated",
    ]
    repaired = await jetstream.consumer_info(FACTS_STREAM, "summary-forget")
    assert repaired.config.ack_wait == 30.0
    assert (await jetstream.consumer_info(FACTS_STREAM, "team-1")).name == "team-1"
    assert await provision(admin) == []


async def test_a_stream_that_keeps_messages_by_another_rule_is_left_alone(admin: Bus) -> None:
    await admin.jetstream.add_stream(
        StreamConfig(
            name=WISHES_STREAM, subjects=["tidings.wish.>"], retention=RetentionPolicy.LIMITS
        )
    )
    with pytest.raises(StreamMismatchError):
        await provision(admin)


async def test_a_server_that_is_too_old_is_refused(
    nats_server: TestNats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_module, "MINIMUM_SERVER", (99, 0))
    with pytest.raises(ServerTooOldError, match="or newer"):
        await Bus.connect(
            nats_server.url, service="admin", credentials_file=_admin_file(nats_server)
        )


async def test_connecting_waits_for_a_server_that_is_not_there_yet(nats_server: TestNats) -> None:
    nats_server.kill()
    connecting = asyncio.create_task(
        Bus.connect(nats_server.url, service="admin", credentials_file=_admin_file(nats_server))
    )
    await asyncio.sleep(0.3)
    assert not connecting.done()
    nats_server.start()
    bus = await asyncio.wait_for(connecting, 10)
    assert bus.is_healthy
    await bus.close()
    assert not bus.is_healthy


async def test_a_lost_server_is_noticed_and_its_return_too(
    admin: Bus, nats_server: TestNats
) -> None:
    back: list[bool] = []
    forget = admin.when_back(lambda: back.append(True))
    nats_server.kill()
    await until(lambda: not admin.is_healthy)
    nats_server.start()
    await asyncio.wait_for(admin.until_back(), 10)
    await until(lambda: back)
    assert admin.is_healthy
    forget()
