"""The pages the server draws, and the first start."""

import re
from urllib.parse import urlencode

import pytest

from services.workspace.accounts.usecases import make_link
from services.workspace.bootstrap import PersonMissingError, link_for, welcome_owner
from tests.support.workspace_house import Cast, Reply, WorkspaceHouse

pytestmark = pytest.mark.integration


def session_of(reply: Reply) -> str:
    return str(reply.headers["Set-Cookie"].split("=", 1)[1].split(";")[0])


async def test_looking_at_a_link_does_not_use_it_up_and_confirming_does(
    house: WorkspaceHouse,
) -> None:
    path = f"/sign-in/link/{await make_link(house.workspace, (await house.person('Ann')).id)}"
    nobody = house.nobody()

    looks = [await nobody.get(path) for _ in range(3)]
    looks.append(await nobody.call("HEAD", path))
    confirmed = await nobody.post(path)
    again = await nobody.post(path)

    assert [look.status for look in looks] == [200] * 4
    assert "Set-Cookie" not in looks[0].headers
    assert (confirmed.status, confirmed.headers["Location"]) == (303, "/")
    ann = house.with_cookie(session_of(confirmed))
    assert (await ann.get("/api/v1/me")).json["name"] == "Ann"
    assert again.status == 401
    assert (await nobody.get(path)).status == 401


async def test_pages_run_no_script_ask_no_one_and_cannot_be_framed(house: WorkspaceHouse) -> None:
    page = await house.nobody().get("/sign-in")

    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert not re.search(rb"<script|https?://| on\w+=", page.body)
    assert (await house.nobody().get("/style.css")).headers["Content-Type"].startswith("text/css")


async def test_home_sends_strangers_to_sign_in_and_opens_for_no_token(cast: Cast) -> None:
    for caller in (cast.house.nobody(), cast.owner, cast.house.with_cookie("wrong")):
        reply = await caller.get("/")
        assert (reply.status, reply.headers["Location"]) == (303, "/sign-in")


async def test_the_page_runs_only_our_scripts_and_talks_to_no_one_but_us(cast: Cast) -> None:
    guest = await cast.house.browser(cast.people["Gus"])

    paths = ("/", "/threads/x", "/updates/x?t=3", "/search", "/settings", "/teams/x/settings")
    pages = [await guest.get(path) for path in paths]

    policies = [page.headers["Content-Security-Policy"] for page in pages]
    assert len(set(policies)) == len(pages), "a nonce is for one reply"
    for page, policy in zip(pages, policies, strict=True):
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "connect-src 'self' http://localhost:8081;" in policy
        assert "unsafe" not in policy
        assert page.headers["Cache-Control"] == "no-cache"
        assert not re.search(rb"https?://| on\w+=|<script>|<style", page.body)


async def test_assets_are_kept_for_ever_and_come_compressed(cast: Cast) -> None:
    guest = await cast.house.browser(cast.people["Gus"])
    found = re.search(rb'src="(/assets/[^"]+\.js)"', (await guest.get("/")).body)
    assert found
    path = found[1].decode()

    nobody = cast.house.nobody()
    plain = await nobody.get(path, headers={"Accept-Encoding": "identity"})
    small = await nobody.call("HEAD", path, headers={"Accept-Encoding": "gzip"})
    away = [await nobody.get(f"/assets/{name}") for name in ("no.js", "..%2Findex.html", "x.py")]

    assert "immutable" in plain.headers["Cache-Control"]
    assert plain.headers["Content-Type"].startswith("text/javascript")
    assert small.headers["Content-Encoding"] == "gzip"
    assert int(small.headers["Content-Length"]) < len(plain.body) / 2
    assert [reply.status for reply in away] == [404, 404, 404]


