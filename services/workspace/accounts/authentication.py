"""Tells who calls: an API token in the Authorization header, else the session cookie.

A request with an Authorization header is never answered by its cookie: other sites cannot set the
header, so only cookies need the cross-site check of the HTTP gate.
"""

from datetime import datetime

from aiohttp import web

from services.workspace.accounts import store
from services.workspace.accounts.domain import (
    SESSION_LIFETIME,
    TOUCH_EVERY,
    SessionOverError,
    TokenExpiredError,
    TokenRefusedError,
    hash_secret,
)
from services.workspace.domain import Asker
from shared.clock import Clock
from shared.db import Connection, Database
from shared.errors import UnauthenticatedError

SESSION_COOKIE = "tidings_session"
#: The secret of a session that lasts longer from this request on.
EXTENDED: web.RequestKey[str] = web.RequestKey("extended", str)


class Authentication:
    """The authenticator of the workspace's routes."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def __call__(self, request: web.Request) -> Asker:
        """Return who asks, or raise an UnauthenticatedError that says what is wrong."""
        now = self._clock.now()
        header = request.headers.get("Authorization")
        cookie = request.cookies.get(SESSION_COOKIE)
        if header is None and cookie is None:
            raise UnauthenticatedError
        async with self._database.transaction() as tx:
            if header is not None:
                return await _asker_of_token(tx, header, now)
            return await _asker_of_session(tx, request, cookie or "", now)


async def _asker_of_token(tx: Connection, header: str, now: datetime) -> Asker:
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer":
        raise TokenRefusedError
    token = await store.token_by_secret(tx, hash_secret(secret.strip()))
    if token is None:
        raise TokenRefusedError
    if token.expires_at is not None and token.expires_at <= now:
        raise TokenExpiredError
    if token.last_used_at is None or now - token.last_used_at > TOUCH_EVERY:
        await store.touch_token(tx, token.id, now)
    return Asker(
        person_id=token.person_id,
        only_team=token.team_id,
        scopes=frozenset(token.scopes),
        expires_at=token.expires_at,
    )


async def _asker_of_session(
    tx: Connection, request: web.Request, secret: str, now: datetime
) -> Asker:
    session = await store.session_by_secret(tx, hash_secret(secret), now)
    if session is None:
        raise SessionOverError
    if now - session.last_used_at > TOUCH_EVERY:
        await store.touch_session(tx, session.id, now, now + SESSION_LIFETIME)
        request[EXTENDED] = secret
    return Asker(person_id=session.person_id, session_id=session.id)
