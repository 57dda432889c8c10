"""Puts the service together. The only file that names its adapters."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from services.summary.consumer import listen
from services.summary.settings import Settings
from services.summary.usecases import Summaries
from shared import log, telemetry
from shared.blobs import open_blobs
from shared.bus import Bus, Relay, Runner
from shared.bus.bus import BusUnavailableError
from shared.clock import SystemClock
from shared.db import Database
from shared.http.routes import Health, build_app, serve

SERVICE = "summary"


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A summary service, ready to run."""

    database: Database
    bus: Bus
    relay: Relay
    runner: Runner


async def main(settings: Settings) -> None:
    """Run until cancelled."""
    log.configure(SERVICE, settings)
    telemetry.configure(SERVICE, settings)
    try:
        async with (
            open_parts(settings) as parts,
            serve(http_app(parts, settings), settings.http_host, settings.http_port),
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(parts.relay.run())
            tasks.create_task(parts.runner.run())
    finally:
        telemetry.stop()


@asynccontextmanager
async def open_parts(settings: Settings) -> AsyncIterator[Parts]:
    """Open what the process needs, and close it in the opposite order."""
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        database = await Database.connect(settings.database_url, schema=SERVICE)
        stack.push_async_callback(database.close)
        bus = await Bus.connect(
            settings.nats_url, service=SERVICE, credentials_file=settings.nats_credentials_file
        )
        stack.push_async_callback(bus.close)
        relay = Relay(bus, database, clock)
        stack.push_async_callback(relay.flush)
        runner = Runner(bus, database, clock)
        blobs = open_blobs(settings.blob_url, settings.blob_access_key, settings.blob_secret)
        listen(runner, Summaries(database=database, blobs=blobs, clock=clock))
        yield Parts(database=database, bus=bus, relay=relay, runner=runner)


def http_app(parts: Parts, settings: Settings) -> web.Application:
    """Return the pages every process has: alive, ready, metrics."""

    async def bus_is_there() -> None:
        if not parts.bus.is_healthy:
            raise BusUnavailableError

    health = Health(
        checks={"database": lambda: parts.database.fetchval("SELECT 1"), "bus": bus_is_there}
    )
    return build_app(service=SERVICE, routes=(), health=health, settings=settings)
