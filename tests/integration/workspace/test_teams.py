"""Teams, members, roles and invitations."""

import asyncio

import pytest

from services.workspace.domain import Role
from tests.support.workspace_house import Cast, WorkspaceHouse, admit

pytestmark = pytest.mark.integration


async def test_founding_a_team_makes_its_founder_owner_and_says_so(house: WorkspaceHouse) -> None:
    person = await house.person("Ann")
    ann = await house.caller(person)

    founded = await ann.post("/api/v1/teams", {"name": "  Harbour "})

    assert founded.status == 201
    assert founded.json["name"] == "Harbour"
    assert founded.json["role"] == "owner"
    assert await house.said() == [
        ("team.founded.v1", {"team_id": founded.json["id"], "name": "Harbour"}),
        (
            "member.joined.v1",
            {
                "team_id": founded.json["id"],
                "member_id": str(person.id),
                "name": "Ann",
                "role": "owner",
            },
        ),
    ]


async def test_renaming_needs_the_version_that_was_seen(cast: Cast) -> None:
    path = f"/api/v1/teams/{cast.team_id}"
    seen = (await cast.owner.get(path)).etag

    unconditional = await cast.owner.patch(path, {"name": "Pier"})
    first = await cast.owner.patch(path, {"name": "Pier"}, seen)
    second = await cast.owner.patch(path, {"name": "Dock"}, seen)

    assert (unconditional.status, unconditional.code) == (428, "if-match-required")
    assert (first.status, first.json["name"]) == (200, "Pier")
    assert (second.status, second.code) == (412, "stale")


async def test_owners_say_what_the_team_speaks_and_which_names_to_expect(cast: Cast) -> None:
    path = f"/api/v1/teams/{cast.team_id}"
    seen = await cast.owner.get(path)
    assert (seen.json["languages"], seen.json["glossary"]) == ([], [])

    wanted = {"languages": ["de", "nl", "de"], "glossary": [" Wijnhaven ", "Tidings"]}
    told = await cast.owner.patch(path, wanted, seen.etag)
    renamed = await cast.owner.patch(path, {"name": "Pier"}, told.etag)

    assert (told.status, told.json["languages"]) == (200, ["de", "nl"])
    assert renamed.json["glossary"] == ["Wijnhaven", "Tidings"]
    first, second = [fact for kind, fact in await cast.house.said() if kind == "team.changed.v1"]
    assert (second["name"], second["languages"]) == ("Pier", ["de", "nl"])
    assert second["revision"] == first["revision"] + 1
    assert (await cast.member.get(path)).json["glossary"] == ["Wijnhaven", "Tidings"]
    assert (await cast.guest.get(path)).json["glossary"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"languages": ["german"]},
        {"glossary": ["x" * 61]},
        {"glossary": ["a"]},
        {"glossary": [f"term {n}" for n in range(101)]},
        {"colour": "blue"},
    ],
)
async def test_what_cannot_be_a_language_or_a_name_is_refused(
    cast: Cast, body: dict[str, object]
) -> None:
    path = f"/api/v1/teams/{cast.team_id}"

    refused = await cast.owner.patch(path, body, (await cast.owner.get(path)).etag)

    assert refused.status == 422


async def test_members_may_not_rename_invite_promote_or_remove(cast: Cast) -> None:
    team = f"/api/v1/teams/{cast.team_id}"
    etag = (await cast.member.get(team)).etag
    gus = cast.people["Gus"].id

    for reply in (
        await cast.member.patch(team, {"name": "Mine"}, etag),
        await cast.member.post(f"{team}/invitations", {}),
        await cast.member.get(f"{team}/invitations"),
        await cast.member.patch(f"{team}/members/{gus}", {"role": "owner"}),
        await cast.member.delete(f"{team}/members/{gus}"),
    ):
        assert (reply.status, reply.code) == (403, "role-too-low")


