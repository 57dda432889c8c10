"""Stands between a matched route and its handler: who calls, how often, is the request sound."""

import types
import typing
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web
from pydantic import BaseModel, ValidationError

from shared.errors import DeniedError, InvalidError, MalformedError, UnauthenticatedError
from shared.http.errors import UnsupportedMediaTypeError
from shared.http.idempotency import IdempotencyStore, answer_once
from shared.http.limits import RateLimits
from shared.http.table import (
    BODY,
    PRINCIPAL,
    QUERY,
    ROUTE,
    Access,
    Authenticator,
    Handler,
    Principal,
    Route,
)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
#: Headers about the rate limit, added to the reply whatever it becomes.
LIMIT_HEADERS: web.RequestKey[dict[str, str]] = web.RequestKey("limit_headers", dict)


class CrossSiteError(DeniedError):
    """Another site's page may not do this in your name."""

    code = "cross-site"


class ScopeError(DeniedError):
    """The token lacks the scope for this."""

    code = "scope-missing"


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Guards every handler of one service."""

    authenticate: Authenticator | None
    limits: RateLimits
    idempotency: IdempotencyStore | None

    def guard(self, route: Route) -> Handler:
        """Return a handler that runs the route's own only when everything before it is in order."""
        if route.access is Access.AUTHENTICATED and self.authenticate is None:
            raise ValueError(f"{route.operation_id} needs an authenticator")
        if route.idempotent and self.idempotency is None:
            raise ValueError(f"{route.operation_id} needs an idempotency store")

        async def guarded(request: web.Request) -> web.StreamResponse:
            request[ROUTE] = route
            caller = self.limits.address_of(request)
            if route.access is not Access.SIGNED:
                refuse_cross_site(request)
            if route.access is Access.AUTHENTICATED:
                principal = await self._identify(request, route)
                request[PRINCIPAL] = principal
                caller = principal.key
            request[LIMIT_HEADERS] = self.limits.take(route.rate, caller)
            if route.query is not None:
                request[QUERY] = parse_query(route.query, request)
            if route.body is not None:
                request[BODY] = await parse_body(route.body, request)
            if route.idempotent and self.idempotency is not None:
                return await answer_once(
                    request, route.handler, store=self.idempotency, principal=caller
                )
            return await route.handler(request)

        return guarded

    async def _identify(self, request: web.Request, route: Route) -> Principal:
        if self.authenticate is None:
            raise UnauthenticatedError
        principal = await self.authenticate(request)
        scopes = principal.scopes
        if route.scope is not None and scopes is not None and route.scope not in scopes:
            raise ScopeError(scope=route.scope)
        return principal


def refuse_cross_site(request: web.Request) -> None:
    """Refuse changes that a foreign page asks a browser to make with our cookie."""
    if request.method in SAFE_METHODS or "Authorization" in request.headers:
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site not in {"same-origin", "none"}:
            raise CrossSiteError
        return
    origin = request.headers.get("Origin")
    if origin is not None and _host_of(origin) != request.host:
        raise CrossSiteError


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def parse_query(model: type[BaseModel], request: web.Request) -> BaseModel:
    """Validate the query string; a parameter given twice is a list where the model wants one."""
    given: dict[str, object] = {}
    for name, field in model.model_fields.items():
        key = field.alias or name
        values = request.query.getall(key, [])
        if values:
            given[key] = values if _is_list(field.annotation) else values[-1]
    known = set(given)
    given.update({key: value for key, value in request.query.items() if key not in known})
    return _validated(model, given)


def _is_list(annotation: object) -> bool:
    if typing.get_origin(annotation) in {typing.Union, types.UnionType}:
        return any(_is_list(part) for part in typing.get_args(annotation))
    return typing.get_origin(annotation) in {list, tuple, set, frozenset}


async def parse_body(model: type[BaseModel], request: web.Request) -> BaseModel:
    """Read and validate a JSON body."""
    if request.content_type != "application/json" and not request.content_type.endswith("+json"):
        raise UnsupportedMediaTypeError("The body must be application/json.")
    raw = await request.read()
    try:
        parsed = model.model_validate_json(raw)
    except ValidationError as refusal:
        raise _refusal(refusal) from None
    # Only now, so that a body that is not JSON at all gets the better answer.
    if b"\\u0000" in raw and _has_nul(parsed.model_dump()):
        raise InvalidError("The text contains a NUL character.", errors=(("", "nul"),))
    return parsed


def _validated(model: type[BaseModel], given: dict[str, object]) -> BaseModel:
    with_nul = tuple((name, "nul") for name, value in given.items() if _has_nul(value))
    if with_nul:
        raise InvalidError("The query contains a NUL character.", errors=with_nul)
    try:
        return model.model_validate(given)
    except ValidationError as refusal:
        raise _refusal(refusal) from None


def _has_nul(value: object) -> bool:
    """PostgreSQL cannot store NUL in text, so nothing behind the gate should ever see one."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(inner) for pair in value.items() for inner in pair)
    if isinstance(value, list | tuple | set):
        return any(_has_nul(inner) for inner in value)
    return False


def _refusal(refusal: ValidationError) -> InvalidError:
    """Name fields and codes; pydantic's own text stays here, it may quote what was sent."""
    found = refusal.errors(include_url=False, include_context=False, include_input=False)
    if any(problem["type"] == "json_invalid" for problem in found):
        return MalformedError("The body is not JSON.")
    return InvalidError(
        "Some fields are missing or wrong.",
        errors=tuple(
            (".".join(str(part) for part in problem["loc"]), problem["type"].replace("_", "-"))
            for problem in found
        ),
    )
