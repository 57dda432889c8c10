"""Shapes of replies: JSON from models, pages with opaque cursors, ETags."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Generic, TypeVar
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from shared.errors import InvalidError, MissingError, StaleError

ItemT = TypeVar("ItemT", bound=BaseModel)
MAX_CURSOR_CHARS = 1024


class PreconditionRequiredError(InvalidError):
    """Send If-Match with the ETag you saw, so that nobody's change is overwritten unseen."""

    code = "if-match-required"
    status = 428


class Page(BaseModel, Generic[ItemT]):
    """A part of a list. Ask again with ``cursor=next_cursor`` until it is null."""

    model_config = ConfigDict(frozen=True)

    items: list[ItemT]
    next_cursor: str | None = None


def json_reply(
    model: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return the model as JSON."""
    return web.Response(
        body=model.model_dump_json().encode(),
        status=status,
        headers=headers,
        content_type="application/json",
    )


def no_content(headers: Mapping[str, str] | None = None) -> web.Response:
    """Return 204."""
    return web.Response(status=204, headers=headers)


def path_id(request: web.Request, name: str) -> UUID:
    """Return an id from the path; what is no id names nothing, so it is missing, not invalid."""
    try:
        return UUID(request.match_info[name])
    except ValueError:
        raise MissingError from None


def etag_of(*parts: object) -> str:
    """Return a strong ETag, quoted, that changes with any of the parts (e.g. id and version)."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return f'"{base64.urlsafe_b64encode(digest[:15]).decode()}"'


def require_if_match(request: web.Request, etag: str) -> None:
    """Refuse a change that was not made from the current version.

    Raises ``PreconditionRequiredError`` without If-Match and ``StaleError`` when it names another.
    """
    given = request.headers.get("If-Match")
    if given is None:
        raise PreconditionRequiredError
    if given.strip() == "*":
        return
    # If-Match compares strongly (RFC 9110 §13.1.1): a weak tag never matches.
    if etag not in {tag.strip() for tag in given.split(",")}:
        raise StaleError


def matches_none(request: web.Request, etag: str) -> bool:
    """Say whether If-None-Match already names this version: then answer 304."""
    given = request.headers.get("If-None-Match")
    if given is None:
        return False
    tags = {tag.strip().removeprefix("W/") for tag in given.split(",")}
    return "*" in tags or etag.removeprefix("W/") in tags


def encode_cursor(position: Mapping[str, Any]) -> str:
    """Return an opaque text for where the next page starts."""
    packed = json.dumps(position, separators=(",", ":"), default=str).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode_cursor(cursor: str) -> dict[str, Any]:
    """Return what ``encode_cursor`` was given; anything else is an ``InvalidError``."""
    refusal = InvalidError("The cursor is not one we gave.", errors=(("cursor", "invalid"),))
    if len(cursor) > MAX_CURSOR_CHARS:
        raise refusal
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        position = json.loads(base64.b64decode(padded.encode(), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise refusal from None
    if not isinstance(position, dict):
        raise refusal
    return position
