"""Every route of the upload service asked with every wrong permission: no leak, and no effect.

A signed route without a line in ASKS fails. What is refused tells nothing of the recording: not its
bytes, its name, its size, and not whether there is one.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.upload.routes import ROUTES
from shared.http.app import with_heads
from shared.http.routes import Access, Route
from tests.support.upload_house import (
    PATCH_TYPE,
    TUS,
    Answer,
    Claims,
    Keys,
    UploadHouse,
    noise,
)

pytestmark = pytest.mark.integration

CONTENT = noise(3000)
LENGTH = 987_654_321
NAME = base64.b64encode(b"salaries.webm").decode()
METADATA = f"filename {NAME}"
SIGNED = [route for route in with_heads(ROUTES) if route.access is Access.SIGNED]
TELLTALE = ("Upload-Offset", "Upload-Length", "Upload-Metadata", "Upload-Expires", "ETag")


@dataclass(frozen=True)
class Ask:
    """What a request to a route needs beside its permission, to succeed with the right one."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


MORE = {"Content-Type": PATCH_TYPE, "Upload-Offset": str(len(CONTENT))}
ASKS: dict[tuple[str, str], Ask] = {
    ("POST", "/files"): Ask({"Upload-Length": str(LENGTH), "Upload-Metadata": METADATA}),
    ("HEAD", "/files/{recording_id}"): Ask(),
    ("PATCH", "/files/{recording_id}"): Ask(MORE, b"more"),
    ("DELETE", "/files/{recording_id}"): Ask(),
    ("POST", "/files/{recording_id}"): Ask({**MORE, "X-HTTP-Method-Override": "PATCH"}, b"more"),
    ("GET", "/media/{recording_id}/{kind}"): Ask(),
    ("HEAD", "/media/{recording_id}/{kind}"): Ask(),
}


def is_media(route: Route) -> bool:
    return route.path.startswith("/media/")


def right_claims(route: Route, claims: Claims) -> tuple[str, dict[str, Any]]:
    """Return the audience and the claims that open a route."""
    if is_media(route):
        return "media", {"recording_id": str(claims.recording_id), "kind": "poster"}
    return "upload", claims.as_json()


def signed(keys: Keys, route: Route, claims: Claims, *, ttl_s: int = 600, **changes: Any) -> str:
    """Return a token for the route; ``audience`` and claims may be changed."""
    audience, said = right_claims(route, claims)
    audience = changes.pop("audience", audience)
    return keys.signer.sign(audience, {**said, **changes}, ttl_s)


def wrong_audience(keys: Keys, route: Route, claims: Claims) -> str:
    return signed(keys, route, claims, audience="upload" if is_media(route) else "media")


def all_claims_of_events(keys: Keys, route: Route, claims: Claims) -> str:
    return signed(keys, route, claims, audience="events", threads=None)


def signed_by_another(keys: Keys, route: Route, claims: Claims) -> str:
    folder = keys.public_file.parent / "another"
    folder.mkdir(exist_ok=True)
    return signed(Keys(folder), route, claims)


UNKNOWN: dict[str, Callable[[Keys, Route, Claims], str | None]] = {
    "no token": lambda *_: None,
    "garbage": lambda *_: "x.y.z",
    "expired": lambda keys, route, claims: signed(keys, route, claims, ttl_s=-60),
    "another audience": wrong_audience,
    "an events token": all_claims_of_events,
    "another signer": signed_by_another,
    "no recording named": lambda keys, route, claims: signed(
        keys, route, claims, recording_id="none"
    ),
}
"""Callers nobody knows: 401, whatever they ask."""

ELSEWHERE: dict[str, Callable[[Keys, Route, Claims], str | None]] = {
    "another recording": lambda keys, route, _: signed(keys, route, Claims()),
    "another recording of the team": lambda keys, route, claims: signed(
        keys, route, claims, recording_id=str(uuid4())
    ),
}
"""Callers who may do something, but not here: as if there were nothing."""


async def recorded(house: UploadHouse, claims: Claims) -> None:
    """Leave an unfinished upload with a poster, which only its own tokens may reach."""
    client = house.client(claims)
    await client.create(LENGTH, CONTENT, Upload_Metadata=METADATA)
    key = f"recordings/{claims.recording_id}/renditions/poster"
    stored = await house.parts.blobs.put(key, CONTENT)
    await house.database.execute(
        "INSERT INTO recording (recording_id, updated_at) VALUES ($1, now())", claims.recording_id
    )
    await house.database.execute(
        "INSERT INTO rendition (recording_id, kind, key, media_type, size_bytes, sha256)"
        " VALUES ($1, 'poster', $2, 'image/jpeg', $3, $4)",
        *(claims.recording_id, stored.key, stored.size_bytes, stored.sha256),
    )