async def test_a_guest_learns_no_addresses_and_no_guests_of_other_threads(cast: Cast) -> None:
    other = await cast.house.caller(await cast.house.person("Hidden"))
    await admit(
        cast.owner, cast.team_id, other, role=Role.GUEST, thread_ids=[cast.hidden_thread_id]
    )

    seen = (await cast.guest.get(f"/api/v1/teams/{cast.team_id}/members")).json["items"]

    assert [member["name"] for member in seen] == ["Olga", "Mara", "Gus"]
    assert [member["email"] for member in seen] == [None, None, "gus@example.org"]
    assert seen[2]["thread_ids"] == [cast.thread_id]


async def test_the_last_owner_can_neither_leave_nor_step_down(cast: Cast) -> None:
    olga = f"/api/v1/teams/{cast.team_id}/members/{cast.people['Olga'].id}"

    assert (await cast.owner.delete(olga)).code == "last-owner"
    assert (await cast.owner.patch(olga, {"role": "member"})).code == "last-owner"


async def test_two_owners_leaving_at_once_leave_one_behind(cast: Cast) -> None:
    members = f"/api/v1/teams/{cast.team_id}/members"
    olga, mara = cast.people["Olga"].id, cast.people["Mara"].id
    assert (await cast.owner.patch(f"{members}/{mara}", {"role": "owner"})).status == 204

    replies = await asyncio.gather(
        cast.owner.delete(f"{members}/{olga}"), cast.member.delete(f"{members}/{mara}")
    )

    assert sorted(reply.status for reply in replies) == [204, 409]


async def test_a_removed_member_sees_the_team_no_more(cast: Cast) -> None:
    mara = cast.people["Mara"].id

    removed = await cast.owner.delete(f"/api/v1/teams/{cast.team_id}/members/{mara}")

    assert removed.status == 204
    assert (await cast.member.get(f"/api/v1/teams/{cast.team_id}")).status == 404
    assert (await cast.member.get(f"/api/v1/threads/{cast.thread_id}")).status == 404
    left = {"team_id": cast.team_id, "member_id": str(mara)}
    assert (await cast.house.said())[-1] == ("member.left.v1", left)


async def test_a_removed_member_rejoins_by_no_link_made_before(cast: Cast) -> None:
    team, mara = f"/api/v1/teams/{cast.team_id}", cast.people["Mara"].id
    made = await cast.owner.post(f"{team}/invitations", {"max_uses": 5})
    link = f"/api/v1/invitations/{made.json['token']}"
    await cast.owner.delete(f"{team}/members/{mara}")

    refused = await cast.member.post(link)

    assert (refused.status, refused.code) == (403, "removed-since-invitation")
    assert (await cast.owner.get(f"{team}/invitations")).json["items"][0]["uses"] == 0
    assert (await cast.stranger.post(link)).status == 200
    await admit(cast.owner, cast.team_id, cast.member, role=Role.MEMBER)
    assert (await cast.member.get(team)).status == 200


@pytest.mark.parametrize("how", ["removed", "demoted"])
async def test_who_is_no_owner_any_more_leaves_no_invitation_behind(cast: Cast, how: str) -> None:
    team, mara = f"/api/v1/teams/{cast.team_id}", cast.people["Mara"].id
    await cast.owner.patch(f"{team}/members/{mara}", {"role": "owner"})
    made = await cast.member.post(f"{team}/invitations", {"role": "owner", "max_uses": 5})

    if how == "removed":
        await cast.owner.delete(f"{team}/members/{mara}")
    else:
        await cast.owner.patch(f"{team}/members/{mara}", {"role": "member"})

    link = f"/api/v1/invitations/{made.json['token']}"
    assert (await cast.member.post(link)).code == "invitation-over"
    assert (await cast.stranger.post(link)).code == "invitation-over"


async def test_a_guest_made_member_sees_everything_and_keeps_no_guest_place(cast: Cast) -> None:
    gus = cast.people["Gus"].id

    await cast.owner.patch(f"/api/v1/teams/{cast.team_id}/members/{gus}", {"role": "member"})

    assert (await cast.guest.get(f"/api/v1/threads/{cast.hidden_thread_id}")).status == 200
    guests = await cast.owner.get(f"/api/v1/threads/{cast.thread_id}/guests")
    assert guests.json["items"] == []


