"""What an error code means, for the person or program that followed a problem's ``type``."""

import html

from aiohttp import web
from pydantic import BaseModel, Field

from shared.errors import MissingError, TidingsError
from shared.http.problems import kind_of_code, title_of
from shared.http.replies import json_reply

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{code}</title>
<h1>{code}</h1><p>{title}</p><p>HTTP status {status}. {advice}</p></html>
"""


class ProblemKind(BaseModel):
    """One error code."""

    code: str = Field(description="Stable name.")
    title: str = Field(description="What it means.")
    status: int = Field(description="HTTP status that goes with it.")
    retryable: bool = Field(description="Whether the same request can succeed later.")


async def get_problem(request: web.Request) -> web.Response:
    """Describe a code: a page for browsers, JSON otherwise."""
    kind = kind_of_code(request.match_info["code"])
    if kind is None:
        raise MissingError("There is no such error code.")
    if "text/html" not in request.headers.get("Accept", ""):
        return json_reply(describe_kind(kind))
    page = _PAGE.format(
        code=html.escape(kind.code),
        title=html.escape(title_of(kind)),
        status=kind.status,
        advice=advice_on(kind),
    )
    return web.Response(text=page, content_type="text/html")


def describe_kind(kind: type[TidingsError]) -> ProblemKind:
    """Return the entry of one error class."""
    return ProblemKind(
        code=kind.code, title=title_of(kind), status=kind.status, retryable=kind.retryable
    )


def advice_on(kind: type[TidingsError]) -> str:
    """Say whether trying again makes sense."""
    if kind.retryable:
        return "Trying the same again later can succeed."
    return "Trying the same again will not help."