async def test_whoever_signs_in_goes_on_to_where_they_were_going(cast: Cast) -> None:
    nobody = cast.house.nobody()
    await cast.house.person("Ann", "correct horse")
    form = {"email": "ann@example.org", "password": "correct horse"}

    sent = await nobody.get("/updates/x?t=83")
    shown = await nobody.get(sent.headers["Location"])
    onward = await nobody.post("/sign-in", data={**form, "next": "/updates/x?t=83"})
    away = [
        await nobody.post("/sign-in", data={**form, "next": address})
        for address in ("https://evil.example", "//evil.example", "/\\evil.example", "/\nx: y")
    ]

    assert sent.headers["Location"] == "/sign-in?next=%2Fupdates%2Fx%3Ft%3D83"
    assert b'name="next" value="/updates/x?t=83"' in shown.body
    assert onward.headers["Location"] == "/updates/x?t=83"
    assert [reply.headers["Location"] for reply in away] == ["/"] * 4


async def test_the_form_signs_in_and_out(house: WorkspaceHouse) -> None:
    await house.person("Ann", "correct horse")
    form = {"email": "ann@example.org", "password": "correct horse"}

    wrong = await house.nobody().post("/sign-in", data={**form, "password": "wrong"})
    empty = await house.nobody().post("/sign-in", data={})
    right = await house.nobody().post("/sign-in", data=form)
    ann = house.with_cookie(session_of(right))
    out = await ann.post("/sign-out")

    assert (wrong.status, empty.status, right.status) == (401, 401, 303)
    assert b"address or the password is wrong" in wrong.body
    assert (out.status, out.headers["Location"]) == (303, "/sign-in")
    assert (await ann.get("/api/v1/me")).status == 401


async def test_whoever_guesses_too_often_is_told_so_on_the_form_and_types_no_address_twice(
    house: WorkspaceHouse,
) -> None:
    form = {"email": "ann@example.org", "password": "wrong"}

    replies = [await house.nobody().post("/sign-in", data=form) for _ in range(11)]

    assert [reply.status for reply in replies] == [401] * 10 + [429]
    assert b"Too many failed sign-ins" in replies[-1].body
    for reply in replies[-2:]:
        assert b'value="ann@example.org"' in reply.body
        assert b'type="password"' in reply.body
        assert b'value="wrong"' not in reply.body


async def test_an_invitation_is_found_again_after_signing_in_and_after_a_mistake(
    cast: Cast,
) -> None:
    house = cast.house
    await house.person("Ann", "correct horse")
    made = await cast.owner.post(f"/api/v1/teams/{cast.team_id}/invitations", {"role": "member"})
    address = f"/join/{made.json['token']}"
    taken = {"name": "An <b>", "email": "ann@example.org", "password": "long enough it is"}

    offered = await house.nobody().get(address)
    refused = await house.nobody().post(address, data=taken)
    sign_in = {"email": "ann@example.org", "password": "correct horse", "next": address}
    back = await house.nobody().post("/sign-in", data=sign_in)

    assert f'href="/sign-in?{urlencode({"next": address})}"' in offered.body.decode()
    assert (refused.status, back.headers["Location"]) == (409, address)
    assert b'value="An &lt;b&gt;"' in refused.body
    assert b'value="ann@example.org"' in refused.body
    assert b"long enough it is" not in refused.body


async def test_the_servers_own_pages_speak_the_readers_language(cast: Cast) -> None:
    made = await cast.owner.post(f"/api/v1/teams/{cast.team_id}/invitations", {"role": "member"})
    german = cast.house.nobody().with_headers(**{"Accept-Language": "fr, nl;q=0.4, de-AT;q=0.9"})
    dutch = cast.house.nobody().with_headers(**{"Accept-Language": "nl-BE, en;q=0.5"})

    sign_in = await german.get("/sign-in")
    wrong = await german.post("/sign-in", data={"email": "x@example.org", "password": "wrong"})
    over = await german.get("/sign-in/link/nothing")
    invited = await dutch.get(f"/join/{made.json['token']}")
    short = await dutch.post(f"/join/{made.json['token']}", data={"name": "Nina"})

    assert b'<html lang="de">' in sign_in.body
    assert sign_in.headers["Vary"] == "Accept-Language"
    assert "Anmelden" in sign_in.body.decode()
    assert "oder das Passwort ist falsch" in wrong.body.decode()
    assert (over.status, "zu alt" in over.body.decode()) == (401, True)
    assert "Olga nodigt u uit voor het team Harbour" in invited.body.decode()
    assert (short.status, "Geef een naam" in short.body.decode()) == (422, True)


