"""Is the process alive, can it do its work, how is it doing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web
from pydantic import BaseModel, Field

from shared import log, telemetry
from shared.http.replies import json_reply

Check = Callable[[], Awaitable[object]]
METRICS_TYPE = "text/plain"


class Liveness(BaseModel):
    """The process answers."""

    status: str = Field(description="Always ``ok``.")


class Readiness(BaseModel):
    """Whether work can be done now, and what stands in the way."""

    status: str = Field(description="``ready`` or ``waiting``.")
    checks: dict[str, bool] = Field(description="Each dependency by name: does it answer.")


@dataclass(frozen=True, kw_only=True)
class Health:
    """What this service needs. A check that raises, or takes too long, says it is missing."""

    checks: Mapping[str, Check] = field(default_factory=dict)
    limit_s: float = 2.0

    async def readiness(self) -> Readiness:
        """Run all checks side by side."""
        tasks = {name: asyncio.ensure_future(_call(check)) for name, check in self.checks.items()}
        try:
            if tasks:
                await asyncio.wait(tasks.values(), timeout=self.limit_s)
            states = {name: _succeeded(name, task) for name, task in tasks.items()}
        finally:
            for task in tasks.values():
                task.cancel()
        return Readiness(status="ready" if all(states.values()) else "waiting", checks=states)


async def _call(check: Check) -> None:
    await check()


def _succeeded(name: str, task: asyncio.Task[None]) -> bool:
    if not task.done():
        log.get().warning("dependency is slow", dependency=name)
        return False
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.get().warning("dependency is missing", dependency=name, reason=log.describe(error))
    return error is None and not task.cancelled()


async def get_liveness(_: web.Request) -> web.Response:
    """Answer, which is all there is to prove."""
    return json_reply(Liveness(status="ok"))


async def get_metrics(_: web.Request) -> web.Response:
    """Give all metrics in the Prometheus text format."""
    return web.Response(body=telemetry.exposition(), content_type=METRICS_TYPE, charset="utf-8")


def readiness_handler(health: Health) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler of ``/readyz``: 200 when everything answers, 503 otherwise."""

    async def get_readiness(_: web.Request) -> web.Response:
        readiness = await health.readiness()
        return json_reply(readiness, status=200 if readiness.status == "ready" else 503)

    return get_readiness