async def ask(house: UploadHouse, route: Route, recording_id: UUID, token: str | None) -> Answer:
    """Ask a route about a recording as its ASKS line says, with this token or none."""
    line = ASKS[route.method, route.path]
    headers = dict(line.headers)
    url = house.url + route.path.format(recording_id=recording_id, kind="poster")
    if is_media(route):
        url += "" if token is None else f"?token={token}"
    else:
        headers |= TUS if token is None else {**TUS, "Authorization": f"Bearer {token}"}
    request = house.http.request(route.method, url, headers=headers, data=line.body)
    async with request as answer:
        return Answer(answer.status, answer.headers, await answer.read())


async def ledger(house: UploadHouse, recording_id: UUID) -> list[dict[str, Any]]:
    """Return everything the rows say of a recording, but for the moment it was touched."""
    rows = await house.database.fetch(
        "SELECT u.state, u.offset_bytes, u.length_bytes, u.metadata, p.number, p.key FROM upload u"
        " LEFT JOIN part p USING (recording_id) WHERE u.recording_id = $1 ORDER BY p.number",
        recording_id,
    )
    return [dict(row) for row in rows]


def tells_nothing(answer: Answer) -> bool:
    shown = answer.body + str(dict(answer.headers)).encode()
    hidden = (CONTENT[:16], NAME.encode(), b"salaries", str(LENGTH).encode())
    return not any(word in shown for word in hidden) and not any(
        name in answer.headers for name in TELLTALE
    )


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


def test_every_signed_route_is_asked() -> None:
    assert {(route.method, route.path) for route in SIGNED} == set(ASKS)


def test_only_what_the_server_can_do_is_said_to_everybody() -> None:
    open_to_all = {(route.method, route.path) for route in ROUTES if route not in SIGNED}
    assert open_to_all == {("OPTIONS", "/files"), ("OPTIONS", "/files/{recording_id}")}


@pytest.mark.parametrize("route", SIGNED, ids=named)
async def test_nobody_unknown_gets_through(house: UploadHouse, route: Route) -> None:
    claims = Claims()
    await recorded(house, claims)
    before = await ledger(house, claims.recording_id)

    for who, token_of in UNKNOWN.items():
        token = token_of(house.keys, route, claims)
        answer = await ask(house, route, claims.recording_id, token)
        nowhere = await ask(house, route, uuid4(), token)
        assert (who, answer.status) == (who, 401)
        assert nowhere.status == 401
        assert tells_nothing(answer), who
    assert await ledger(house, claims.recording_id) == before


@pytest.mark.parametrize("route", SIGNED, ids=named)
async def test_a_permission_for_something_else_opens_nothing_here(
    house: UploadHouse, route: Route
) -> None:
    claims = Claims()
    await recorded(house, claims)
    before = await ledger(house, claims.recording_id)

    for who, token_of in ELSEWHERE.items():
        token = token_of(house.keys, route, claims)
        answer = await ask(house, route, claims.recording_id, token)
        if route.path == "/files":
            # The token alone says which upload is opened: its own.
            assert str(claims.recording_id) not in answer.headers["Location"]
            continue
        nowhere = await ask(house, route, uuid4(), token)
        assert (who, answer.status) == (who, 404)
        assert nowhere.status == 404
        assert tells_nothing(answer), who
    assert await ledger(house, claims.recording_id) == before


@pytest.mark.parametrize("route", [route for route in SIGNED if is_media(route)], ids=named)
async def test_a_permission_for_another_kind_shows_nothing(
    house: UploadHouse, route: Route
) -> None:
    claims = Claims()
    await recorded(house, claims)

    for kind in ("original", "peaks", "", "post", "poster/", "**"):
        token = house.keys.media_token(claims.recording_id, kind)
        answer = await ask(house, route, claims.recording_id, token)
        assert (kind, answer.status) == (kind, 404)
        assert tells_nothing(answer)


@pytest.mark.parametrize("route", SIGNED, ids=named)
async def test_the_right_permission_opens(house: UploadHouse, route: Route) -> None:
    claims = Claims()
    await recorded(house, claims)

    answer = await ask(house, route, claims.recording_id, signed(house.keys, route, claims))

    assert answer.status in {200, 201, 204}
