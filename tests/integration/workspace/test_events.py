"""Events are guarded here and answered by another service, here a small one of the test's own."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from aiohttp import web

from services.workspace.events import credentials
from services.workspace.events.streams import STREAMS_PER_PERSON
from services.workspace.settings import Settings
from shared.http.serve import serve
from shared.testing.waiting import until
from tests.support.workspace_house import (
    Caller,
    Cast,
    Json,
    Keys,
    WorkspaceHouse,
    make_cast,
    running_workspace,
)

pytestmark = pytest.mark.integration


class Delivery:
    """Answers like the delivery service and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[web.Request] = []
        self.is_away = False
        self.end_streams = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        if self.is_away:
            return web.Response(status=503)
        if "follow=true" in request.query_string or "stream" in request.headers.get("Accept", ""):
            await self.end_streams.wait()
        if request.method == "POST":
            expires_at = datetime.now(UTC) + timedelta(days=1)
            made = {"credential_id": str(uuid4()), "expires_at": expires_at.isoformat()}
            return web.json_response({**made, "stream": "FACTS"}, status=201)
        if request.method in {"PUT", "DELETE"}:
            return web.Response(status=204)
        return web.json_response({"items": []})

    def claims(self, house: WorkspaceHouse, audience: str) -> Json:
        header = self.asked[-1].headers["Authorization"]
        return house.verified(header.removeprefix("Bearer "), audience)


@pytest.fixture
def delivery() -> Delivery:
    return Delivery()


@pytest.fixture
async def cast(settings: Settings, keys: Keys, delivery: Delivery) -> AsyncIterator[Cast]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", delivery.answer)
    async with serve(app, "127.0.0.1", 0) as url:
        ours = settings.model_copy(update={"delivery_url": url})
        async with running_workspace(ours, keys) as house:
            yield await make_cast(house)


async def test_members_read_all_events_of_their_team(cast: Cast, delivery: Delivery) -> None:
    reply = await cast.member.get("/api/v1/events?after=7&limit=3")

    assert (reply.status, reply.json) == (200, {"items": []})
    assert delivery.asked[-1].path_qs == "/api/v1/events?after=7&limit=3&follow=false"
    claims = delivery.claims(cast.house, "events")
    assert (claims["team_id"], claims["threads"]) == (cast.team_id, None)


async def test_guests_read_events_of_their_threads(cast: Cast, delivery: Delivery) -> None:
    await cast.guest.get("/api/v1/events")

    assert delivery.claims(cast.house, "events")["threads"] == [cast.thread_id]


async def test_events_of_another_team_are_not_even_asked_for(
    cast: Cast, delivery: Delivery
) -> None:
    reply = await cast.stranger.get(f"/api/v1/events?team_id={cast.team_id}")

    assert (reply.status, reply.code) == (404, "team-not-found")
    assert delivery.asked == []


async def test_who_is_in_several_teams_says_which(cast: Cast) -> None:
    await cast.owner.post("/api/v1/teams", {"name": "Second"})

    assert (await cast.owner.get("/api/v1/events")).code == "team-needed"
    assert (await cast.owner.get(f"/api/v1/events?team_id={cast.team_id}")).status == 200


async def test_only_owners_make_credentials_for_the_stream(cast: Cast, delivery: Delivery) -> None:
    path = f"/api/v1/teams/{cast.team_id}/event-credentials"

    assert (await cast.member.post(path)).code == "role-too-low"
    assert (await cast.guest.post(path)).code == "role-too-low"
    assert (await cast.stranger.post(path)).code == "team-not-found"
    assert delivery.asked == []
    assert (await cast.owner.post(path)).status == 201
    assert delivery.claims(cast.house, "event-credentials")["team_id"] == cast.team_id


async def test_nobody_holds_more_than_so_many_streams_open(cast: Cast, delivery: Delivery) -> None:
    path, accept = "/api/v1/events", {"Accept": "text/event-stream"}
    streams = [
        asyncio.create_task(
            cast.member.get(f"{path}?follow=true")
            if number % 2
            else cast.member.get(path, headers=accept)
        )
        for number in range(STREAMS_PER_PERSON)
    ]

    async def all_open() -> bool:
        return len(delivery.asked) == STREAMS_PER_PERSON

    await until(all_open)
    refused = await cast.member.get(path, headers=accept)
    pages = await cast.member.get(path)
    delivery.end_streams.set()
    ended = await asyncio.gather(*streams)

    assert (refused.status, refused.code) == (429, "too-many-event-streams")
    assert int(refused.headers["Retry-After"]) > 0
    assert pages.status == 200
    assert {reply.status for reply in ended} == {200}
    assert (await cast.member.get(path, headers=accept)).status == 200


