"""Sign-in with an OpenID Connect provider that really runs."""

import re
from collections.abc import AsyncIterator, Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest

from services.workspace.accounts.usecases import make_link
from services.workspace.settings import Settings
from tests.support.oidc_provider import running_provider
from tests.support.workspace_house import Keys, Reply, WorkspaceHouse, running_workspace

pytestmark = pytest.mark.integration

ANN = {"sub": "ann", "email": "Ann@Example.org", "email_verified": True, "name": "Ann Droog"}
EVE = {"sub": "eve", "email": "ann@example.org", "email_verified": False, "name": "Eve"}
CALLBACK = "/sign-in/provider/callback"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with running_provider(ANN, EVE) as running:
        yield running


@pytest.fixture
async def house(settings: Settings, keys: Keys, issuer: str) -> AsyncIterator[WorkspaceHouse]:
    ours = settings.model_copy(
        update={
            "oidc_issuer": issuer,
            "oidc_client_id": "tidings",
            "oidc_client_secret": "between us",
        }
    )
    async with running_workspace(ours, keys) as running:
        yield running


async def depart(house: WorkspaceHouse) -> tuple[str, str]:
    """Go to the provider; return its address and the state cookie."""
    reply = await house.nobody().get("/sign-in/provider")
    assert reply.status == 303
    cookie = reply.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    return reply.headers["Location"], cookie.split(";")[0]


async def consent(address: str, subject: str) -> str:
    """Say yes at the provider; return path and query of the way back."""
    async with (
        aiohttp.ClientSession() as http,
        http.post(address, data={"sub": subject}, allow_redirects=False) as reply,
    ):
        back = urlsplit(reply.headers["Location"])
    return f"{back.path}?{back.query}"


async def come_back(house: WorkspaceHouse, path: str, cookie: str) -> Reply:
    return await house.nobody().with_headers(Cookie=cookie).get(path)


def session_of(reply: Reply) -> str:
    cookies = reply.headers.getall("Set-Cookie")
    (session,) = [each for each in cookies if each.startswith("tidings_session=")]
    return str(session.split("=", 1)[1].split(";")[0])


async def test_a_verified_address_founds_an_account_and_later_finds_it(
    house: WorkspaceHouse,
) -> None:
    names = []
    for _ in range(2):
        address, cookie = await depart(house)
        back = await come_back(house, await consent(address, "ann"), cookie)
        assert (back.status, back.headers["Location"]) == (303, "/")
        me = await house.with_cookie(session_of(back)).get("/api/v1/me")
        names.append((me.json["id"], me.json["email"], me.json["name"]))

    assert names[0] == names[1]
    assert names[0][1:] == ("ann@example.org", "Ann Droog")


async def test_a_verified_address_finds_the_account_made_by_invitation(
    house: WorkspaceHouse,
) -> None:
    person = await house.person("Ann")

    address, cookie = await depart(house)
    back = await come_back(house, await consent(address, "ann"), cookie)

    me = await house.with_cookie(session_of(back)).get("/api/v1/me")
    assert me.json["id"] == str(person.id)


async def test_the_owner_of_an_address_shuts_out_who_had_only_typed_it(
    house: WorkspaceHouse,
) -> None:
    squatter = await house.person("Ann", "a password of mine")
    token, browser = await house.caller(squatter), await house.browser(squatter)
    link = await make_link(house.workspace, squatter.id)

    address, cookie = await depart(house)
    back = await come_back(house, await consent(address, "ann"), cookie)

    ann = house.with_cookie(session_of(back))
    assert (await ann.get("/api/v1/me")).json["id"] == str(squatter.id)
    assert (await token.get("/api/v1/me")).status == 401
    assert (await browser.get("/api/v1/me")).status == 401
    password = {"email": squatter.email, "password": "a password of mine"}
    assert (await house.nobody().post("/api/v1/sessions", password)).status == 401
    by_link = await house.nobody().post("/api/v1/sessions/by-link", {"token": link})
    assert by_link.code == "link-over"