async def test_two_accepts_of_a_one_use_invitation_let_one_in(cast: Cast) -> None:
    made = await cast.owner.post(f"/api/v1/teams/{cast.team_id}/invitations", {"role": "member"})
    newcomers = [
        await cast.house.caller(await cast.house.person(name)) for name in ("Ada", "Bo", "Cy")
    ]
    path = f"/api/v1/invitations/{made.json['token']}"

    replies = await asyncio.gather(*(newcomer.post(path) for newcomer in newcomers))

    assert sorted(reply.status for reply in replies) == [200, 404, 404]
    assert {reply.code for reply in replies if reply.status == 404} == {"invitation-over"}


async def test_an_invitation_tells_strangers_only_what_it_offers(cast: Cast) -> None:
    made = await cast.owner.post(f"/api/v1/teams/{cast.team_id}/invitations", {"role": "member"})

    offer = await cast.house.nobody().get(f"/api/v1/invitations/{made.json['token']}")

    assert made.json["url"] == f"http://localhost:8080/join/{made.json['token']}"
    assert set(offer.json) == {"team_name", "invited_by", "role", "expires_at"}
    assert offer.json["team_name"] == "Harbour"


async def test_a_newcomer_gets_account_team_and_session(cast: Cast) -> None:
    made = await cast.owner.post(f"/api/v1/teams/{cast.team_id}/invitations", {"role": "member"})
    path = f"/api/v1/invitations/{made.json['token']}/newcomer"
    body = {"name": "Nina", "email": " Nina@Example.org", "password": "correct horse"}

    accepted = await cast.house.nobody().post(path, body)

    assert accepted.status == 201
    cookie = accepted.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie  # the public address of this house is http
    nina = cast.house.with_cookie(cookie.split("=", 1)[1].split(";")[0])
    assert (await nina.get("/api/v1/me")).json["email"] == "nina@example.org"
    assert (await nina.get(f"/api/v1/teams/{cast.team_id}")).json["role"] == "member"


async def test_a_taken_address_leaves_the_invitation_unused(cast: Cast) -> None:
    made = await cast.owner.post(f"/api/v1/teams/{cast.team_id}/invitations", {"role": "member"})
    path = f"/api/v1/invitations/{made.json['token']}"
    body = {"name": "Mara", "email": "mara@example.org", "password": "correct horse"}

    refused = await cast.house.nobody().post(f"{path}/newcomer", body)

    assert (refused.status, refused.code) == (409, "email-taken")
    assert (await cast.house.nobody().get(path)).status == 200


async def test_a_member_accepting_again_uses_nothing_up(cast: Cast) -> None:
    made = await cast.owner.post(f"/api/v1/teams/{cast.team_id}/invitations", {"role": "member"})
    path = f"/api/v1/invitations/{made.json['token']}"

    assert (await cast.member.post(path)).code == "already-a-member"
    assert (await cast.owner.post(path)).code == "already-a-member"
    assert (await cast.guest.post(path)).json["role"] == "member"


async def test_withdrawn_and_expired_invitations_are_over(cast: Cast) -> None:
    invitations = f"/api/v1/teams/{cast.team_id}/invitations"
    withdrawn = (await cast.owner.post(invitations, {})).json
    expired = (await cast.owner.post(invitations, {})).json
    await cast.owner.delete(f"{invitations}/{withdrawn['id']}")
    await cast.house.database.execute(
        "UPDATE invitations SET expires_at = now() - interval '1 s' WHERE id = $1", expired["id"]
    )

    for made in (withdrawn, expired):
        reply = await cast.stranger.post(f"/api/v1/invitations/{made['token']}")
        assert (reply.status, reply.code) == (404, "invitation-over")
    assert (await cast.owner.get(invitations)).json["items"] == []


async def test_guests_are_invited_to_threads_of_the_team_and_others_to_none(cast: Cast) -> None:
    invitations = f"/api/v1/teams/{cast.team_id}/invitations"
    foreign = await cast.stranger.post(
        f"/api/v1/teams/{cast.other_team_id}/threads", {"title": "Theirs"}
    )

    for body in (
        {"role": "guest"},
        {"role": "guest", "thread_ids": [foreign.json["id"]]},
        {"role": "member", "thread_ids": [cast.thread_id]},
    ):
        assert (await cast.owner.post(invitations, body)).code == "invitation-threads"
