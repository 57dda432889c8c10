"""Wires delivery and stops it cleanly."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from services.delivery.http import DELIVERY, ROUTES, VERIFIER
from services.delivery.settings import Settings
from services.delivery.usecases import Delivery
from shared.bus import Bus
from shared.bus.bus import BusUnavailableError
from shared.bus.keys import TeamSigner
from shared.clock import SystemClock
from shared.errors import UnavailableError
from shared.http.routes import Health, build_app, serve
from shared.http.tokens import TokenVerifier

SERVICE = "delivery"
DAY_S = 24 * 3600.0


async def main(settings: Settings) -> None:
    """Run until cancelled."""
    async with (
        open_delivery(settings) as delivery,
        serve(http_app(delivery, settings), settings.http_host, settings.http_port),
    ):
        await asyncio.Event().wait()


@asynccontextmanager
async def open_delivery(settings: Settings) -> AsyncIterator[Delivery]:
    """Open what use cases need, and close it afterwards."""
    signer = TeamSigner.read(settings.team_signer_file)
    bus = await Bus.connect(
        settings.nats_url, service=SERVICE, credentials_file=settings.nats_credentials_file
    )
    try:
        yield Delivery(
            bus=bus,
            signer=signer,
            clock=SystemClock(),
            nats_public_url=settings.nats_public_url or settings.nats_url,
            credential_s=settings.credential_days * DAY_S,
            stream_s=settings.stream_s,
            keepalive_s=settings.keepalive_s,
        )
    finally:
        await bus.close()


def http_app(delivery: Delivery, settings: Settings) -> web.Application:
    """Return the application the workspace forwards to."""

    async def bus_is_there() -> None:
        if not delivery.bus.is_healthy:
            raise BusUnavailableError

    app = build_app(
        service=SERVICE,
        routes=ROUTES,
        health=Health(checks={"bus": bus_is_there}),
        settings=settings,
        clock=delivery.clock,
    )
    app[DELIVERY] = delivery
    app[VERIFIER] = TokenVerifier(_public_key(settings), delivery.clock)
    return app


def _public_key(settings: Settings) -> bytes:
    try:
        return settings.token_public_key_file.read_bytes()
    except OSError as exc:
        raise UnavailableError(f"The token key cannot be read: {exc.strerror}.") from exc
