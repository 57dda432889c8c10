"""Passwords, sessions, one-time links and API tokens."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from argon2 import PasswordHasher

from services.workspace.accounts.domain import SignInMethod
from services.workspace.accounts.usecases import make_link, sweep
from services.workspace.domain import ALL_SCOPES
from tests.support.workspace_house import Caller, Cast, WorkspaceHouse

pytestmark = pytest.mark.integration

PASSWORD = "correct horse"


def cookie_of(reply_headers: str) -> str:
    return reply_headers.split("=", 1)[1].split(";", maxsplit=1)[0]


async def sign_in(caller: Caller, email: str, password: str = PASSWORD) -> Caller:
    reply = await caller.post("/api/v1/sessions", {"email": email, "password": password})
    assert reply.status == 201, reply.body
    return caller.with_headers(Cookie=f"tidings_session={cookie_of(reply.headers['Set-Cookie'])}")


async def test_the_right_password_begins_a_session_and_signing_out_ends_it(
    house: WorkspaceHouse,
) -> None:
    await house.person("Ann", PASSWORD)

    ann = await sign_in(house.nobody(), "ANN@example.org")

    assert (await ann.get("/api/v1/me")).json["name"] == "Ann"
    assert (await ann.delete("/api/v1/sessions/this")).status == 204
    assert (await ann.get("/api/v1/me")).code == "session-over"


async def test_a_cookie_lasts_as_long_as_the_session_that_is_used(house: WorkspaceHouse) -> None:
    ann = await house.browser(await house.person("Ann"))
    assert "Set-Cookie" not in (await ann.get("/api/v1/me")).headers

    await house.database.execute("UPDATE sessions SET last_used_at = now() - interval '1 hour'")
    extended = (await ann.get("/")).headers["Set-Cookie"]
    assert f"tidings_session={cookie_of(extended)}" == ann.headers["Cookie"]
    assert f"Max-Age={30 * 24 * 3600};" in extended
    assert "Set-Cookie" not in (await ann.get("/api/v1/me")).headers

    await house.database.execute("UPDATE sessions SET last_used_at = now() - interval '1 hour'")
    ended = await ann.delete("/api/v1/sessions/this")
    assert "Max-Age=0;" in ended.headers["Set-Cookie"]


async def test_a_browser_with_a_name_that_is_no_text_is_let_in_too(house: WorkspaceHouse) -> None:
    await house.person("Ann", PASSWORD)
    body = json.dumps({"email": "ann@example.org", "password": PASSWORD}).encode()
    place = urlsplit(house.nobody().url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(
        b"POST /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"User-Agent: Brows\xe9r\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    assert (await reader.read()).startswith(b"HTTP/1.1 201 ")
    writer.close()


async def test_unknown_address_and_wrong_password_are_answered_alike(house: WorkspaceHouse) -> None:
    await house.person("Ann", PASSWORD)
    await house.person("Bare")
    nobody = house.nobody()

    replies = [
        await nobody.post("/api/v1/sessions", {"email": email, "password": "wrong password"})
        for email in ("ann@example.org", "bare@example.org", "unknown@example.org")
    ]

    assert {(reply.status, reply.code) for reply in replies} == {(401, "wrong-sign-in")}
    assert len({reply.json["detail"] for reply in replies}) == 1


async def test_ten_wrong_passwords_lock_the_account_for_a_while_even_for_the_right_one(
    house: WorkspaceHouse,
) -> None:
    await house.person("Ann", PASSWORD)
    await house.person("Ben", PASSWORD)
    body = {"email": "ann@example.org", "password": "wrong password"}
    for _ in range(10):
        assert (await house.nobody().post("/api/v1/sessions", body)).status == 401

    locked = await house.nobody().post("/api/v1/sessions", {**body, "password": PASSWORD})

    assert (locked.status, locked.code) == (429, "too-many-sign-ins")
    assert 800 < int(locked.headers["Retry-After"]) <= 900
    await sign_in(house.nobody(), "ben@example.org")
    await house.database.execute("UPDATE sign_in_failures SET at = at - interval '16 minutes'")
    await sign_in(house.nobody(), "ann@example.org")


async def test_many_guesses_at_once_find_out_no_more_than_many_in_turn(
    house: WorkspaceHouse,
) -> None:
    await house.person("Ann", PASSWORD)
    body = {"email": "ann@example.org", "password": "wrong password"}

    replies = await asyncio.gather(
        *(house.nobody().post("/api/v1/sessions", body) for _ in range(20))
    )

    assert sorted(reply.status for reply in replies) == [401] * 10 + [429] * 10


async def test_a_sign_in_that_goes_well_leaves_no_failure_behind(house: WorkspaceHouse) -> None:
    await house.person("Ann", PASSWORD)

    await sign_in(house.nobody(), "ann@example.org")

    assert await house.database.fetchval("SELECT count(*) FROM sign_in_failures") == 0


async def test_a_password_kept_with_weaker_parameters_is_kept_anew(house: WorkspaceHouse) -> None:
    person = await house.person("Ann")
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    await house.database.execute("UPDATE people SET password_hash = $1", weak)

    await sign_in(house.nobody(), person.email)

    kept = await house.database.fetchval("SELECT password_hash FROM people")
    assert not PasswordHasher().check_needs_rehash(kept)
    await sign_in(house.nobody(), person.email)


async def test_a_cookie_does_not_work_for_another_sites_page(house: WorkspaceHouse) -> None:
    browser = await house.browser(await house.person("Ann"))
    body = {"name": "Harbour"}

    for headers in (
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "https://evil.example"},
    ):
        refused = await browser.with_headers(**headers).post("/api/v1/teams", body)
        assert (refused.status, refused.code) == (403, "cross-site")
    for headers in ({"Sec_Fetch_Site": "same-origin"}, {"Origin": house.url}):
        assert (await browser.with_headers(**headers).post("/api/v1/teams", body)).status == 201


async def test_a_bad_token_is_not_saved_by_a_good_cookie(house: WorkspaceHouse) -> None:
    browser = await house.browser(await house.person("Ann"))

    for header in ("Bearer tdg_wrong", "Basic QW5uOkFubg==", "Bearer"):
        refused = await browser.with_headers(Authorization=header).get("/api/v1/me")
        assert (refused.status, refused.code) == (401, "token-refused")


async def test_a_link_signs_in_once_even_when_used_twice_at_once(house: WorkspaceHouse) -> None:
    person = await house.person("Ann")
    secret = await make_link(house.workspace, person.id)
    nobody = house.nobody()

    replies = await asyncio.gather(
        *(nobody.post("/api/v1/sessions/by-link", {"token": secret}) for _ in range(3))
    )

    assert sorted(reply.status for reply in replies) == [201, 401, 401]
    assert {reply.code for reply in replies if reply.status == 401} == {"link-over"}


async def test_an_old_link_is_over(house: WorkspaceHouse) -> None:
    person = await house.person("Ann")
    secret = await make_link(house.workspace, person.id)
    await house.database.execute("UPDATE sign_in_links SET expires_at = now()")

    reply = await house.nobody().post("/api/v1/sessions/by-link", {"token": secret})

    assert reply.code == "link-over"


async def test_people_see_and_end_their_own_sessions_only(house: WorkspaceHouse) -> None:
    ann, ben = await house.person("Ann"), await house.person("Ben")
    here, there, other = (
        await house.browser(ann),
        await house.browser(ann),
        await house.browser(ben),
    )
    mine = (await here.get("/api/v1/sessions")).json["items"]
    theirs = (await other.get("/api/v1/sessions")).json["items"]

    assert [session["is_this"] for session in mine] == [False, True]
    assert (await here.delete(f"/api/v1/sessions/{theirs[0]['id']}")).code == "session-not-found"
    assert (await here.delete(f"/api/v1/sessions/{mine[0]['id']}")).status == 204
    assert (await there.get("/api/v1/me")).status == 401
    assert (await other.get("/api/v1/me")).status == 200


async def test_sessions_and_passwords_are_out_of_reach_for_tokens(house: WorkspaceHouse) -> None:
    token = await house.caller(await house.person("Ann", PASSWORD))

    for reply in (
        await token.get("/api/v1/sessions"),
        await token.delete("/api/v1/sessions/this"),
        await token.patch("/api/v1/me", {"name": "Eve"}),
        await token.put("/api/v1/me/password", {"current": PASSWORD, "new": "another password"}),
        await token.post("/api/v1/me/sign-in-links"),
    ):
        assert (reply.status, reply.code) == (403, "session-needed")


async def test_a_new_password_needs_the_old_one_and_ends_other_sessions(
    house: WorkspaceHouse,
) -> None:
    person = await house.person("Ann", PASSWORD)
    here, there = await house.browser(person), await house.browser(person)
    path, new = "/api/v1/me/password", "another password"

    for body in ({"new": new}, {"new": new, "current": "wrong"}):
        assert (await here.put(path, body)).code == "password-needed"
    assert (await here.put(path, {"new": "short", "current": PASSWORD})).status == 422
    assert (await here.put(path, {"new": new, "current": PASSWORD})).status == 204

    assert (await there.get("/api/v1/me")).status == 401
    assert (await here.get("/api/v1/me")).status == 200
    await sign_in(house.nobody(), "ann@example.org", new)


async def test_who_forgot_the_password_sets_one_soon_after_a_link_but_not_later(
    house: WorkspaceHouse,
) -> None:
    person = await house.person("Ann", PASSWORD)
    soon = await house.browser(person, SignInMethod.LINK)
    assert (await soon.put("/api/v1/me/password", {"new": "another password"})).status == 204

    late = await house.browser(person, SignInMethod.LINK)
    await house.database.execute("UPDATE sessions SET created_at = now() - interval '16 minutes'")
    refused = await late.put("/api/v1/me/password", {"new": "a third password"})
    assert refused.code == "password-needed"


async def test_a_link_for_oneself_signs_in_elsewhere(house: WorkspaceHouse) -> None:
    browser = await house.browser(await house.person("Ann"))

    url = (await browser.post("/api/v1/me/sign-in-links")).json["url"]

    secret = url.removeprefix("http://localhost:8080/sign-in/link/")
    reply = await house.nobody().post("/api/v1/sessions/by-link", {"token": secret})
    assert reply.status == 201


async def test_a_token_is_shown_once_and_kept_as_a_hash_only(house: WorkspaceHouse) -> None:
    browser = await house.browser(await house.person("Ann"))
    body = {"name": "build server", "scopes": ["teams:read"]}

    made = (await browser.post("/api/v1/tokens", body)).json

    assert made["token"].startswith("tdg_")
    listed = (await browser.get("/api/v1/tokens")).json["items"]
    assert [token["name"] for token in listed] == ["build server"]
    assert "token" not in listed[0]
    rows = await house.database.fetch("SELECT api_tokens::text AS row FROM api_tokens")
    assert made["token"] not in rows[0]["row"]


async def test_a_revoked_and_an_expired_token_open_nothing(house: WorkspaceHouse) -> None:
    person = await house.person("Ann")
    browser = await house.browser(person)
    body = {"name": "revoked", "scopes": ["teams:read"]}
    made = (await browser.post("/api/v1/tokens", body)).json
    expired = await house.caller(person, expires_at=datetime.now(UTC) - timedelta(seconds=1))

    assert (await browser.delete(f"/api/v1/tokens/{made['id']}")).status == 204

    revoked = await house.with_token(made["token"]).get("/api/v1/teams")
    assert (revoked.status, revoked.code) == (401, "token-refused")
    assert (await expired.get("/api/v1/teams")).code == "api-token-expired"
    assert (await browser.delete(f"/api/v1/tokens/{made['id']}")).code == "token-not-found"


async def test_a_token_makes_no_wider_token(cast: Cast) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    narrow = await cast.house.caller(
        cast.people["Olga"],
        ["tokens:write", "teams:read"],
        team_id=cast.team_id,
        expires_at=soon,
    )
    fits = {
        "name": "child",
        "scopes": ["teams:read"],
        "team_id": cast.team_id,
        "expires_at": soon.isoformat(),
    }

    for wider in (
        {"scopes": ["teams:read", "updates:read"]},
        {"team_id": None},
        {"team_id": cast.other_team_id},
        {"expires_at": None},
        {"expires_at": (soon + timedelta(seconds=1)).isoformat()},
    ):
        refused = await narrow.post("/api/v1/tokens", {**fits, **wider})
        assert (refused.status, refused.code) == (403, "token-too-wide")
    assert (await narrow.post("/api/v1/tokens", fits)).status == 201


async def test_a_token_for_one_team_sees_no_other(cast: Cast) -> None:
    olga = cast.people["Olga"]
    second = (await cast.owner.post("/api/v1/teams", {"name": "Second"})).json["id"]
    limited = await cast.house.caller(olga, team_id=cast.team_id)

    teams = (await limited.get("/api/v1/teams")).json["items"]

    assert [team["id"] for team in teams] == [cast.team_id]
    assert (await limited.get(f"/api/v1/teams/{second}")).status == 404
    assert (await limited.get(f"/api/v1/threads/{cast.thread_id}")).status == 200
    assert (await limited.post("/api/v1/teams", {"name": "Third"})).code == "token-limited-to-team"
    made = await cast.stranger.post(f"/api/v1/teams/{cast.other_team_id}/invitations", {})
    joined = await limited.post(f"/api/v1/invitations/{made.json['token']}")
    assert joined.code == "token-limited-to-team"


async def test_nobody_gets_a_token_for_a_team_they_are_not_in(cast: Cast) -> None:
    body = {"name": "peek", "scopes": sorted(ALL_SCOPES), "team_id": cast.other_team_id}

    assert (await cast.owner.post("/api/v1/tokens", body)).code == "team-not-found"


async def test_an_unknown_scope_is_refused(house: WorkspaceHouse) -> None:
    browser = await house.browser(await house.person("Ann"))

    reply = await browser.post("/api/v1/tokens", {"name": "x", "scopes": ["everything"]})

    assert reply.status == 422


@pytest.mark.parametrize("name", ["", "   ", "a\x07b", "line\nend", "\ud800", "x" * 121])
async def test_names_that_are_empty_too_long_or_unprintable_are_refused(
    house: WorkspaceHouse, name: str
) -> None:
    browser = await house.browser(await house.person("Ann"))

    assert (await browser.patch("/api/v1/me", {"name": name})).status in {400, 422}


async def test_what_is_over_is_swept_away(house: WorkspaceHouse) -> None:
    person = await house.person("Ann")
    await house.browser(person)
    await make_link(house.workspace, person.id)
    await house.database.execute("UPDATE sessions SET expires_at = now() - interval '1 s'")
    await house.database.execute("UPDATE sign_in_links SET expires_at = now() - interval '1 s'")

    await sweep(house.workspace)

    for table in ("sessions", "sign_in_links"):
        assert await house.database.fetchval(f"SELECT count(*) FROM {table}") == 0  # noqa: S608
