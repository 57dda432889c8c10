"""Calls to other HTTP servers: traced and limited in time.

``forward`` streams the replies of our own services; what any other server says is never handed on.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from types import SimpleNamespace

import aiohttp
from aiohttp import web

from shared import telemetry
from shared.errors import UnavailableError
from shared.http.table import REQUEST_ID, STOPPING

CONNECT_S = 5.0
#: Longest silence in a stream; our event streams say something every 15 s.
SILENCE_S = 60.0
#: How soon a forwarded stream ends after its reader has gone or the process is told to stop.
WATCH_S = 1.0
#: Request headers that mean something behind us; the caller's credentials are not among them.
PASSED_UP = (
    "Accept",
    "Accept-Language",
    "Content-Type",
    "If-None-Match",
    "Last-Event-ID",
    "Range",
)
#: Reply headers that describe the content.
PASSED_DOWN = (
    "Accept-Ranges",
    "Cache-Control",
    "Content-Disposition",
    "Content-Length",
    "Content-Range",
    "Content-Type",
    "ETag",
    "Last-Modified",
    "Retry-After",
    "X-Accel-Buffering",
)


@asynccontextmanager
async def open_session(timeout_s: float = 10.0) -> AsyncIterator[aiohttp.ClientSession]:
    """Give a session whose requests carry the current trace and take ``timeout_s`` at most.

    It opens as many connections as are needed: whoever limits must do so per caller, for streams
    stay open, and a call that waits for a connection waits for as long as somebody reads.
    """
    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(_add_traceparent)
    timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_S)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        timeout=timeout, trace_configs=[trace], connector=connector
    ) as session:
        yield session


async def _add_traceparent(
    _: aiohttp.ClientSession, __: SimpleNamespace, params: aiohttp.TraceRequestStartParams
) -> None:
    current = telemetry.traceparent()
    if current is not None:
        params.headers["traceparent"] = current


async def forward(
    request: web.Request,
    url: str,
    headers: Mapping[str, str],
    *,
    session: aiohttp.ClientSession,
) -> web.StreamResponse:
    """Answer with what ``url`` answers, byte by byte as it comes.

    Only headers about content travel; ``headers`` carry our own credentials. When either side goes
    away the other is let go within a second.
    """
    passed = {name: request.headers[name] for name in PASSED_UP if name in request.headers}
    timeout = aiohttp.ClientTimeout(sock_connect=CONNECT_S, sock_read=SILENCE_S)
    try:
        async with session.request(
            request.method,
            url,
            headers={**passed, "X-Request-Id": request[REQUEST_ID], **headers},
            data=request.content if request.can_read_body else None,
            timeout=timeout,
            allow_redirects=False,
            auto_decompress=False,
        ) as upstream:
            return await _relay(request, upstream)
    except (aiohttp.ClientError, TimeoutError) as exc:
        raise UnavailableError("Another service does not answer.") from exc


async def _relay(request: web.Request, upstream: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=upstream.status)
    for name in PASSED_DOWN:
        if name in upstream.headers:
            response.headers[name] = upstream.headers[name]
    await response.prepare(request)
    async with aclosing(_chunks_while_wanted(request, upstream)) as chunks:
        async for chunk in chunks:
            await response.write(chunk)
    await response.write_eof()
    return response


async def _chunks_while_wanted(
    request: web.Request, upstream: aiohttp.ClientResponse
) -> AsyncGenerator[bytes]:
    """Give chunks until the end, or until nobody reads any more."""
    reading: asyncio.Task[bytes] | None = None
    try:
        while True:
            reading = reading or asyncio.ensure_future(upstream.content.readany())
            done, _ = await asyncio.wait({reading}, timeout=WATCH_S)
            if not done:
                if not _is_wanted(request):
                    return
                continue
            chunk, reading = reading.result(), None
            if not chunk:
                return
            yield chunk
    finally:
        if reading is not None and not reading.cancel():
            # It failed in the same moment; unless somebody looks, asyncio complains later.
            reading.exception()


def _is_wanted(request: web.Request) -> bool:
    transport = request.transport
    return (
        transport is not None and not transport.is_closing() and not request.app[STOPPING].is_set()
    )
