"""One shape for every refusal: ``application/problem+json`` (RFC 9457), made from the error family.

A reply shows the class's code, its text and named fields; never a path, SQL or an upstream's words.
"""

import json
import math
from collections.abc import Iterator

from aiohttp import web

from shared.errors import (
    GoneError,
    InvalidError,
    MalformedError,
    MissingError,
    TidingsError,
    TooLargeError,
    TooMuchError,
    UnauthenticatedError,
    UnavailableError,
)
from shared.http.errors import (
    LengthRequiredError,
    MethodNotAllowedError,
    NotAcceptableError,
    RangeError,
    UnsupportedMediaTypeError,
)

MEDIA_TYPE = "application/problem+json"
RESERVED = frozenset({"type", "title", "status", "detail", "instance", "code", "errors"})
#: What aiohttp raises by itself, in our words.
_FROM_STATUS: dict[int, type[TidingsError]] = {
    400: MalformedError,
    404: MissingError,
    405: MethodNotAllowedError,
    406: NotAcceptableError,
    410: GoneError,
    411: LengthRequiredError,
    413: TooLargeError,
    415: UnsupportedMediaTypeError,
    416: RangeError,
    503: UnavailableError,
}
FIRST_ERROR_STATUS = 400
FIRST_SERVER_STATUS = 500


def title_of(kind: type[TidingsError]) -> str:
    """Return the sentence that is the same for every error of this kind: its docstring."""
    return " ".join((kind.__doc__ or "").split())


def problem_reply(error: TidingsError, request_id: str) -> web.Response:
    """Render one error."""
    kind = type(error)
    document: dict[str, object] = {
        "type": f"/problems/{kind.code}",
        "title": title_of(kind),
        "status": kind.status,
        "detail": error.detail,
        "instance": request_id,
        "code": kind.code,
    }
    if isinstance(error, InvalidError) and error.errors:
        document["errors"] = [{"field": field, "code": code} for field, code in error.errors]
    document.update({k: v for k, v in error.fields.items() if k not in RESERVED})
    return web.Response(
        body=json.dumps(document, ensure_ascii=False).encode(),
        status=kind.status,
        content_type=MEDIA_TYPE,
        headers=_headers(error),
    )


def _headers(error: TidingsError) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, TooMuchError | UnavailableError):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = 'Bearer realm="tidings"'
    return headers


def from_http(refusal: web.HTTPException) -> TidingsError | None:
    """Translate an aiohttp refusal; None for what is no error (a redirect, not-modified)."""
    if refusal.status < FIRST_ERROR_STATUS:
        return None
    kind = _FROM_STATUS.get(refusal.status)
    if kind is not None:
        return kind()
    return TidingsError() if refusal.status >= FIRST_SERVER_STATUS else InvalidError()


def every_kind(root: type[TidingsError] = TidingsError) -> Iterator[type[TidingsError]]:
    """Walk all error classes imported so far, parents before children."""
    yield root
    seen = {root}
    for child in sorted(root.__subclasses__(), key=lambda kind: kind.code):
        for kind in every_kind(child):
            if kind not in seen:
                seen.add(kind)
                yield kind


def kind_of_code(code: str) -> type[TidingsError] | None:
    """Return the error class with this code, None if there is none."""
    return next((kind for kind in every_kind() if kind.code == code), None)