async def make_credential(caller: Caller, path: str) -> str:
    made = await caller.post(path)
    assert (made.status, made.json["stream"]) == (201, "FACTS")
    assert made.headers["Cache-Control"] == "no-store"
    return str(made.json["credential_id"])


async def test_a_credential_is_listed_until_an_owner_revokes_it(
    cast: Cast, delivery: Delivery
) -> None:
    path = f"/api/v1/teams/{cast.team_id}/event-credentials"
    kept, doomed = [await make_credential(cast.owner, path) for _ in range(2)]
    listed = (await cast.owner.get(path)).json["items"]
    assert [each["id"] for each in listed] == sorted([kept, doomed], reverse=True)
    assert {each["created_by_name"] for each in listed} == {"Olga"}

    elsewhere = f"/api/v1/teams/{cast.other_team_id}/event-credentials/{doomed}"
    assert (await cast.stranger.delete(elsewhere)).code == "event-credential-not-found"
    assert (await cast.member.delete(f"{path}/{doomed}")).code == "role-too-low"
    assert delivery.asked[-1].method == "POST"
    delivery.is_away = True
    assert (await cast.owner.delete(f"{path}/{doomed}")).status == 503
    assert len((await cast.owner.get(path)).json["items"]) == 2
    delivery.is_away = False

    assert (await cast.owner.delete(f"{path}/{doomed}")).status == 204

    claims = delivery.claims(cast.house, "event-credentials")
    assert (claims["team_id"], claims["credential_id"]) == (cast.team_id, doomed)
    assert delivery.asked[-1].path == f"/api/v1/event-credentials/{doomed}"
    assert [each["id"] for each in (await cast.owner.get(path)).json["items"]] == [kept]
    assert (await cast.owner.delete(f"{path}/{doomed}")).code == "event-credential-not-found"


async def test_what_a_credential_reads_is_made_again_until_it_is_revoked(
    cast: Cast, delivery: Delivery
) -> None:
    """A restored bus has no readers: credentials were listed as valid and read nothing."""
    path = f"/api/v1/teams/{cast.team_id}/event-credentials"
    kept, doomed = [await make_credential(cast.owner, path) for _ in range(2)]
    assert (await cast.owner.delete(f"{path}/{doomed}")).status == 204
    before = len(delivery.asked)

    await credentials.sweep(cast.house.workspace)

    (asked,) = delivery.asked[before:]
    assert (asked.method, asked.path) == ("PUT", f"/api/v1/event-credentials/{kept}")
    claims = delivery.claims(cast.house, "event-credentials")
    assert (claims["team_id"], claims["credential_id"]) == (cast.team_id, kept)


@pytest.mark.parametrize("how", ["removed", "demoted"])
async def test_who_is_no_owner_any_more_leaves_no_credential_even_while_delivery_is_away(
    cast: Cast, delivery: Delivery, how: str
) -> None:
    team = f"/api/v1/teams/{cast.team_id}"
    mara = f"{team}/members/{cast.people['Mara'].id}"
    await cast.owner.patch(mara, {"role": "owner"})
    doomed = await make_credential(cast.member, f"{team}/event-credentials")
    delivery.is_away = True

    if how == "removed":
        gone = await cast.owner.delete(mara)
    else:
        gone = await cast.owner.patch(mara, {"role": "member"})

    assert gone.status == 204
    assert (await cast.owner.get(f"{team}/event-credentials")).json["items"] == []
    delivery.is_away = False
    before = len(delivery.asked)
    await credentials.sweep(cast.house.workspace)
    await credentials.sweep(cast.house.workspace)
    (asked,) = delivery.asked[before:]
    assert (asked.method, asked.path) == ("DELETE", f"/api/v1/event-credentials/{doomed}")


async def test_a_delivery_service_that_is_away_is_a_passing_trouble(
    settings: Settings, keys: Keys
) -> None:
    away = settings.model_copy(update={"delivery_url": "http://127.0.0.1:9"})
    async with running_workspace(away, keys) as house:
        cast = await make_cast(house)
        reply = await cast.owner.get("/api/v1/events")

    assert (reply.status, reply.code) == (503, "unavailable")
