"""Every route asked by everybody: what comes back follows from what the route declares.

The table below says how each route is asked and which role it takes; a route without a line fails.
Denied replies must not contain a word of what they hide.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from aiohttp import web

from services.workspace.accounts.usecases import make_link
from services.workspace.domain import ALL_SCOPES, Role
from services.workspace.routes import ROUTES
from shared.http.routes import Access, Route
from shared.http.serve import serve
from shared.http.table import each_reply
from tests.support.nats_server import TestNats
from tests.support.postgres import TestPostgres
from tests.support.workspace_house import (
    Caller,
    Cast,
    Keys,
    Reply,
    WorkspaceHouse,
    admit,
    make_cast,
    running_workspace,
    workspace_settings,
)

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

#: Words of the thread the guests and strangers may not see, and of the one strangers may not.
HIDDEN, SECRET = "Salaries", "Quay 3"
PASSWORD = "correct horse"
TEXT = {"kind": "text", "text": f"Of {SECRET}", "title": f"On {SECRET}"}

CORRECTION = {"start_ms": 0, "end_ms": 1000, "original": "meet", "replacement": f"eat ({SECRET})"}


class Reach(Enum):
    """What a caller must see before their role is even asked for."""

    OWN = auto()  # only the caller's own things
    TEAM = auto()
    THREAD = auto()


@dataclass(frozen=True)
class Ask:
    """One request."""

    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] | None = None


@dataclass(frozen=True)
class World:
    """A team with things in it, and a way to make more of them."""

    cast: Cast
    callers: dict[str, Caller]

    @property
    def house(self) -> WorkspaceHouse:
        return self.cast.house

    @property
    def team(self) -> str:
        return f"/api/v1/teams/{self.cast.team_id}"

    @property
    def thread(self) -> str:
        return f"/api/v1/threads/{self.cast.thread_id}"

    async def update(self, body: Any = None) -> str:
        """Return the address of a new update by the member."""
        posted = await self.cast.member.post(f"{self.thread}/updates", body or TEXT)
        return f"/api/v1/updates/{posted.json['update']['id']}"

    async def comment(self) -> Reply:
        path = f"{await self.update()}/comments"
        return await self.cast.member.post(path, {"text": f"About {SECRET}"})

    async def spoken(self) -> str:
        """Return the address of an update with a transcript."""
        path = await self.update({"kind": "recording", "title": f"On {SECRET}"})
        update_id = path.rpartition("/")[2]
        await self.house.database.execute(
            "UPDATE updates SET transcript_state = 'complete', recording_state = 'ready', "
            "language = 'en', duration_ms = 1000 WHERE id = $1",
            update_id,
        )
        sentence = f"We meet at {SECRET}."
        words = [
            {"start_ms": 0, "end_ms": 1000, "text": f" {text}", "confidence": 0.9}
            for text in sentence.split()
        ]
        await self.house.database.execute(
            "INSERT INTO segments (update_id, id, start_ms, end_ms, text, language, confidence, "
            "words) VALUES ($1, 0, 0, 1000, $2, 'en', 0.9, $3)",
            update_id,
            sentence,
            words,
        )
        return path

    async def correction(self) -> Reply:
        path = f"{await self.spoken()}/corrections"
        return await self.cast.member.post(path, CORRECTION)

    async def newcomer(self, role: Role, **more: Any) -> str:
        """Let somebody new into the team and return their id."""
        person = await self.house.person(f"New{datetime.now(UTC).timestamp()}")
        await admit(
            self.cast.owner, self.cast.team_id, await self.house.caller(person), role=role, **more
        )
        return str(person.id)

    async def invitation(self) -> Any:
        return (await self.cast.owner.post(f"{self.team}/invitations", {})).json

    async def foreign_invitation(self) -> str:
        """Return the secret of an invitation to a team none of the callers is in."""
        host = await self.house.caller(
            await self.house.person(f"Host{datetime.now(UTC).timestamp()}")
        )
        team = (await host.post("/api/v1/teams", {"name": "Third"})).json["id"]
        made = await host.post(f"/api/v1/teams/{team}/invitations", {"max_uses": 9})
        return str(made.json["token"])

    async def link(self) -> str:
        return await make_link(self.house.workspace, self.cast.people["Sven"].id)

    async def account(self) -> dict[str, str]:
        name = f"Acc{datetime.now(UTC).timestamp()}"
        person = await self.house.person(name, PASSWORD)
        return {"email": person.email, "password": PASSWORD}

    def newcomers_form(self) -> dict[str, str]:
        email = f"n{datetime.now(UTC).timestamp()}@example.org"
        return {"name": "Nina", "email": email, "password": PASSWORD}


Make = Callable[[World, Caller], Awaitable[Ask]]


@dataclass(frozen=True)
class Case:
    """How a route is asked, and who may."""

    make: Make
    ok: int = 200
    reach: Reach = Reach.OWN
    least: Role = Role.GUEST
    author_only: bool = False
    """Even an owner may not: only the member who wrote it."""
    author_or_owner: bool = False
    needs_session: bool = False
    ok_signed_in: int | None = None
    """Where a session opens something else than what everybody gets."""


CASES: dict[str, Case] = {}


def case(operation_id: str, **expected: Any) -> Callable[[Make], Make]:
    """Enter a line of the table."""

    def enter(make: Make) -> Make:
        CASES[operation_id] = Case(make=make, **expected)
        return make

    return enter


def plain(operation_id: str, path: str, **expected: Any) -> None:
    """Enter a route that needs nothing made; ``{team}`` and ``{thread}`` are filled in."""

    async def make(world: World, _: Caller) -> Ask:
        return Ask(path.format(team=world.team, thread=world.thread))

    CASES[operation_id] = Case(make=make, **expected)


async def etag_for(world: World, path: str) -> dict[str, str]:
    return {"If-Match": (await world.cast.member.get(path)).etag}


# --- accounts ---------------------------------------------------------------------------------

plain("listSessions", "/api/v1/sessions", needs_session=True)
plain("getMe", "/api/v1/me")
plain("createSignInLink", "/api/v1/me/sign-in-links", ok=201, needs_session=True)
plain("listTokens", "/api/v1/tokens")


@case("createSession", ok=201)
async def _(world: World, _: Caller) -> Ask:
    return Ask("/api/v1/sessions", await world.account())


@case("createSessionByLink", ok=201)
async def _(world: World, _: Caller) -> Ask:
    return Ask("/api/v1/sessions/by-link", {"token": await world.link()})


@case("deleteThisSession", ok=204, needs_session=True)
async def _(_: World, __: Caller) -> Ask:
    return Ask("/api/v1/sessions/this")


@case("deleteSession", ok=204, needs_session=True)
async def _(_: World, caller: Caller) -> Ask:
    listed = await caller.get("/api/v1/sessions")
    found = listed.json.get("items", []) if listed.status == 200 else []
    mine = next((each["id"] for each in found if each["is_this"]), uuid4())
    return Ask(f"/api/v1/sessions/{mine}")


@case("changeMe", needs_session=True)
async def _(_: World, __: Caller) -> Ask:
    return Ask("/api/v1/me", {"name": "Olga"})


@case("changePassword", ok=204, needs_session=True)
async def _(world: World, _: Caller) -> Ask:
    await world.house.database.execute("UPDATE people SET password_hash = NULL WHERE name = 'Olga'")
    return Ask("/api/v1/me/password", {"new": "another password"})


@case("createToken", ok=201)
async def _(_: World, __: Caller) -> Ask:
    return Ask("/api/v1/tokens", {"name": "child", "scopes": ["tokens:write"]})


@case("deleteToken", ok=204)
async def _(_: World, caller: Caller) -> Ask:
    body = {"name": "doomed", "scopes": ["tokens:write"]}
    made = await caller.post("/api/v1/tokens", body)
    return Ask(f"/api/v1/tokens/{made.json['id'] if made.status == 201 else uuid4()}")


# --- teams and invitations --------------------------------------------------------------------

plain("listTeams", "/api/v1/teams")
plain("getTeam", "{team}", reach=Reach.TEAM)
plain("listMembers", "{team}/members", reach=Reach.TEAM)
plain("listInvitations", "{team}/invitations", reach=Reach.TEAM, least=Role.OWNER)


@case("createTeam", ok=201)
async def _(_: World, __: Caller) -> Ask:
    return Ask("/api/v1/teams", {"name": "Another"})


@case("changeTeam", reach=Reach.TEAM, least=Role.OWNER)
async def _(world: World, _: Caller) -> Ask:
    return Ask(world.team, {"name": "Harbour"}, await etag_for(world, world.team))


@case("changeMember", ok=204, reach=Reach.TEAM, least=Role.OWNER)
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"{world.team}/members/{await world.newcomer(Role.MEMBER)}", {"role": "owner"})


@case("deleteMember", ok=204, reach=Reach.TEAM, least=Role.OWNER)
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"{world.team}/members/{await world.newcomer(Role.MEMBER)}")


@case("createInvitation", ok=201, reach=Reach.TEAM, least=Role.OWNER)
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"{world.team}/invitations", {"role": "member"})


@case("deleteInvitation", ok=204, reach=Reach.TEAM, least=Role.OWNER)
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"{world.team}/invitations/{(await world.invitation())['id']}")


@case("getInvitation")
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"/api/v1/invitations/{await world.foreign_invitation()}")


@case("acceptInvitation")
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"/api/v1/invitations/{await world.foreign_invitation()}")


@case("acceptInvitationAsNewcomer", ok=201)
async def _(world: World, _: Caller) -> Ask:
    secret = await world.foreign_invitation()
    return Ask(f"/api/v1/invitations/{secret}/newcomer", world.newcomers_form())


# --- threads ----------------------------------------------------------------------------------

plain("listThreads", "{team}/threads", reach=Reach.TEAM)
plain("getThread", "{thread}", reach=Reach.THREAD)
plain("listGuests", "{thread}/guests", reach=Reach.THREAD)


@case("createThread", ok=201, reach=Reach.TEAM, least=Role.MEMBER)
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"{world.team}/threads", {"title": "New"})


@case("changeThread", reach=Reach.THREAD, least=Role.MEMBER)
async def _(world: World, _: Caller) -> Ask:
    return Ask(world.thread, {"title": SECRET}, await etag_for(world, world.thread))


@case("putGuest", ok=204, reach=Reach.THREAD, least=Role.OWNER)
async def _(world: World, _: Caller) -> Ask:
    guest = await world.newcomer(Role.GUEST, thread_ids=[world.cast.hidden_thread_id])
    return Ask(f"{world.thread}/guests/{guest}")


@case("deleteGuest", ok=204, reach=Reach.THREAD, least=Role.OWNER)
async def _(world: World, _: Caller) -> Ask:
    guest = await world.newcomer(Role.GUEST, thread_ids=[world.cast.thread_id])
    return Ask(f"{world.thread}/guests/{guest}")


# --- updates and comments ---------------------------------------------------------------------

plain("listUpdates", "{thread}/updates", reach=Reach.THREAD)


@case("createUpdate", ok=201, reach=Reach.THREAD)
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"{world.thread}/updates", TEXT)


@case("getUpdate", reach=Reach.THREAD)
async def _(world: World, _: Caller) -> Ask:
    return Ask(await world.update())


@case("changeUpdate", reach=Reach.THREAD, author_only=True)
async def _(world: World, _: Caller) -> Ask:
    path = await world.update()
    return Ask(path, {"title": "Other"}, await etag_for(world, path))


@case("deleteUpdate", ok=204, reach=Reach.THREAD, author_or_owner=True)
async def _(world: World, _: Caller) -> Ask:
    return Ask(await world.update())


@case("renewUpload", ok=201, reach=Reach.THREAD, author_only=True)
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"{await world.update({'kind': 'recording'})}/upload")


@case("renewTranscript", ok=202, reach=Reach.THREAD, author_or_owner=True)
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"{await world.spoken()}/transcript", {})


@case("getTranscript", reach=Reach.THREAD)
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"{await world.spoken()}/transcript?format=vtt")


@case("getSummary", reach=Reach.THREAD)
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"{await world.spoken()}/summary")


@case("listCorrections", reach=Reach.THREAD)
async def _(world: World, _: Caller) -> Ask:
    update_id = (await world.correction()).json["update_id"]
    return Ask(f"/api/v1/updates/{update_id}/corrections")


@case("nameSpeaker", reach=Reach.THREAD, least=Role.MEMBER)
async def _(world: World, _: Caller) -> Ask:
    path = await world.spoken()
    await world.house.database.execute(
        "UPDATE segments SET speaker = 'S1' WHERE update_id = $1", path.rpartition("/")[2]
    )
    return Ask(f"{path}/speakers/S1", {"name": "Anna"})


@case("createCorrection", ok=201, reach=Reach.THREAD, least=Role.MEMBER)
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"{await world.spoken()}/corrections", CORRECTION)


@case("deleteCorrection", ok=204, reach=Reach.THREAD, least=Role.MEMBER)
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"/api/v1/corrections/{(await world.correction()).json['id']}")


@case("listComments", reach=Reach.THREAD)
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"/api/v1/updates/{(await world.comment()).json['update_id']}/comments")


@case("createComment", ok=201, reach=Reach.THREAD)
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"{await world.update()}/comments", {"text": "x"})


@case("getComment", reach=Reach.THREAD)
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"/api/v1/comments/{(await world.comment()).json['id']}")


@case("changeComment", reach=Reach.THREAD, author_only=True)
async def _(world: World, _: Caller) -> Ask:
    posted = await world.comment()
    path = f"/api/v1/comments/{posted.json['id']}"
    return Ask(path, {"text": "y"}, {"If-Match": posted.etag})


@case("deleteComment", ok=204, reach=Reach.THREAD, author_or_owner=True)
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"/api/v1/comments/{(await world.comment()).json['id']}")


# --- search and events ------------------------------------------------------------------------


@case("search", reach=Reach.THREAD)
async def _(world: World, _: Caller) -> Ask:
    await world.spoken()
    return Ask(f"/api/v1/search?q=Quay&thread_id={world.cast.thread_id}")


plain("getAsyncApi", "/asyncapi.json")


@case("listEvents", reach=Reach.TEAM)
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"/api/v1/events?team_id={world.cast.team_id}")


@case("createEventCredentials", ok=201, reach=Reach.TEAM, least=Role.OWNER)
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"{world.team}/event-credentials")


@case("deleteEventCredential", ok=204, reach=Reach.TEAM, least=Role.OWNER)
async def _(world: World, _: Caller) -> Ask:
    made = await world.cast.owner.post(f"{world.team}/event-credentials")
    return Ask(f"{world.team}/event-credentials/{made.json['credential_id']}")


plain("listEventCredentials", "{team}/event-credentials", reach=Reach.TEAM, least=Role.OWNER)


# --- pages ------------------------------------------------------------------------------------

plain("getStyle", "/style.css")
plain("getSignInPage", "/sign-in")
plain("getAsset", "/assets/nothing.js", ok=404)
plain("postSignOutPage", "/sign-out", ok=303)
plain("getProviderPage", "/sign-in/provider", ok=404)
plain("getProviderCallbackPage", "/sign-in/provider/callback?code=x&state=x", ok=401)


@case("getHomePage", ok=303, ok_signed_in=200)
async def _(_: World, __: Caller) -> Ask:
    return Ask("/")


@case("getThreadPage", ok=303, ok_signed_in=200)
async def _(world: World, _: Caller) -> Ask:
    return Ask(world.thread.removeprefix("/api/v1"))


@case("getUpdatePage", ok=303, ok_signed_in=200)
async def _(world: World, _: Caller) -> Ask:
    return Ask((await world.update()).removeprefix("/api/v1"))


@case("getSearchPage", ok=303, ok_signed_in=200)
async def _(_: World, __: Caller) -> Ask:
    return Ask("/search?q=quay")


@case("getSettingsPage", ok=303, ok_signed_in=200)
async def _(_: World, __: Caller) -> Ask:
    return Ask("/settings")


@case("getTeamSettingsPage", ok=303, ok_signed_in=200)
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"/teams/{world.cast.team_id}/settings")


@case("postSignInPage", ok=303)
async def _(world: World, _: Caller) -> Ask:
    return Ask("/sign-in", form=await world.account())


@case("getLinkPage")
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"/sign-in/link/{await world.link()}")


@case("postLinkPage", ok=303)
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"/sign-in/link/{await world.link()}")


@case("getJoinPage")
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"/join/{await world.foreign_invitation()}")


@case("postJoinPage", ok=303)
async def _(world: World, _: Caller) -> Ask:
    return Ask(f"/join/{await world.foreign_invitation()}", form=world.newcomers_form())


# --- who asks, and what they must get ---------------------------------------------------------

ROLES: dict[str, Role | None] = {
    "guest": Role.GUEST,
    "guest elsewhere": Role.GUEST,
    "member": Role.MEMBER,
    "owner": Role.OWNER,
    "owner's session": Role.OWNER,
    "owner of another team": None,
}
RANK = {Role.GUEST: 0, Role.MEMBER: 1, Role.OWNER: 2}
CALLERS = ("anonymous", "expired token", "narrow token", *ROLES)


def expected_status(route: Route, expected: Case, caller: str) -> int:
    """Return what the declarations of a route mean for one caller."""
    if route.access is Access.PUBLIC:
        if caller == "owner's session" and expected.ok_signed_in is not None:
            return expected.ok_signed_in
        return expected.ok
    if caller in {"anonymous", "expired token"}:
        return 401
    if caller == "narrow token":
        if route.scope is not None:
            return 403
        caller = "owner"
    if expected.needs_session and caller != "owner's session":
        return 403
    return _status_by_role(expected, caller)


def _status_by_role(expected: Case, caller: str) -> int:
    role = ROLES[caller]
    if expected.reach is Reach.OWN:
        return expected.ok
    if role is None or (expected.reach is Reach.THREAD and caller == "guest elsewhere"):
        return 404
    if RANK[role] < RANK[expected.least]:
        return 403
    if expected.author_only and caller != "member":
        return 403
    if expected.author_or_owner and role is Role.GUEST:
        return 403
    return expected.ok


async def make_callers(cast: Cast) -> dict[str, Caller]:
    house, olga = cast.house, cast.people["Olga"]
    elsewhere = await house.caller(await house.person("Gwen"))
    await admit(
        cast.owner, cast.team_id, elsewhere, role=Role.GUEST, thread_ids=[cast.hidden_thread_id]
    )
    past = datetime.now(UTC) - timedelta(minutes=1)
    return {
        "anonymous": house.nobody(),
        "expired token": await house.caller(olga, ALL_SCOPES, expires_at=past),
        "guest": cast.guest,
        "guest elsewhere": elsewhere,
        "member": cast.member,
        "owner": cast.owner,
        "owner of another team": cast.stranger,
    }


async def caller_for(world: World, route: Route, name: str) -> Caller:
    """Return the caller of this name; a narrow token is one with every scope but the route's."""
    olga = world.cast.people["Olga"]
    if name == "narrow token":
        return await world.house.caller(olga, ALL_SCOPES - {route.scope})
    if name == "owner's session":
        return await world.house.browser(olga)
    return world.callers[name]