async def test_a_later_sign_in_leaves_password_and_tokens_alone(house: WorkspaceHouse) -> None:
    address, cookie = await depart(house)
    back = await come_back(house, await consent(address, "ann"), cookie)
    ann = house.with_cookie(session_of(back))
    assert (await ann.put("/api/v1/me/password", {"new": "a good password"})).status == 204
    token = {"name": "mine", "scopes": ["teams:read"]}
    made = (await ann.post("/api/v1/tokens", token)).json["token"]
    await house.database.execute("UPDATE identities SET subject = 'ann at another time'")

    address, cookie = await depart(house)
    await come_back(house, await consent(address, "ann"), cookie)

    assert (await house.with_token(made).get("/api/v1/teams")).status == 200
    password = {"email": "ann@example.org", "password": "a good password"}
    assert (await house.nobody().post("/api/v1/sessions", password)).status == 201


async def test_an_unverified_address_takes_over_nobodys_account(house: WorkspaceHouse) -> None:
    await house.person("Ann")

    address, cookie = await depart(house)
    back = await come_back(house, await consent(address, "eve"), cookie)

    assert back.status == 403
    assert b"has not verified" in back.body
    assert "Set-Cookie" not in back.headers


async def test_the_trip_asks_with_pkce_state_and_nonce(house: WorkspaceHouse, issuer: str) -> None:
    address, cookie = await depart(house)

    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert address.startswith(f"{issuer}/oauth2/authorize?")
    assert query["code_challenge_method"] == "S256"
    assert query["redirect_uri"] == f"http://localhost:8080{CALLBACK}"
    assert len(query["nonce"]) > 40
    assert cookie == f"tidings_sign_in={query['state']}"


async def test_a_trip_comes_back_once_to_the_browser_that_left(house: WorkspaceHouse) -> None:
    address, cookie = await depart(house)
    path = await consent(address, "ann")

    stolen = await come_back(house, path, "tidings_sign_in=another")
    without = await house.nobody().get(path)
    home = await come_back(house, path, cookie)
    again = await come_back(house, path, cookie)

    assert [reply.status for reply in (stolen, without, home, again)] == [401, 401, 303, 401]


async def test_a_code_of_another_trip_is_refused_for_its_nonce(house: WorkspaceHouse) -> None:
    first, _ = await depart(house)
    second, cookie = await depart(house)
    theirs = parse_qs(urlsplit(await consent(first, "ann")).query)["code"][0]
    state = parse_qs(urlsplit(second).query)["state"][0]

    reply = await come_back(house, f"{CALLBACK}?code={theirs}&state={state}", cookie)

    assert reply.status == 401


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [("/updates/1?t=83", "/updates/1?t=83"), ("/search?q=Köln", "/search?q=Köln"), ("//else", "/")],
)
async def test_a_trip_leads_back_to_where_one_was_going(
    house: WorkspaceHouse, wanted: str, reached: str
) -> None:
    page = await house.nobody().get(f"/sign-in?{urlencode({'next': wanted})}")
    link = re.search(r'href="(/sign-in/provider[^"]*)"', page.body.decode())
    assert link
    departure = await house.nobody().get(link[1])
    cookies = [each.split(";")[0] for each in departure.headers.getall("Set-Cookie")]
    back = await come_back(
        house, await consent(departure.headers["Location"], "ann"), "; ".join(cookies)
    )

    assert (back.status, back.headers["Location"]) == (303, reached)


async def test_who_says_no_at_the_provider_is_told_so(house: WorkspaceHouse) -> None:
    _, cookie = await depart(house)

    reply = await come_back(house, f"{CALLBACK}?error=access_denied&state=x", cookie)

    assert reply.status == 401
    assert reply.headers["Content-Type"].startswith("text/html")


async def test_a_provider_that_is_away_is_a_passing_trouble(settings: Settings, keys: Keys) -> None:
    away = settings.model_copy(
        update={"oidc_issuer": "http://127.0.0.1:9", "oidc_client_id": "tidings"}
    )
    async with running_workspace(away, keys) as house:
        reply = await house.nobody().get("/sign-in/provider")

    assert reply.status == 503


async def test_without_a_provider_there_is_no_way_to_one(settings: Settings, keys: Keys) -> None:
    async with running_workspace(settings, keys) as house:
        assert (await house.nobody().get("/sign-in/provider")).status == 404
        assert b"/sign-in/provider" not in (await house.nobody().get("/sign-in")).body
