"""Wires the workspace and stops it cleanly."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from services.workspace import consumer
from services.workspace.accounts import usecases as accounts
from services.workspace.accounts.authentication import Authentication
from services.workspace.accounts.cookies import extend_session
from services.workspace.accounts.passwords import Passwords
from services.workspace.capabilities import Capabilities
from services.workspace.context import WORKSPACE, Workspace
from services.workspace.events import credentials
from services.workspace.projections.usecases import Keeper
from services.workspace.replies import Replies
from services.workspace.replies import sweep as sweep_replies
from services.workspace.routes import ROUTES
from services.workspace.sealing import Seal
from services.workspace.settings import Settings
from shared import log
from shared.blobs import open_blobs
from shared.bus import Bus, Relay, Runner
from shared.bus.bus import BusUnavailableError
from shared.clock import SystemClock
from shared.db import Database
from shared.errors import UnavailableError
from shared.http.client import open_session
from shared.http.routes import Health, build_app, serve
from shared.http.tokens import TokenSigner

SERVICE = "workspace"
DATABASE_CONNECTIONS = 16
SWEEP_EVERY_S = 3600.0
SWEEP_AGAIN_S = 30.0
_CALL_TIMEOUT_S = 15.0


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A running workspace and what moves its messages."""

    workspace: Workspace
    bus: Bus
    relay: Relay
    runner: Runner


async def main(settings: Settings) -> None:
    """Run until cancelled."""
    async with (
        open_parts(settings) as parts,
        serve(http_app(parts), settings.http_host, settings.http_port),
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(parts.relay.run())
        tasks.create_task(parts.runner.run())
        tasks.create_task(_sweep_often(parts.workspace))


@asynccontextmanager
async def open_parts(settings: Settings) -> AsyncIterator[Parts]:
    """Open what the process needs, and close it in the opposite order."""
    async with AsyncExitStack() as stack:
        workspace = await stack.enter_async_context(open_workspace(settings))
        bus = await Bus.connect(
            settings.nats_url, service=SERVICE, credentials_file=settings.nats_credentials_file
        )
        stack.push_async_callback(bus.close)
        relay = Relay(bus, workspace.database, workspace.clock)
        stack.push_async_callback(relay.flush)
        runner = Runner(bus, workspace.database, workspace.clock)
        keeper = Keeper(database=workspace.database, blobs=workspace.blobs)
        for durable, handlers in consumer.handlers(keeper).items():
            runner.on(durable, handlers)
        yield Parts(workspace=workspace, bus=bus, relay=relay, runner=runner)


@asynccontextmanager
async def open_workspace(settings: Settings) -> AsyncIterator[Workspace]:
    """Open what use cases need; messages wait in the outbox until somebody relays them."""
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        database = await Database.connect(
            settings.database_url, schema=SERVICE, max_size=DATABASE_CONNECTIONS
        )
        stack.push_async_callback(database.close)
        client = await stack.enter_async_context(open_session(_CALL_TIMEOUT_S))
        passwords = Passwords()
        stack.callback(passwords.close)
        private_key = _read_key(settings.token_private_key_file)
        yield Workspace(
            settings=settings,
            database=database,
            clock=clock,
            blobs=open_blobs(settings.blob_url, settings.blob_access_key, settings.blob_secret),
            capabilities=Capabilities(
                signer=TokenSigner(private_key, settings.public_url, clock),
                clock=clock,
                upload_public_url=settings.upload_public_url.rstrip("/"),
                upload_token_s=settings.upload_token_s,
                max_recording_bytes=settings.max_recording_bytes,
                max_recording_s=settings.max_recording_s,
            ),
            passwords=passwords,
            seal=Seal(private_key, "replies"),
            client=client,
        )


def http_app(parts: Parts) -> web.Application:
    """Return the application people and programs talk to."""
    workspace = parts.workspace
    app = build_app(
        service=SERVICE,
        routes=ROUTES,
        authenticate=Authentication(workspace.database, workspace.clock),
        health=_health(parts),
        settings=workspace.settings,
        idempotency=Replies(workspace.database, workspace.clock, workspace.seal),
        middlewares=(extend_session,),
        clock=workspace.clock,
    )
    app[WORKSPACE] = workspace
    return app


def _health(parts: Parts) -> Health:
    """Ready means: rows can be written and messages sent."""

    async def bus_is_there() -> None:
        if not parts.bus.is_healthy:
            raise BusUnavailableError

    return Health(
        checks={
            "database": lambda: parts.workspace.database.fetchval("SELECT 1"),
            "bus": bus_is_there,
        }
    )


async def _sweep_often(workspace: Workspace) -> None:
    while True:
        pause_s = SWEEP_EVERY_S
        try:
            await accounts.sweep(workspace)
            await sweep_replies(workspace.database, workspace.clock)
            await credentials.sweep(workspace)
        except UnavailableError as exc:
            log.get().warning("sweep.waiting", code=exc.code)
            pause_s = SWEEP_AGAIN_S
        await asyncio.sleep(pause_s)


def _read_key(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise UnavailableError(f"The token key cannot be read: {exc.strerror}.") from exc