async def test_another_sites_form_cannot_sign_anybody_in(house: WorkspaceHouse) -> None:
    await house.person("Ann", "correct horse")
    foreign = house.nobody().with_headers(Origin="https://evil.example")

    reply = await foreign.post(
        "/sign-in", data={"email": "ann@example.org", "password": "correct horse"}
    )

    assert reply.status == 403


async def test_an_invitation_page_takes_newcomers_and_people_with_an_account(cast: Cast) -> None:
    made = await cast.owner.post(
        f"/api/v1/teams/{cast.team_id}/invitations", {"role": "member", "max_uses": 2}
    )
    path = f"/join/{made.json['token']}"
    nobody = cast.house.nobody()
    sven = await cast.house.browser(cast.people["Sven"])
    form = {"name": "Nina", "email": "nina@example.org", "password": "correct horse"}

    assert b"Olga invites you to Harbour as member" in (await nobody.get(path)).body
    short = await nobody.post(path, data={**form, "password": "short"})
    taken = await nobody.post(path, data={**form, "email": "mara@example.org"})
    nina = cast.house.with_cookie(session_of(await nobody.post(path, data=form)))
    assert b"Join as Sven" in (await sven.get(path)).body
    joined = await sven.post(path)

    assert (short.status, taken.status, joined.status) == (422, 409, 303)
    assert (await nina.get(f"/api/v1/teams/{cast.team_id}")).json["name"] == "Harbour"
    assert (await sven.get(f"/api/v1/teams/{cast.team_id}")).status == 200
    assert (await nobody.get(path)).status == 404


async def test_the_first_start_makes_owner_team_thread_token_and_link(
    house: WorkspaceHouse,
) -> None:
    welcome = await welcome_owner(house.workspace)

    owner = house.with_token(welcome.token)
    assert (await owner.get(f"/api/v1/teams/{welcome.team_id}")).json["role"] == "owner"
    assert (await owner.get(f"/api/v1/threads/{welcome.thread_id}")).json["title"] == "General"
    path = welcome.sign_in_url.removeprefix("http://localhost:8080")
    assert (await house.nobody().post(path)).status == 303


async def test_a_second_start_makes_no_second_house(house: WorkspaceHouse) -> None:
    first = await welcome_owner(house.workspace)
    again = await welcome_owner(house.workspace)

    assert (first.team_id, first.thread_id) == (again.team_id, again.thread_id)
    assert (await house.with_token(first.token).get("/api/v1/me")).status == 200


async def test_who_lost_their_way_in_gets_a_link_from_the_operator(house: WorkspaceHouse) -> None:
    await house.person("Ann")

    url = await link_for(house.workspace, "ANN@example.org")

    assert (await house.nobody().post(url.removeprefix("http://localhost:8080"))).status == 303
    with pytest.raises(PersonMissingError):
        await link_for(house.workspace, "nobody@example.org")


async def test_only_plain_forms_of_a_few_fields_are_read(house: WorkspaceHouse) -> None:
    nobody = house.nobody()

    replies = [
        await nobody.post("/sign-in", data=b"x", headers={"Content-Type": kind})
        for kind in ("multipart/form-data", "application/json", "text/plain; charset=nonsense")
    ]
    many = await nobody.post("/sign-in", data={str(number): "x" for number in range(21)})

    assert [reply.status for reply in replies] == [415, 415, 415]
    assert many.status == 400