class DeliveryStub:
    """Answers events so that the guard before it is what the table shows."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_get("/api/v1/events", self._answer)
        app.router.add_post("/api/v1/event-credentials", self._create)
        app.router.add_delete("/api/v1/event-credentials/{id}", self._delete)
        async with serve(app, "127.0.0.1", 0) as url:
            yield url

    async def _answer(self, _: web.Request) -> web.Response:
        return web.json_response({"items": [], "next_after": 0})

    async def _create(self, _: web.Request) -> web.Response:
        expires_at = datetime.now(UTC) + timedelta(days=1)
        made = {"credential_id": str(uuid4()), "expires_at": expires_at.isoformat()}
        return web.json_response(made, status=201)

    async def _delete(self, _: web.Request) -> web.Response:
        return web.Response(status=204)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    postgres_server: TestPostgres,
    nats_server: TestNats,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[World]:
    folder: Path = tmp_path_factory.mktemp("matrix")
    keys = Keys(folder)
    name = await postgres_server.clone()
    async with DeliveryStub().running() as delivery_url:
        settings = workspace_settings(
            database_url=postgres_server.service_url(name, "workspace"),
            nats_url=nats_server.url,
            nats_credentials_file=nats_server.credentials("workspace"),
            blobs=folder / "blobs",
            keys=keys,
            delivery_url=delivery_url,
        )
        async with running_workspace(settings, keys) as house:
            cast = await make_cast(house)
            yield World(cast, await make_callers(cast))
    await postgres_server.drop(name)


CELLS = [
    pytest.param(route, caller, id=f"{route.operation_id}-{caller}")
    for route in ROUTES
    for caller in CALLERS
]


async def test_every_route_has_a_line_and_every_line_a_route() -> None:
    assert set(CASES) == {route.operation_id for route in ROUTES}


@pytest.mark.parametrize(("route", "name"), CELLS)
async def test_a_route_answers_a_caller_as_declared(world: World, route: Route, name: str) -> None:
    expected = CASES[route.operation_id]
    caller = await caller_for(world, route, name)
    ask = await expected.make(world, caller)
    options: dict[str, Any] = {"data": ask.form} if ask.form else {}

    if route.method == "GET" and not is_endless(route):
        head = await caller.call("HEAD", ask.path, headers=ask.headers)
        assert head.status == expected_status(route, expected, name)
        assert head.body == b""
    reply = await caller.call(route.method, ask.path, ask.body, ask.headers, **options)

    assert reply.status == expected_status(route, expected, name), reply.body
    assert_nothing_leaks(reply, name)


def is_endless(route: Route) -> bool:
    return any("text/event-stream" in each_reply(reply) for reply in route.responses.values())


def assert_nothing_leaks(reply: Reply, name: str) -> None:
    """Check that no word shows of what this caller may not see."""
    if reply.status >= 400 or ROLES.get(name) is None:
        assert SECRET.encode() not in reply.body
    if name != "guest elsewhere" and (reply.status >= 400 or ROLES.get(name) in {None, Role.GUEST}):
        assert HIDDEN.encode() not in reply.body
    if name == "guest elsewhere":
        assert SECRET.encode() not in reply.body
