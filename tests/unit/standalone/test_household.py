"""What each process is told, and what it is not."""

from pathlib import Path

import pytest

from services.standalone.home import Home
from services.standalone.household import MEMBERS, Household, Member
from services.standalone.places import Places
from services.standalone.settings import PORTS_USED, StandaloneSettings

pytestmark = pytest.mark.unit


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def _household(home: Home, **options: object) -> Household:
    settings = StandaloneSettings.model_validate({"home": home.path, "port": 9000, **options})
    return Household(settings, home, Places.of(settings, home, home.servers()))


def test_every_member_has_a_port_of_its_own_after_the_page_s(home: Home) -> None:
    household = _household(home)
    ports = [household.port(member) for member in MEMBERS]
    assert ports == list(range(9000, 9000 + PORTS_USED))


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: str(member.name))
def test_no_secret_stands_in_an_environment(home: Home, member: Member) -> None:
    env = " ".join(_household(home).env(member).values())
    for secret in home.secrets.glob("database-*"):
        assert secret.read_text(encoding="ascii").strip() not in env


def test_only_the_workspace_can_sign_tokens(home: Home) -> None:
    household = _household(home)
    signers = {
        member.service
        for member in MEMBERS
        if "TIDINGS_TOKEN_PRIVATE_KEY_FILE" in household.env(member)
    }
    assert signers == {"workspace"}


def test_every_service_gets_its_own_role_and_credentials(home: Home) -> None:
    household = _household(home)
    for member in MEMBERS:
        env = household.env(member)
        url = Path(env["TIDINGS_DATABASE_URL_FILE"]).read_text(encoding="ascii")
        assert url.startswith(f"postgresql://tidings_{member.service}:")
        assert env["TIDINGS_NATS_CREDENTIALS_FILE"].endswith(f"/{member.service}.creds")
        assert Path(env["TIDINGS_DATABASE_URL_FILE"]).stat().st_mode & 0o077 == 0


def test_only_page_and_uploads_are_let_out_of_the_machine(home: Home) -> None:
    household = _household(home, http_host="0.0.0.0")  # noqa: S104 - what is being tested
    out = [member.name for member in MEMBERS if household.host(member) != "127.0.0.1"]
    assert out == ["workspace", "upload"]


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:9000"),  # noqa: S104 - what is being tested
        ("::", "http://[::1]:9000"),
        ("192.168.1.5", "http://192.168.1.5:9000"),
    ],
)
def test_a_member_is_asked_where_it_listens(home: Home, host: str, url: str) -> None:
    household = _household(home, http_host=host)
    assert household.url(MEMBERS[0]) == url
    assert household.url(MEMBERS[2]) == "http://127.0.0.1:9002"


def test_pages_of_the_public_address_and_those_named_may_upload(home: Home) -> None:
    household = _household(
        home,
        public_url="https://tidings.example.org",
        upload_cors_origins=("https://intranet.example.org",),
    )
    origins = household.env(MEMBERS[1])["TIDINGS_UPLOAD_CORS_ORIGINS"]
    assert '"https://tidings.example.org"' in origins
    assert '"https://intranet.example.org"' in origins
    assert '"http://localhost:9000"' in origins


@pytest.mark.parametrize(
    ("told", "uploads"),
    [
        ({}, "http://localhost:9001"),
        ({"public_url": "http://192.168.1.5:9000"}, "http://192.168.1.5:9001"),
        ({"public_url": "http://[fd00::5]:9000"}, "http://[fd00::5]:9001"),
        ({"public_url": "https://t.example.org"}, "https://t.example.org:9001"),
        ({"upload_public_url": "https://up.example.org"}, "https://up.example.org"),
    ],
)
def test_uploads_are_where_the_page_is_unless_told(
    home: Home, told: dict[str, str], uploads: str
) -> None:
    """With the page's address alone everybody else's browser was sent to its own localhost."""
    assert _household(home, **told).env(MEMBERS[0])["TIDINGS_UPLOAD_PUBLIC_URL"] == uploads


def test_both_halves_of_a_service_know_their_role(home: Home) -> None:
    household = _household(home)
    roles = {
        member.name: value
        for member in MEMBERS
        for name, value in household.env(member).items()
        if name.endswith("_ROLE")
    }
    assert roles == {
        "upload": "http",
        "media": "media",
        "transcription": "follower",
        "recogniser": "recogniser",
    }
