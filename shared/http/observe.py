"""The outermost middleware: request id, trace, one access line, metrics, and errors as problems.

One of the two places that catch every exception (the other is the bus runner).
"""

import re
import secrets
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from opentelemetry.trace import SpanKind
from structlog.contextvars import bound_contextvars

from shared import log, telemetry
from shared.clock import Clock
from shared.errors import TidingsError
from shared.http.problems import FIRST_SERVER_STATUS, from_http, problem_reply
from shared.http.table import REQUEST_ID

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
#: nginx's word for a client that left before its answer; never sent.
CLIENT_GONE = 499
#: The reply whose headers are already out: after that no problem can be sent any more.
STARTED: web.RequestKey[web.StreamResponse] = web.RequestKey("started", web.StreamResponse)
QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})
UNMATCHED = "unmatched"
#: Anything else is counted as one, or a stranger could fill the metrics with invented methods.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(kw_only=True)
class _Outcome:
    """What the access line says about one request."""

    status: int = CLIENT_GONE
    code: str | None = None
    cause: str | None = None


def observer(clock: Clock) -> Middleware:
    """Return the middleware that sees every request from outside."""

    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        request_id = _request_id(request)
        request[REQUEST_ID] = request_id
        route = route_template(request)
        started_s = clock.monotonic_s()
        outcome = _Outcome()
        parent = request.headers.get("traceparent")
        with (
            bound_contextvars(request_id=request_id),
            telemetry.continued(parent, f"{request.method} {route}", SpanKind.SERVER),
        ):
            try:
                response = await _answer(request, handler, outcome)
                outcome.status = response.status
                return response
            finally:
                # Also when cancelled: who left still gets a line, and the cancel goes on.
                _record(request.method, route, outcome, clock.monotonic_s() - started_s)

    return observe


async def _answer(request: web.Request, handler: Handler, outcome: _Outcome) -> web.StreamResponse:
    request_id = request[REQUEST_ID]
    try:
        return await handler(request)
    except web.HTTPException as refusal:
        error = from_http(refusal)
        if error is None:
            raise
        reply = problem_reply(error, request_id)
        if "Allow" in refusal.headers:
            reply.headers["Allow"] = refusal.headers["Allow"]
    except TidingsError as caught:
        error = caught
        reply = problem_reply(error, request_id)
    except ConnectionError:
        # The client went away while we wrote to it or read from it. There is nobody to answer.
        return _cut(request)
    except Exception as bug:  # noqa: BLE001 (an unforeseen error must still get an answer and a log line)
        log.uncaught(bug)
        error = TidingsError()
        reply = problem_reply(error, request_id)
    outcome.code = error.code
    if error.status >= FIRST_SERVER_STATUS and error.__cause__ is not None:
        outcome.cause = log.describe(error.__cause__)
    return reply if STARTED not in request else _cut(request)


def _cut(request: web.Request) -> web.StreamResponse:
    """End a reply that cannot be finished so that the client notices: by closing the connection."""
    if request.transport is not None:
        request.transport.abort()
    return request.get(STARTED) or web.Response(status=CLIENT_GONE)


def _record(method: str, route: str, outcome: _Outcome, duration_s: float) -> None:
    status = str(outcome.status)
    method = method if method in METHODS else "other"
    telemetry.metrics.http_requests.labels(method=method, route=route, status=status).inc()
    telemetry.metrics.http_duration.labels(method=method, route=route).observe(duration_s)
    if route in QUIET_ROUTES:
        return
    extra = {
        name: value
        for name, value in (("code", outcome.code), ("cause", outcome.cause))
        if value is not None
    }
    log.get().info(
        "request",
        method=method,
        route=route,
        status=outcome.status,
        duration_ms=round(duration_s * 1000, 1),
        **extra,
    )


def _request_id(request: web.Request) -> str:
    given = request.headers.get("X-Request-Id", "")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def route_template(request: web.Request) -> str:
    """Return the path template that matched; never the path itself, which holds ids and names."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else UNMATCHED
