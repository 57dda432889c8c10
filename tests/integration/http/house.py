"""A small service on a real socket, with every kind of route, and a client for it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from pydantic import BaseModel, Field

from shared.clock import SystemClock
from shared.errors import (
    ConflictError,
    InvalidError,
    MissingError,
    UnauthenticatedError,
    UnavailableError,
)
from shared.http.client import forward, open_session
from shared.http.routes import (
    BODY,
    IDEMPOTENCY_KEY,
    PRINCIPAL,
    QUERY,
    STOPPING,
    Access,
    Health,
    KeyReusedError,
    RateClass,
    Route,
    StoredReply,
    build_app,
    etag_of,
    json_reply,
    no_content,
    path_id,
    require_if_match,
    serve,
    tus_cors,
)
from shared.settings import CommonSettings

SETTINGS = CommonSettings(
    database_url="x", nats_url="x", blob_url="x", rate_limit_per_minute=1000, http_port=0
)
SECRET = "the bank's number is 4711"


class ThreadDraft(BaseModel):
    title: str = Field(min_length=1, max_length=20)
    tags: list[str] = []


class ThreadView(BaseModel):
    title: str


class ThreadQuery(BaseModel):
    limit: int = Field(10, ge=1, le=100)
    tag: list[str] = []
    word: str | None = None


@dataclass(frozen=True)
class Caller:
    key: str
    scopes: frozenset[str] | None


async def authenticate(request: web.Request) -> Caller:
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token == "whole":
        return Caller("member:1", None)
    if token == "narrow":
        return Caller("member:2", frozenset({"threads:read"}))
    if not token and request.cookies.get("tidings_session") == "mine":
        return Caller("member:3", None)
    raise UnauthenticatedError


@dataclass
class ReplyBook:
    """An idempotency store in memory that behaves as the one in SQL."""

    kept: dict[tuple[str, str], tuple[str, StoredReply | None]] = field(default_factory=dict)
    claimed: asyncio.Event = field(default_factory=asyncio.Event)

    async def claim(self, principal: str, key: str, fingerprint: str) -> StoredReply | None:
        found = self.kept.get((principal, key))
        if found is None:
            self.kept[principal, key] = (fingerprint, None)
            self.claimed.set()
            return None
        if found[0] != fingerprint:
            raise KeyReusedError
        if found[1] is None:
            raise ConflictError
        return found[1]

    async def save(self, principal: str, key: str, reply: StoredReply) -> None:
        fingerprint, _ = self.kept[principal, key]
        self.kept[principal, key] = (fingerprint, reply)

    async def release(self, principal: str, key: str) -> None:
        del self.kept[principal, key]


class Handlers:
    """What the routes do; counts effects."""

    def __init__(self, upstream: str = "") -> None:
        self.opened = 0
        self.upstream = upstream
        self.stream_ended = asyncio.Event()
        self.pause = asyncio.Event()
        self.pause.set()

    async def open_thread(self, request: web.Request) -> web.Response:
        await self.pause.wait()
        if request[BODY].title == "refused":
            raise InvalidError("Not this one.", errors=(("title", "refused"),))
        self.opened += 1
        return json_reply(
            ThreadView(title=request[BODY].title), 201, {"Location": f"/threads/{self.opened}"}
        )

    async def list_threads(self, request: web.Request) -> web.Response:
        return json_reply(request[QUERY])

    async def change_thread(self, request: web.Request) -> web.Response:
        path_id(request, "thread_id")
        require_if_match(request, etag_of(1))
        return no_content()

    async def read_thread(self, request: web.Request) -> web.Response:
        return json_reply(ThreadView(title=request[PRINCIPAL].key))

    async def name_key(self, request: web.Request) -> web.Response:
        return json_reply(ThreadView(title=request.get(IDEMPOTENCY_KEY) or "none"))

    async def fail(self, _: web.Request) -> web.Response:
        raise ValueError(SECRET)

    async def be_unavailable(self, _: web.Request) -> web.Response:
        raise UnavailableError(retry_after_s=2.5) from OSError(2, SECRET)

    async def be_missing(self, _: web.Request) -> web.Response:
        raise MissingError("No such thing.", offset=3)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            await response.write(b"data: 1\n\n")
            while not request.app[STOPPING].is_set():
                await response.write(b": still here\n\n")
                await asyncio.sleep(0.05)
        finally:
            self.stream_ended.set()
        return response

    async def break_off(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        await response.write(b"begun")
        raise ValueError(SECRET)

    async def proxy(self, request: web.Request) -> web.StreamResponse:
        async with open_session() as session:
            headers = {"Authorization": "Bearer ours"}
            return await forward(
                request, f"{self.upstream}{request.query['to']}", headers, session=session
            )

    async def echo_headers(self, request: web.Request) -> web.Response:
        body = dict(request.headers.items())
        return web.Response(body=json.dumps(body).encode(), content_type="application/json")

    def routes(self) -> tuple[Route, ...]:
        return (
            _route(
                "POST",
                "/threads",
                self.open_thread,
                body=ThreadDraft,
                idempotent=True,
                access=Access.AUTHENTICATED,
                responses={201: ThreadView},
            ),
            _route(
                "GET",
                "/threads",
                self.list_threads,
                query=ThreadQuery,
                responses={200: ThreadQuery},
            ),
            _route(
                "PATCH",
                "/threads/{thread_id}",
                self.change_thread,
                if_match=True,
                responses={204: None},
            ),
            _route(
                "GET",
                "/threads/{thread_id}",
                self.read_thread,
                scope="threads:read",
                access=Access.AUTHENTICATED,
                responses={200: ThreadView},
            ),
            _route(
                "DELETE",
                "/threads/{thread_id}",
                self.read_thread,
                scope="threads:write",
                access=Access.AUTHENTICATED,
                responses={200: ThreadView},
            ),
            _route(
                "POST",
                "/sign-in",
                self.name_key,
                rate=RateClass.SIGN_IN,
                responses={200: ThreadView},
            ),
            _route("GET", "/fail", self.fail),
            _route("GET", "/unavailable", self.be_unavailable),
            _route("GET", "/missing", self.be_missing, errors=(MissingError,)),
            _route(
                "GET",
                "/stream",
                self.stream,
                responses={200: "text/event-stream"},
                rate=RateClass.UNLIMITED,
            ),
            _route("GET", "/break-off", self.break_off, responses={200: "text/plain"}),
            _route("GET", "/proxy", self.proxy, responses={200: "text/event-stream"}),
            _route("GET", "/headers", self.echo_headers, responses={200: "application/json"}),
        )


def _route(method: str, path: str, handler: Any, **more: Any) -> Route:
    return Route(
        method=method,
        path=path,
        handler=handler,
        summary="A route",
        tag="threads",
        operation_id=f"{handler.__name__}{method.title()}",
        **{"access": Access.PUBLIC, **more},
    )


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class House:
    url: str
    handlers: Handlers
    session: aiohttp.ClientSession
    replies: ReplyBook

    async def ask(self, method: str, path: str, **options: Any) -> Answer:
        async with self.session.request(method, f"{self.url}{path}", **options) as response:
            return Answer(response.status, response.headers, await response.read())


@asynccontextmanager
async def running_house(
    *,
    upstream: str = "",
    health: Health | None = None,
    settings: CommonSettings = SETTINGS,
    origins: tuple[str, ...] = (),
) -> AsyncIterator[House]:
    handlers, replies = Handlers(upstream), ReplyBook()
    app = build_app(
        service="sample",
        routes=handlers.routes(),
        authenticate=authenticate,
        health=health or Health(),
        settings=settings,
        max_body_bytes=4096,
        cors=tus_cors(origins) if origins else None,
        idempotency=replies,
        clock=SystemClock(),
    )
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serve(app, "127.0.0.1", 0))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield House(url, handlers, session, replies)
