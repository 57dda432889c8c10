"""The home: who may read it, what stays, and what is said when it cannot be used."""

from pathlib import Path

import pytest

from services.standalone.home import (
    Home,
    HomeDeniedError,
    HomeEmptyError,
    HomeInUseError,
)
from shared.contracts.registry import SERVICES
from shared.errors import StorageFullError

pytestmark = pytest.mark.unit


def test_secrets_are_made_once_and_only_we_may_read_them(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    made = {path.name: path.read_bytes() for path in home.secrets.iterdir()}
    home.prepare()
    assert {path.name: path.read_bytes() for path in home.secrets.iterdir()} == made
    assert made.keys() >= {f"database-{service}" for service in SERVICES}
    assert len(set(made.values())) == len(made)
    for path in (home.secrets, home.blobs, home.run, home.nats, *home.secrets.iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path
    # As root, PostgreSQL's own user must pass through; nobody may look inside.
    assert home.path.stat().st_mode & 0o066 == 0


def test_a_second_tidings_is_kept_out_while_the_first_runs(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    assert not home.is_in_use()
    with home.locked():
        assert home.is_in_use()
        with pytest.raises(HomeInUseError, match="already runs"), home.locked():
            pass
    assert not home.is_in_use()
    with home.locked():
        pass


def test_too_little_space_is_told_with_both_numbers(tmp_path: Path) -> None:
    for act in (Home(tmp_path / "home").prepare, Home(tmp_path / "home").probe):
        with pytest.raises(StorageFullError, match=r"only \d+ MB left and 999999999 MB") as raised:
            act(999_999_999)
        assert "TIDINGS_HOME" in raised.value.detail


def test_a_home_below_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="ascii")
    for act in (Home(tmp_path / "file" / "home").prepare, Home(tmp_path / "file" / "home").probe):
        with pytest.raises(HomeDeniedError, match="cannot write to its home"):
            act()


def test_a_probe_leaves_nothing_behind(tmp_path: Path) -> None:
    Home(tmp_path / "deep" / "home").probe()
    assert list(tmp_path.iterdir()) == []


def test_ports_are_remembered(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    postgres, nats = home.servers()
    again_postgres, again_nats = home.servers()
    assert (again_postgres.port, again_nats.port) == (postgres.port, nats.port)
    assert [server.port for server in home.running_servers()] == [postgres.port, nats.port]


def test_a_home_never_started_has_no_running_servers(tmp_path: Path) -> None:
    with pytest.raises(HomeEmptyError):
        Home(tmp_path / "home").running_servers()
