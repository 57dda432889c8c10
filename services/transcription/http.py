"""The service's own pages: alive, ready, and how much waits."""

import asyncio
from collections.abc import Callable

from aiohttp import web
from prometheus_client import Gauge

from services.transcription import store
from services.transcription.settings import Settings
from shared.bus import Bus
from shared.db import Database
from shared.errors import UnavailableError
from shared.http.app import build_app
from shared.http.health import Health
from shared.telemetry import REGISTRY

COUNT_EVERY_S = 5.0

FOLLOWED = Gauge(
    "tidings_transcription_followed",
    "Recordings this process listens to.",
    registry=REGISTRY,
)
UNFOLLOWED = Gauge(
    "tidings_transcription_unfollowed",
    "Recordings nobody listens to at the moment, unfinished ones that pause included.",
    registry=REGISTRY,
)
CHUNKS_WAITING = Gauge(
    "tidings_transcription_chunks_waiting",
    "Chunks not recognised yet: cut (held back), asked (waiting for their turn) or sent (queued).",
    ("state",),
    registry=REGISTRY,
)
DOUBTFUL_WAITING = Gauge(
    "tidings_transcription_doubtful_waiting",
    "Doubtful chunks the second model has not looked at yet.",
    registry=REGISTRY,
)
OLDEST_S = Gauge(
    "tidings_transcription_oldest_seconds",
    "Age of the oldest complete recording that has no transcript yet.",
    registry=REGISTRY,
)


def make_app(settings: Settings, *, database: Database, bus: Bus) -> web.Application:
    """Return the application; it is ready while database and bus answer."""

    async def check_bus() -> None:
        if not bus.is_healthy:
            raise UnavailableError

    return build_app(
        service="transcription",
        routes=(),
        health=Health(checks={"database": lambda: database.fetchval("SELECT 1"), "bus": check_bus}),
        settings=settings,
    )


async def count_backlog(database: Database, followed: Callable[[], int]) -> None:
    """Keep the gauges up to date until cancelled."""
    while True:
        FOLLOWED.set(followed())
        try:
            waiting = await store.backlog(database)
        except UnavailableError:
            waiting = None
        if waiting is not None:
            UNFOLLOWED.set(waiting["unfollowed"])
            CHUNKS_WAITING.labels("cut").set(waiting["cut"])
            CHUNKS_WAITING.labels("asked").set(waiting["asked"])
            CHUNKS_WAITING.labels("sent").set(waiting["sent"])
            DOUBTFUL_WAITING.set(waiting["doubtful"])
            OLDEST_S.set(waiting["oldest_s"] or 0)
        await asyncio.sleep(COUNT_EVERY_S)
