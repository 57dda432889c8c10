"""``Idempotency-Key``: a repeated request gets the first one's reply instead of a second effect.

The store behind it must be safe when two equal requests arrive at once; workspace keeps it in SQL.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from shared.errors import InvalidError, MalformedError
from shared.http.table import IDEMPOTENCY_KEY, Handler

#: 1 to 128 visible ASCII characters.
KEY_PATTERN = "^[!-~]{1,128}$"
_KEY = re.compile(KEY_PATTERN.removeprefix("^").removesuffix("$"))
FIRST_FAILURE = 300


class KeyReusedError(InvalidError):
    """This Idempotency-Key was used before with another request."""

    code = "idempotency-key-reused"


@dataclass(frozen=True, kw_only=True)
class StoredReply:
    """A reply kept to be given again."""

    status: int
    body: bytes
    media_type: str
    location: str | None = None
    etag: str | None = None


class IdempotencyStore(Protocol):
    """Remembers what was answered to which key of which caller, for about a day."""

    async def claim(self, principal: str, key: str, fingerprint: str) -> StoredReply | None:
        """Take the key, or return what was answered before.

        Raises ``ConflictError`` while the first request is still being worked on, and
        ``KeyReusedError`` when the key belongs to a request with another fingerprint.
        """
        ...

    async def save(self, principal: str, key: str, reply: StoredReply) -> None:
        """Keep the reply for a key taken before."""
        ...

    async def release(self, principal: str, key: str) -> None:
        """Give the key back: the request had no effect and may be tried again."""
        ...


async def answer_once(
    request: web.Request, handler: Handler, *, store: IdempotencyStore, principal: str
) -> web.StreamResponse:
    """Call the handler unless this key was already answered. Only successes are kept."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return await handler(request)
    if not _KEY.fullmatch(key):
        raise MalformedError("The Idempotency-Key must be 1 to 128 visible ASCII characters.")
    request[IDEMPOTENCY_KEY] = key
    stored = await store.claim(principal, key, await _fingerprint(request))
    if stored is not None:
        return _replay(stored)
    succeeded = False
    try:
        response = await handler(request)
        succeeded = response.status < FIRST_FAILURE and isinstance(response, web.Response)
    finally:
        if not succeeded:
            await store.release(principal, key)
    if isinstance(response, web.Response) and succeeded:
        await store.save(principal, key, _keep(response))
    return response


async def _fingerprint(request: web.Request) -> str:
    digest = hashlib.sha256(f"{request.method} {request.path_qs}\n".encode())
    digest.update(await request.read())
    return digest.hexdigest()


def _keep(response: web.Response) -> StoredReply:
    body = response.body
    return StoredReply(
        status=response.status,
        body=body if isinstance(body, bytes) else b"",
        media_type=response.content_type,
        location=response.headers.get("Location"),
        etag=response.headers.get("ETag"),
    )


def _replay(stored: StoredReply) -> web.Response:
    headers = {"Idempotency-Replayed": "true"}
    if stored.location is not None:
        headers["Location"] = stored.location
    if stored.etag is not None:
        headers["ETag"] = stored.etag
    return web.Response(
        body=stored.body,
        status=stored.status,
        headers=headers,
        content_type=stored.media_type,
    )
