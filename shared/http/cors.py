"""Cross-origin access for pages served from another address, e.g. uploads on their own port."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

PREFLIGHT_AGE_S = 7200


@dataclass(frozen=True, kw_only=True)
class Cors:
    """Which origins may call, and what their scripts may send and read."""

    #: ``*`` allows any; safe only where no cookie is ever read.
    allowed_origins: tuple[str, ...]
    methods: tuple[str, ...]
    request_headers: tuple[str, ...]
    response_headers: tuple[str, ...]

    def allows(self, origin: str) -> bool:
        """Say whether pages of this origin may call."""
        return "*" in self.allowed_origins or origin in self.allowed_origins


TUS_REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "Tus-Resumable",
    "Upload-Checksum",
    "Upload-Defer-Length",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
    "X-HTTP-Method-Override",
    "X-Request-Id",
    "traceparent",
)
TUS_RESPONSE_HEADERS = (
    "Accept-Ranges",
    "Content-Range",
    "ETag",
    "Location",
    "Retry-After",
    "Tus-Checksum-Algorithm",
    "Tus-Extension",
    "Tus-Max-Size",
    "Tus-Resumable",
    "Tus-Version",
    "Upload-Defer-Length",
    "Upload-Expires",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
    "X-Request-Id",
)


def tus_cors(allowed_origins: Iterable[str]) -> Cors:
    """Return what a tus client in a browser needs."""
    return Cors(
        allowed_origins=tuple(allowed_origins),
        methods=("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST"),
        request_headers=TUS_REQUEST_HEADERS,
        response_headers=TUS_RESPONSE_HEADERS,
    )


def cors_middleware(cors: Cors) -> Middleware:
    """Answer preflights; the headers on other replies are set when they are prepared."""

    @web.middleware
    async def cross_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
        is_preflight = (
            request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        )
        if not is_preflight:
            return await handler(request)
        response = web.Response(status=204)
        if cors.allows(request.headers.get("Origin", "")):
            response.headers["Access-Control-Allow-Methods"] = ", ".join(cors.methods)
            response.headers["Access-Control-Allow-Headers"] = ", ".join(cors.request_headers)
            response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_AGE_S)
        return response

    return cross_origin


def add_cors_headers(cors: Cors, request: web.Request, response: web.StreamResponse) -> None:
    """Let the calling page's script read the reply, if its origin is allowed."""
    origin = request.headers.get("Origin")
    response.headers["Vary"] = "Origin"
    if origin is None or not cors.allows(origin):
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = ", ".join(cors.response_headers)
