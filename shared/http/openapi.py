"""Makes the OpenAPI 3.1 document from the route table: it cannot drift from what is served."""

import json
import re
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from shared.errors import (
    ConflictError,
    DeniedError,
    InvalidError,
    MalformedError,
    MissingError,
    StaleError,
    TidingsError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
)
from shared.http import problems
from shared.http.errors import UnsupportedMediaTypeError
from shared.http.gate import SAFE_METHODS, CrossSiteError, ScopeError
from shared.http.idempotency import KEY_PATTERN, KeyReusedError
from shared.http.limits import RateLimitedError
from shared.http.replies import PreconditionRequiredError
from shared.http.table import Access, Handler, RateClass, Reply, Route, each_reply

Json = dict[str, Any]
REF = "#/components/schemas/{model}"
_PARAMETER = re.compile(r"\{(\w+)(?::[^{}]*)?\}")
_SECURITY: dict[Access, list[Json]] = {
    Access.PUBLIC: [],
    Access.AUTHENTICATED: [{"bearer": []}, {"session": []}],
    Access.SIGNED: [{"capability": []}, {}],
}
_SCHEMES: Json = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API token with scopes.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "tidings_session",
        "description": "A signed-in browser.",
    },
    "capability": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A short-lived token for one purpose; signed addresses carry it as token=.",
    },
}


class FieldProblem(BaseModel):
    """One field that is missing or wrong."""

    field: str = Field(description="Path of the field, parts joined by dots.")
    code: str = Field(description="What is wrong with it.")


class Problem(BaseModel):
    """Why a request was refused (RFC 9457). May have more members, named by its code."""

    type: str = Field(description="Address that explains the code.")
    title: str = Field(description="What the code means.")
    status: int = Field(description="HTTP status.")
    detail: str = Field(description="What happened this time, for people.")
    instance: str = Field(description="Request id; quote it when asking for help.")
    code: str = Field(description="Stable name of the error.")
    errors: list[FieldProblem] | None = Field(None, description="Fields at fault.")


def document_handler(service: str, routes: Sequence[Route]) -> Handler:
    """Return the handler of ``/openapi.json``; the document is made once, at the first request."""
    made: list[bytes] = []

    async def get_openapi(_: web.Request) -> web.Response:
        if not made:
            made.append(json.dumps(make_document(service, routes), ensure_ascii=False).encode())
        return web.Response(body=made[0], content_type="application/json")

    return get_openapi


def make_document(service: str, routes: Sequence[Route]) -> Json:
    """Return the whole document."""
    refs, definitions = _schemas(routes)
    paths: dict[str, Json] = {}
    for route in routes:
        operation = _operation(route, refs, definitions)
        paths.setdefault(_PARAMETER.sub(r"{\1}", route.path), {})[route.method.lower()] = operation
    # Query models were taken apart into parameters; only what is still referred to is kept.
    definitions = _reachable(paths, definitions)
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Tidings {service}", "version": version("tidings")},
        "tags": [{"name": name} for name in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(definitions.items())),
            "securitySchemes": _SCHEMES,
        },
    }


Refs = dict[tuple[type[BaseModel], JsonSchemaMode], Json]


def _schemas(routes: Iterable[Route]) -> tuple[Refs, Json]:
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(Problem, "serialization"): None}
    for route in routes:
        for model in (route.body, route.query):
            if model is not None:
                wanted[model, "validation"] = None
        for replies in route.responses.values():
            for reply in each_reply(replies):
                if isinstance(reply, type):
                    wanted[reply, "serialization"] = None
    refs, schema = models_json_schema(list(wanted), ref_template=REF)
    return dict(refs), schema.get("$defs", {})  # type: ignore[arg-type]


def _operation(route: Route, refs: Refs, definitions: Json) -> Json:
    operation: Json = {
        "operationId": route.operation_id,
        "summary": route.summary,
        "tags": [route.tag],
        "security": _security(route),
        "responses": _responses(route, refs),
    }
    parameters = [
        *_path_parameters(route),
        *_query_parameters(route, refs, definitions),
        *_header_parameters(route),
    ]
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        content = {"application/json": {"schema": refs[route.body, "validation"]}}
        operation["requestBody"] = {"required": True, "content": content}
    elif route.raw_body is not None:
        operation["requestBody"] = {"required": True, "content": {route.raw_body: {}}}
    return operation


