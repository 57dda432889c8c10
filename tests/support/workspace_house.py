"""The workspace in this process, on real servers, spoken to over HTTP by several people."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import aiohttp
from aiohttp import web

from services.workspace.accounts import store as accounts
from services.workspace.accounts import tokens
from services.workspace.accounts.domain import SignInMethod
from services.workspace.accounts.store import Person
from services.workspace.accounts.usecases import begin_session
from services.workspace.app import Parts, http_app, open_parts
from services.workspace.context import Workspace
from services.workspace.domain import ALL_SCOPES, Asker, Role
from services.workspace.settings import Settings
from shared.db import Database
from shared.http.serve import serve
from shared.http.tokens import TokenVerifier, make_key_pair
from shared.ids import new_id

Json = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["code"])

    @property
    def etag(self) -> str:
        return str(self.headers["ETag"])


class Caller:
    """One way to call the workspace: with a token, a cookie, or nothing."""

    def __init__(self, http: aiohttp.ClientSession, url: str, headers: dict[str, str]) -> None:
        self._http = http
        self.url = url
        self.headers = headers

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> Reply:
        """Send a request without following redirects."""
        if body is not None:
            options["json"] = body
        async with self._http.request(
            method,
            f"{self.url}{path}",
            headers={**self.headers, **(headers or {})},
            allow_redirects=False,
            **options,
        ) as reply:
            return Reply(reply.status, reply.headers.copy(), await reply.read())

    async def get(self, path: str, **options: Any) -> Reply:
        return await self.call("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> Reply:
        return await self.call("POST", path, body, **options)

    async def patch(self, path: str, body: Any, etag: str | None = None) -> Reply:
        return await self.call("PATCH", path, body, {"If-Match": etag} if etag else None)

    async def put(self, path: str, body: Any = None) -> Reply:
        return await self.call("PUT", path, body)

    async def delete(self, path: str) -> Reply:
        return await self.call("DELETE", path)

    def with_headers(self, **headers: str) -> Self:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return type(self)(self._http, self.url, {**self.headers, **more})


class Keys:
    """The key pair of a house."""

    def __init__(self, folder: Path) -> None:
        private, self.public = make_key_pair()
        self.private_file = folder / "token-private.pem"
        self.private_file.write_bytes(private)


class WorkspaceHouse:
    """One replica with what it stands on. Nothing is relayed unless a test does it."""

    def __init__(
        self, parts: Parts, app: web.Application, url: str, keys: Keys, http: aiohttp.ClientSession
    ) -> None:
        self.parts = parts
        self.app = app
        self.url = url
        self.keys = keys
        self._http = http

    @property
    def workspace(self) -> Workspace:
        return self.parts.workspace

    @property
    def database(self) -> Database:
        return self.parts.workspace.database

    def verified(self, token: str, audience: str) -> Json:
        """Return the claims of a capability, checked as the service that takes it does."""
        return TokenVerifier(self.keys.public, self.workspace.clock).verify(token, audience)

    def nobody(self) -> Caller:
        return Caller(self._http, self.url, {})

    def with_token(self, token: str) -> Caller:
        return Caller(self._http, self.url, {"Authorization": f"Bearer {token}"})

    def with_cookie(self, secret: str) -> Caller:
        return Caller(self._http, self.url, {"Cookie": f"tidings_session={secret}"})

    async def person(self, name: str, password: str | None = None) -> Person:
        """Return a new person who is in no team."""
        hashed = await self.workspace.passwords.hash(password) if password else None
        person = Person(
            id=new_id(self.workspace.clock),
            email=f"{name.lower()}@example.org",
            name=name,
            password_hash=hashed,
            created_at=self.workspace.clock.now(),
        )
        async with self.database.transaction() as tx:
            await accounts.insert_person(tx, person)
        return person

    async def caller(self, person: Person, scopes: Any = ALL_SCOPES, **limits: Any) -> Caller:
        """Return a caller with an API token of this person."""
        made = await tokens.make_token(
            self.workspace,
            Asker(person_id=person.id),
            name="test",
            scopes=scopes,
            team_id=limits.get("team_id"),
            expires_at=limits.get("expires_at"),
        )
        return self.with_token(made.secret)

    async def browser(self, person: Person, method: SignInMethod = SignInMethod.PASSWORD) -> Caller:
        """Return a caller with a session cookie of this person."""
        async with self.database.transaction() as tx:
            session = await begin_session(self.workspace, tx, person.id, method, "test browser")
        return self.with_cookie(session.secret)

    async def said(self) -> list[tuple[str, Json]]:
        """Return type and data of every message in the outbox, in order."""
        rows = await self.database.fetch("SELECT payload FROM outbox ORDER BY id")
        envelopes = [json.loads(row["payload"]) for row in rows]
        return [(e["type"].removeprefix("tidings."), e["data"]) for e in envelopes]


@dataclass(kw_only=True)
class Cast:
    """A team with one of each, and an owner of another team."""

    house: WorkspaceHouse
    owner: Caller
    member: Caller
    guest: Caller
    stranger: Caller
    people: dict[str, Person]
    team_id: str
    thread_id: str
    hidden_thread_id: str
    other_team_id: str


async def make_cast(house: WorkspaceHouse) -> Cast:
    """Found a team of owner, member and guest; the guest sees one of its two threads."""
    people = {name: await house.person(name) for name in ("Olga", "Mara", "Gus", "Sven")}
    callers = {name: await house.caller(person) for name, person in people.items()}
    owner, stranger = callers["Olga"], callers["Sven"]
    team_id = (await owner.post("/api/v1/teams", {"name": "Harbour"})).json["id"]
    other = (await stranger.post("/api/v1/teams", {"name": "Elsewhere"})).json["id"]
    threads = f"/api/v1/teams/{team_id}/threads"
    thread_id = (await owner.post(threads, {"title": "Quay 3"})).json["id"]
    hidden_id = (await owner.post(threads, {"title": "Salaries"})).json["id"]
    await admit(owner, team_id, callers["Mara"], role=Role.MEMBER)
    await admit(owner, team_id, callers["Gus"], role=Role.GUEST, thread_ids=[thread_id])
    return Cast(
        house=house,
        owner=owner,
        member=callers["Mara"],
        guest=callers["Gus"],
        stranger=stranger,
        people=people,
        team_id=team_id,
        thread_id=thread_id,
        hidden_thread_id=hidden_id,
        other_team_id=other,
    )


async def admit(owner: Caller, team_id: str, newcomer: Caller, **invitation: Any) -> None:
    """Invite somebody who has an account, and accept for them."""
    made = await owner.post(f"/api/v1/teams/{team_id}/invitations", invitation)
    assert made.status == 201, made.body
    accepted = await newcomer.post(f"/api/v1/invitations/{made.json['token']}")
    assert accepted.status == 200, accepted.body


def workspace_settings(
    *, database_url: str, nats_url: str, blobs: Path, keys: Keys, **more: Any
) -> Settings:
    """Return settings of a replica on a free port."""
    usual = {
        "http_port": 0,
        "instance": "test",
        "sign_in_limit_per_minute": 1000,
        "rate_limit_per_minute": 100_000,
    }
    return Settings(
        database_url=database_url,
        nats_url=nats_url,
        blob_url=f"file://{blobs}",
        token_private_key_file=keys.private_file,
        **{**usual, **more},
    )


@asynccontextmanager
async def running_workspace(settings: Settings, keys: Keys) -> AsyncIterator[WorkspaceHouse]:
    """Serve one replica; no relay, runner or sweeper moves unless a test does it."""
    jar = aiohttp.DummyCookieJar()
    async with open_parts(settings) as parts, aiohttp.ClientSession(cookie_jar=jar) as http:
        app = http_app(parts)
        async with serve(app, "127.0.0.1", 0) as url:
            yield WorkspaceHouse(parts, app, url, keys, http)
