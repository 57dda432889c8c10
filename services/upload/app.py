"""Wires one process of the upload service, in the role its settings name, and stops it cleanly."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from services.upload.consumer import register_forgetting, register_rendering
from services.upload.http import UploadHttp, add_tus_headers
from services.upload.receiving import Budget, Receivers, ReceiveRules
from services.upload.renditions import Renditions
from services.upload.serving import Gallery
from services.upload.settings import Role, Settings
from services.upload.sweeping import Sweeper, SweepRules
from services.upload.usecases import Uploads
from shared.blobs import Blobs, open_blobs
from shared.bus import Bus, Relay, Runner
from shared.bus.bus import BusUnavailableError
from shared.clock import Clock, SystemClock
from shared.db import Database
from shared.errors import UnavailableError
from shared.http.routes import Health, build_app, serve, tus_cors
from shared.http.tokens import TokenVerifier
from shared.media.workroom import Workroom

SERVICE = "upload"
DATABASE_CONNECTIONS = 16


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What both roles stand on."""

    settings: Settings
    clock: Clock
    database: Database
    bus: Bus
    blobs: Blobs
    relay: Relay
    runner: Runner

    def health(self) -> Health:
        """Ready means: rows, messages and bytes can be written."""
        return Health(
            checks={
                "database": lambda: self.database.fetchval("SELECT 1"),
                "bus": self._bus_is_there,
                "blobs": self._blobs_are_writable,
            }
        )

    async def _bus_is_there(self) -> None:
        if not self.bus.is_healthy:
            raise BusUnavailableError

    async def _blobs_are_writable(self) -> None:
        await self.blobs.put(f"health/{SERVICE}-{self.settings.role}", b"ok")


async def main(settings: Settings) -> None:
    """Run until cancelled."""
    async with ground(settings) as parts:
        app = http_app(parts) if settings.role is Role.HTTP else media_app(parts)
        async with (
            serve(app, settings.http_host, settings.http_port),
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(parts.relay.run())
            tasks.create_task(parts.runner.run())
            if settings.role is Role.HTTP:
                tasks.create_task(sweeper(parts).run())


@asynccontextmanager
async def ground(settings: Settings) -> AsyncIterator[Ground]:
    """Open what a process needs, and close it in the opposite order."""
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        database = await Database.connect(
            settings.database_url, schema=SERVICE, max_size=DATABASE_CONNECTIONS
        )
        stack.push_async_callback(database.close)
        bus = await Bus.connect(
            settings.nats_url, service=SERVICE, credentials_file=settings.nats_credentials_file
        )
        stack.push_async_callback(bus.close)
        relay = Relay(bus, database, clock)
        stack.push_async_callback(relay.flush)
        yield Ground(
            settings=settings,
            clock=clock,
            database=database,
            bus=bus,
            blobs=open_blobs(settings.blob_url, settings.blob_access_key, settings.blob_secret),
            relay=relay,
            runner=Runner(bus, database, clock),
        )


def http_app(parts: Ground) -> web.Application:
    """Return the application that takes uploads and serves media."""
    settings = parts.settings
    receivers = Receivers()
    uploads = Uploads(
        database=parts.database,
        blobs=parts.blobs,
        clock=parts.clock,
        receivers=receivers,
        rules=ReceiveRules(
            part_bytes=settings.part_bytes, flush_s=settings.flush_s, idle_s=settings.idle_s
        ),
        budget=Budget(settings.buffer_bytes),
        expire_after=settings.expire_after,
    )
    handlers = UploadHttp(
        uploads=uploads,
        gallery=Gallery(database=parts.database, blobs=parts.blobs),
        tokens=TokenVerifier(_public_key(settings.token_public_key_file), parts.clock),
        max_bytes=settings.max_bytes,
    )
    register_forgetting(parts.runner, sweeper(parts))
    app = build_app(
        service=SERVICE,
        routes=handlers.routes(),
        health=parts.health(),
        settings=settings,
        cors=tus_cors(settings.cors_origins),
        clock=parts.clock,
    )
    app.on_response_prepare.append(add_tus_headers)

    async def stop_receiving(_: web.Application) -> None:
        receivers.stop()

    app.on_shutdown.append(stop_receiving)
    return app


def media_app(parts: Ground) -> web.Application:
    """Return the application of a worker, which only says how it is doing beside its work."""
    workroom = Workroom(parts.settings.work_dir)
    renditions = Renditions(
        database=parts.database, blobs=parts.blobs, clock=parts.clock, workroom=workroom
    )
    register_rendering(parts.runner, renditions)

    async def clear_workroom(_: web.Application) -> None:
        await workroom.clear()

    app = build_app(service=SERVICE, routes=(), health=parts.health(), settings=parts.settings)
    app.on_startup.append(clear_workroom)
    return app


def sweeper(parts: Ground) -> Sweeper:
    """Return what clears away."""
    return Sweeper(
        database=parts.database,
        blobs=parts.blobs,
        clock=parts.clock,
        rules=SweepRules(every_s=parts.settings.sweep_every_s),
    )


def _public_key(path: Path | None) -> bytes:
    if path is None:
        raise AssertionError("settings refuse the http role without a key")
    try:
        return path.read_bytes()
    except OSError as exc:
        raise UnavailableError(f"The token key cannot be read: {exc.strerror}.") from exc