def _security(route: Route) -> list[Json]:
    if route.scope is None:
        return _SECURITY[route.access]
    return [{"bearer": [route.scope]}, {"session": []}]


def _path_parameters(route: Route) -> list[Json]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "format": "uuid"}
            if name.endswith("_id")
            else {"type": "string"},
        }
        for name in _PARAMETER.findall(route.path)
    ]


def _query_parameters(route: Route, refs: Refs, definitions: Json) -> list[Json]:
    if route.query is None:
        return []
    model = definitions[_name_of(refs[route.query, "validation"])]
    required = model.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        for name, schema in model.get("properties", {}).items()
    ]


def _header_parameters(route: Route) -> list[Json]:
    headers = [_header(name, meaning) for name, meaning in route.headers.items()]
    if route.idempotent:
        meaning = "Repeat with the same key to get the first reply again."
        headers.append(_header("Idempotency-Key", meaning, pattern=KEY_PATTERN))
    if route.if_match:
        meaning = "ETag of the version that is to be changed, or *."
        headers.append(_header("If-Match", meaning, required=True))
    return headers


def _header(name: str, meaning: str, *, required: bool = False, **rules: str) -> Json:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": meaning,
        "schema": {"type": "string", **rules},
    }


def _responses(route: Route, refs: Refs) -> Json:
    responses: Json = {}
    for status, replies in route.responses.items():
        responses[str(status)] = {"description": _title(status)}
        content = {
            media_type: schema
            for media_type, schema in (_content(reply, refs) for reply in each_reply(replies))
            if media_type
        }
        if content:
            responses[str(status)]["content"] = content
    for status, kinds in sorted(_errors(route).items()):
        codes = ", ".join(sorted({kind.code for kind in kinds}))
        content = {problems.MEDIA_TYPE: {"schema": refs[Problem, "serialization"]}}
        known = responses.setdefault(str(status), {"description": codes, "content": {}})
        known["content"] = {**known.get("content", {}), **content}
    return responses


def _content(reply: Reply, refs: Refs) -> tuple[str, Json]:
    if reply is None:
        return "", {}
    if isinstance(reply, str):
        return reply, {}
    return "application/json", {"schema": refs[reply, "serialization"]}


def _errors(route: Route) -> dict[int, set[type[TidingsError]]]:
    has_input = route.query is not None or route.body is not None
    has_body = route.body is not None or route.raw_body is not None
    is_open = route.access is not Access.SIGNED
    # In words: what the server, the gate and this kind of route can answer before the handler.
    rules: tuple[tuple[bool, tuple[type[TidingsError], ...]], ...] = (
        (True, (TidingsError, UnavailableError, MalformedError)),
        (route.access is Access.AUTHENTICATED, (UnauthenticatedError, DeniedError)),
        (route.access is Access.SIGNED, (UnauthenticatedError,)),
        (is_open and route.method not in SAFE_METHODS, (CrossSiteError,)),
        (route.scope is not None, (ScopeError,)),
        (_PARAMETER.search(route.path) is not None, (MissingError,)),
        (has_input, (InvalidError,)),
        (has_body, (TooLargeError, UnsupportedMediaTypeError)),
        (route.idempotent, (ConflictError, KeyReusedError)),
        (route.if_match, (StaleError, PreconditionRequiredError)),
        (route.rate is not RateClass.UNLIMITED, (RateLimitedError,)),
    )
    by_status: dict[int, set[type[TidingsError]]] = {}
    for applies, kinds in (*rules, (True, route.errors)):
        for kind in kinds if applies else ():
            by_status.setdefault(kind.status, set()).add(kind)
    return by_status


def _reachable(node: object, definitions: Json) -> Json:
    """Return the definitions that ``node`` refers to, directly or through others."""
    found: Json = {}
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, list):
            waiting.extend(current)
        elif isinstance(current, dict):
            waiting.extend(current.values())
            name = _name_of(current) if isinstance(current.get("$ref"), str) else None
            if name is not None and name not in found:
                found[name] = definitions[name]
                waiting.append(definitions[name])
    return found


def _title(status: int) -> str:
    names = {200: "Done", 201: "Created", 202: "Accepted", 204: "Done, nothing to say"}
    return names.get(status, f"Status {status}")


def _name_of(ref: Json) -> str:
    return str(ref["$ref"]).rpartition("/")[2]
