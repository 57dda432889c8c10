"""The route table: what a service offers over HTTP, as data.

The application, the OpenAPI document and the access tests are all made from it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from aiohttp import web
from pydantic import BaseModel

from shared.errors import TidingsError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
#: A JSON model, a media type or nothing; several when ``Accept`` or ``format`` chooses.
Reply = type[BaseModel] | str | None
Replies = Reply | tuple[Reply, ...]


def each_reply(replies: Replies) -> tuple[Reply, ...]:
    """Return the replies as a tuple, also when there is just one."""
    return replies if isinstance(replies, tuple) else (replies,)


class Access(StrEnum):
    """Who may call a route before its handler looks closer."""

    PUBLIC = "public"  # anyone
    AUTHENTICATED = "authenticated"  # a session cookie or an API token
    SIGNED = "signed"  # a capability token or signed address, checked by the handler


class RateClass(StrEnum):
    """Which bucket a request is counted in."""

    ORDINARY = "ordinary"  # per caller
    SIGN_IN = "sign-in"  # per address, few: guessing passwords must be slow
    UNLIMITED = "unlimited"  # bytes in and out; limited by their own rules


class Principal(Protocol):
    """Who is calling, as far as this package needs to know."""

    @property
    def key(self) -> str:
        """Stable text that names the caller, e.g. ``member:<id>``."""
        ...

    @property
    def scopes(self) -> frozenset[str] | None:
        """Scopes of the token used; None when everything the person may do is allowed."""
        ...


class Authenticator(Protocol):
    """Finds out who is calling."""

    async def __call__(self, request: web.Request) -> Principal:
        """Return the caller; raise ``UnauthenticatedError`` without valid credentials."""
        ...


@dataclass(frozen=True, kw_only=True)
class Route:
    """One method on one path template, with everything that can be checked before the handler."""

    method: str
    path: str
    handler: Handler
    summary: str
    tag: str
    operation_id: str
    access: Access
    #: API-token scope that is needed, e.g. ``threads:read``.
    scope: str | None = None
    #: JSON body, validated before the handler runs: ``request[BODY]``.
    body: type[BaseModel] | None = None
    #: Query parameters, validated likewise: ``request[QUERY]``.
    query: type[BaseModel] | None = None
    responses: Mapping[int, Replies] = field(default_factory=lambda: {200: None})
    #: Errors of this route beyond those every route of its kind can give.
    errors: tuple[type[TidingsError], ...] = ()
    #: Honours ``Idempotency-Key``.
    idempotent: bool = False
    #: Wants ``If-Match`` with the ETag of the version that is to be changed.
    if_match: bool = False
    rate: RateClass = RateClass.ORDINARY
    #: Request headers worth documenting: name to meaning.
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Media type of a body that the handler reads itself, e.g. a stream of bytes.
    raw_body: str | None = None


#: The validated body, an instance of ``Route.body``.
BODY: web.RequestKey[Any] = web.RequestKey("body", object)
#: The validated query, an instance of ``Route.query``.
QUERY: web.RequestKey[Any] = web.RequestKey("query", object)
#: Who is calling; set on routes with ``Access.AUTHENTICATED``.
PRINCIPAL: web.RequestKey[Any] = web.RequestKey("principal", object)
#: Unique per request, also in the reply's ``X-Request-Id``.
REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
#: The client's Idempotency-Key (str) on idempotent routes, absent without one.
IDEMPOTENCY_KEY: web.RequestKey[Any] = web.RequestKey("idempotency_key", object)
#: Set when the process stops: endless replies end themselves, so that stopping takes no patience.
STOPPING: web.AppKey[asyncio.Event] = web.AppKey("stopping", asyncio.Event)
#: The row of the table that matched.
ROUTE: web.RequestKey[Route] = web.RequestKey("route", Route)
