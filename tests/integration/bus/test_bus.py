"""The bus suite on a real nats-server, signed in as each service, and a real PostgreSQL."""

from collections.abc import AsyncIterator

import pytest
from typing_extensions import override

from shared.bus import Bus
from shared.testing.suites.bus import BusHouse, BusSuite, hasten
from tests.support.nats_server import TestNats
from tests.support.postgres import DatabaseFor, TestPostgres

pytestmark = pytest.mark.integration


class TestBusOnNats(BusSuite):
    @override
    @pytest.fixture
    async def house(
        self,
        nats_server: TestNats,
        database_for: DatabaseFor,
        postgres_server: TestPostgres,
        monkeypatch: pytest.MonkeyPatch,
    ) -> AsyncIterator[BusHouse]:
        hasten(monkeypatch)
        buses: list[Bus] = []

        async def connect(service: str) -> Bus:
            credentials = nats_server.credentials(service)
            bus = await Bus.connect(nats_server.url, service=service, credentials_file=credentials)
            buses.append(bus)
            return bus

        house = BusHouse(
            admin=await connect("admin"),
            connect=connect,
            database_for=database_for,
            kill_bus=nats_server.kill,
            start_bus=nats_server.start,
            kill_database=postgres_server.kill,
            start_database=postgres_server.start,
        )
        await house.empty_streams()
        yield house
        await house.stop()
        for bus in buses:
            await bus.close()
