"""Large events make short pages, and none is left out between them."""

import json
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from services.delivery.domain import Reader
from services.delivery.usecases import PAGE_BYTES, Delivery, read_page
from shared.bus import Bus
from shared.bus.keys import TeamSigner
from shared.bus.provision import provision
from shared.clock import SystemClock
from tests.support.nats_server import TestNats

pytestmark = pytest.mark.integration

EVENT_BYTES = 800_000


@pytest.fixture
async def delivery(nats_server: TestNats) -> AsyncIterator[Delivery]:
    credentials = nats_server.credentials("admin")
    bus = await Bus.connect(nats_server.url, service="admin", credentials_file=credentials)
    try:
        await provision(bus)
        yield Delivery(
            bus=bus,
            signer=TeamSigner.read(credentials.with_name("team-signer.key")),
            clock=SystemClock(),
            nats_public_url=nats_server.url,
            credential_s=60.0,
            stream_s=1.0,
            keepalive_s=1.0,
        )
    finally:
        await bus.close()


async def test_a_page_of_large_events_is_short_and_the_next_goes_on_behind_it(
    delivery: Delivery,
) -> None:
    team_id, count = uuid4(), PAGE_BYTES // EVENT_BYTES + 3
    sent: list[int] = []
    for number in range(count):
        payload = json.dumps({"n": number, "text": "x" * EVENT_BYTES}).encode()
        subject = f"tidings.fact.{team_id}.update.posted.v1"
        sent.append(await delivery.bus.publish(subject, payload, message_id=str(uuid4())))
    reader = Reader(team_id=team_id, threads=None)

    first = await read_page(delivery, reader, after=0, limit=1000)
    second = await read_page(delivery, reader, after=first.next_after, limit=1000)

    assert sum(event.size_bytes for event in first.events) < PAGE_BYTES + 2 * EVENT_BYTES
    assert [event.seq for event in (*first.events, *second.events)] == sent
    assert len(first.events) < count
