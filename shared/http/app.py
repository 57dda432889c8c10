"""Puts an application together from its route table."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from aiohttp import web
from aiohttp.typedefs import Middleware

from shared.clock import Clock, SystemClock
from shared.http import openapi, pages
from shared.http.cors import Cors, add_cors_headers, cors_middleware
from shared.http.gate import LIMIT_HEADERS, Gate
from shared.http.health import (
    METRICS_TYPE,
    Health,
    Liveness,
    Readiness,
    get_liveness,
    get_metrics,
    readiness_handler,
)
from shared.http.idempotency import IdempotencyStore
from shared.http.limits import Rate, RateLimits
from shared.http.observe import STARTED, observer
from shared.http.table import (
    REQUEST_ID,
    STOPPING,
    Access,
    Authenticator,
    RateClass,
    Route,
    each_reply,
)
from shared.settings import CommonSettings

DEFAULT_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self)",
    "Cache-Control": "no-store",
}


def build_app(
    *,
    service: str,
    routes: Sequence[Route],
    authenticate: Authenticator | None = None,
    health: Health,
    settings: CommonSettings,
    max_body_bytes: int = 1 << 20,
    middlewares: Sequence[Middleware] = (),
    cors: Cors | None = None,
    idempotency: IdempotencyStore | None = None,
    clock: Clock | None = None,
) -> web.Application:
    """Return the application with everything every service answers: health, metrics, documents.

    Fails with ``ValueError`` when a route needs an authenticator or a store that is not given.
    """
    clock = clock or SystemClock()
    gate = Gate(authenticate=authenticate, limits=_limits(settings, clock), idempotency=idempotency)
    table = (*routes, *common_routes(service, routes, health))
    outer = (observer(clock), *((cors_middleware(cors),) if cors else ()), *middlewares)
    app = web.Application(middlewares=outer, client_max_size=max_body_bytes)
    for route in with_heads(table):
        app.router.add_route(route.method, route.path, gate.guard(route))
    app.on_response_prepare.append(_header_signal(cors))
    app[STOPPING] = asyncio.Event()
    app.on_shutdown.append(_announce_stop)
    return app


def common_routes(service: str, routes: Sequence[Route], health: Health) -> tuple[Route, ...]:
    """Return the routes every service has; their document describes ``routes`` too."""
    described = list(routes)
    common = partial(
        Route,
        method="GET",
        tag="service",
        access=Access.PUBLIC,
        rate=RateClass.UNLIMITED,
    )
    own = (
        common(
            path="/healthz",
            handler=get_liveness,
            summary="Is the process alive",
            operation_id="getLiveness",
            responses={200: Liveness},
        ),
        common(
            path="/readyz",
            handler=readiness_handler(health),
            summary="Can the service do its work",
            operation_id="getReadiness",
            responses={200: Readiness, 503: Readiness},
        ),
        common(
            path="/metrics",
            handler=get_metrics,
            summary="Metrics in the Prometheus text format",
            operation_id="getMetrics",
            responses={200: METRICS_TYPE},
        ),
        common(
            path="/problems/{code}",
            handler=pages.get_problem,
            summary="What an error code means",
            operation_id="getProblem",
            responses={200: (pages.ProblemKind, "text/html")},
        ),
        common(
            path="/openapi.json",
            handler=openapi.document_handler(service, described),
            summary="This document",
            operation_id="getOpenApi",
            responses={200: "application/json"},
        ),
    )
    described.extend(own)
    return own


def with_heads(routes: Sequence[Route]) -> Iterator[Route]:
    """Add HEAD to every GET that has none of its own; an endless stream has no head to give."""
    declared = {(route.method, route.path) for route in routes}
    for route in routes:
        yield route
        streams = any("text/event-stream" in each_reply(r) for r in route.responses.values())
        if route.method == "GET" and ("HEAD", route.path) not in declared and not streams:
            yield replace(route, method="HEAD")


async def _announce_stop(app: web.Application) -> None:
    app[STOPPING].set()


def _limits(settings: CommonSettings, clock: Clock) -> RateLimits:
    rates = {
        RateClass.ORDINARY: Rate(quota=settings.rate_limit_per_minute),
        RateClass.SIGN_IN: Rate(quota=settings.sign_in_limit_per_minute),
    }
    return RateLimits(rates, clock, settings.trusted_proxies)


def _header_signal(
    cors: Cors | None,
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        request[STARTED] = response
        for name, value in {**DEFAULT_HEADERS, **request.get(LIMIT_HEADERS, {})}.items():
            response.headers.setdefault(name, value)
        response.headers["Server"] = "tidings"
        # Media on another port of the same machine is "same-site"; elsewhere CORS opens the door.
        policy = "same-site" if cors is None else "cross-origin"
        response.headers.setdefault("Cross-Origin-Resource-Policy", policy)
        if REQUEST_ID in request:
            response.headers["X-Request-Id"] = request[REQUEST_ID]
        if cors is not None:
            add_cors_headers(cors, request, response)

    return add_headers
