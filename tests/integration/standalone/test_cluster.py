"""A house on many machines, prepared as the compose file does it, on real servers."""

import asyncio
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.standalone import cluster
from services.standalone.programs import Program, find_program, free_port
from shared.blobs import open_blobs
from shared.bus.bus import Bus
from shared.contracts.registry import SERVICES
from shared.db import Database
from tests.support.postgres import TestPostgres, running_postgres
from tests.support.processes import end_process, start_program
from tests.support.seaweed import Seaweed

pytestmark = pytest.mark.integration


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    cluster.make_secrets(tmp_path / "secrets")
    return tmp_path / "secrets"


@pytest.fixture
def nats_url(secrets: Path, tmp_path: Path) -> Iterator[str]:
    """A server with the configuration made for its container, moved to this machine."""
    port = free_port()
    config = tmp_path / "nats.conf"
    made = (secrets / "nats/nats-server.conf").read_text()
    config.write_text(
        made.replace("0.0.0.0:4222", f"127.0.0.1:{port}").replace('"/data"', f'"{tmp_path}/data"')
    )
    program = Program(name="nats", argv=(str(find_program("nats-server")), "-c", str(config)))
    process = start_program(program, tmp_path / "nats.log")
    try:
        yield f"nats://127.0.0.1:{port}"
    finally:
        end_process(process, program)


@pytest.fixture
def own_postgres() -> Iterator[TestPostgres]:
    """Roles belong to a whole server: one of our own, since they have other passwords."""
    with running_postgres(is_bare=True) as postgres:
        yield postgres


def moved(secrets: Path, service: str, postgres: TestPostgres) -> str:
    """Return the service's database address on this machine."""
    told = (secrets / service / "database-url").read_text()
    place = postgres.admin_url("postgres").rpartition("@")[2]
    return told.replace("postgres:5432/tidings", place)


async def test_every_service_gets_in_with_what_its_folder_holds(
    *,
    secrets: Path,
    nats_url: str,
    own_postgres: TestPostgres,
    seaweed: Seaweed,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    access_key, secret = tmp_path / "access-key", tmp_path / "secret"
    access_key.write_text(seaweed.access_key)
    secret.write_text(seaweed.secret)
    for name, value in {
        "TIDINGS_DATABASE_ADMIN_URL": own_postgres.admin_url("postgres"),
        "TIDINGS_DATABASE_PASSWORDS_DIR": str(secrets / "prepare"),
        "TIDINGS_NATS_URL": nats_url,
        "TIDINGS_NATS_CREDENTIALS_FILE": str(secrets / "prepare/nats.creds"),
        "TIDINGS_BLOB_URL": seaweed.url(bucket="cluster"),
        "TIDINGS_BLOB_ACCESS_KEY_FILE": str(access_key),
        "TIDINGS_BLOB_SECRET_FILE": str(secret),
    }.items():
        monkeypatch.setenv(name, value)

    assert await cluster.prepare()
    assert await cluster.prepare() == []

    for service in SERVICES:
        credentials = secrets / service / "nats.creds"
        bus = await Bus.connect(nats_url, service=service, credentials_file=credentials)
        await bus.close()
        database = await Database.connect(moved(secrets, service, own_postgres), schema=service)
        role = await database.fetchval("SELECT current_user")
        await database.close()
        assert role == f"tidings_{service}"
    blobs = open_blobs(seaweed.url(bucket="cluster"), seaweed.access_key, seaweed.secret)
    await blobs.put("hello", b"hello")
    assert await blobs.head("hello") is not None


def test_a_folder_holds_only_what_its_service_needs(secrets: Path) -> None:
    assert (secrets / "workspace/token-private.pem").exists()
    holders = {path.parent.name for path in secrets.rglob("token-private.pem")}
    assert holders == {"workspace", "vault"}
    assert {path.parent.name for path in secrets.rglob("team-signer.key")} >= {"delivery"}
    private = [secrets / "vault", *(secrets / service for service in SERVICES)]
    assert all(stat.S_IMODE(folder.stat().st_mode) == 0o700 for folder in private)


def test_secrets_that_are_there_stay(secrets: Path) -> None:
    before = {path: path.read_text() for path in (secrets / "vault").glob("*.pem")}
    password = (secrets / "prepare/database-admin").read_text()
    cluster.make_secrets(secrets)
    assert {path: path.read_text() for path in (secrets / "vault").glob("*.pem")} == before
    assert (secrets / "prepare/database-admin").read_text() == password


def test_a_wrong_call_says_how_to_call(capsys: pytest.CaptureFixture[str]) -> None:
    assert cluster.main(["secret"]) == 2
    assert "usage" in capsys.readouterr().err


async def test_a_missing_database_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, secrets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {
        "TIDINGS_DATABASE_ADMIN_URL": f"postgresql://nobody@127.0.0.1:{free_port()}/tidings",
        "TIDINGS_DATABASE_PASSWORDS_DIR": str(secrets / "prepare"),
        "TIDINGS_NATS_URL": "nats://127.0.0.1:1",
        "TIDINGS_NATS_CREDENTIALS_FILE": str(secrets / "prepare/nats.creds"),
        "TIDINGS_BLOB_URL": "file:///nowhere",
    }.items():
        monkeypatch.setenv(name, value)
    assert await asyncio.to_thread(cluster.main, ["prepare"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
