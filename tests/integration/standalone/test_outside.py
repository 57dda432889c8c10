"""A Tidings on servers others run: PostgreSQL and NATS are used, examined, and never started."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from services.standalone.backup import (
    BackupError,
    DatabaseNotEmptyError,
    backup,
    restore,
)
from services.standalone.doctor import Verdict, examine
from services.standalone.home import Home
from services.standalone.household import MEMBERS
from services.standalone.programs import find_postgres, free_port
from services.standalone.settings import StandaloneSettings
from shared.bus.credentials import write_credentials
from shared.contracts.registry import SERVICES
from shared.db import Database
from shared.db.migrate import migrate, pending_migrations
from shared.settings import EXIT_CONFIG
from tests.support.nats_server import TestNats, running_nats
from tests.support.postgres import TestPostgres, running_postgres
from tests.support.stack import Stack, stack_home

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

SERVERS = {"postgres", "nats"}
NOWHERE = "postgresql://admin:secret@127.0.0.1:1/tidings"


@pytest.fixture(scope="module")
def postgres() -> Iterator[TestPostgres]:
    """Roles belong to a whole server: one of our own, since they have other passwords."""
    with running_postgres(is_bare=True) as postgres:
        yield postgres


@pytest.fixture(scope="module")
def nats() -> Iterator[TestNats]:
    with running_nats() as nats:
        yield nats


@pytest.fixture
def home() -> Iterator[Path]:
    with stack_home() as home:
        yield home


@pytest.fixture
async def database(postgres: TestPostgres) -> AsyncIterator[str]:
    """Give the administrator's address of an empty database, on a server that is as new after."""
    name = await postgres.empty()
    yield postgres.admin_url(name)
    await postgres.drop(name)
    connection = await asyncpg.connect(postgres.admin_url("postgres"))
    for service in SERVICES:
        await connection.execute(f"DROP ROLE IF EXISTS tidings_{service}")
    await connection.close()


@pytest.fixture
def outside(database: str, nats: TestNats) -> dict[str, str]:
    return {
        "TIDINGS_DATABASE_URL": database,
        "TIDINGS_NATS_URL": nats.url,
        "TIDINGS_NATS_CREDENTIALS_DIR": str(nats.server.credentials),
    }


def _run(home: Path, *arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "services.cli", *arguments],
        env={**os.environ, "TIDINGS_HOME": str(home), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _refusal(home: Path, **env: str) -> str:
    """Return the one sentence with which a start was refused."""
    done = _run(home, "up", **env)
    assert done.returncode in {1, EXIT_CONFIG}, done.stdout
    sentence = done.stderr.splitlines()[-1]
    assert sentence.startswith("tidings: ")
    assert "Traceback" not in done.stdout + done.stderr
    assert "secret" not in done.stdout + done.stderr
    return sentence


def _settings(home: Path, **changes: str) -> StandaloneSettings:
    return StandaloneSettings.model_validate({"home": home, **changes})


def test_servers_of_others_are_used_examined_and_copied(
    home: Path, outside: dict[str, str]
) -> None:
    stack = Stack(home, env=outside)
    asked = {**outside, "TIDINGS_PORT": str(stack.port)}
    copy = home.parent / "copy.tar"
    try:
        stack.start()
        assert set(stack.pids()) == {member.name for member in MEMBERS}
        assert not (home / "postgres").exists()
        assert not (home / "nats" / "credentials").exists()
        found = _run(home, "doctor", **asked)
        assert found.returncode == 0, found.stdout
        assert "The database answers and its schema is current." in found.stdout
        assert "The bus answers, its streams and consumers are right" in found.stdout
        copied = _run(home, "backup", str(copy), **asked)
        assert copied.returncode == 0, copied.stderr
        assert "credentials of the NATS in TIDINGS_NATS_URL are not part" in copied.stdout
    finally:
        assert stack.stop() == 0
    assert _run(home, "doctor", **asked).returncode == 0
    # The copy comes back on a machine that runs everything by itself.
    alone = home.with_name("alone")
    restored = _run(alone, "restore", str(copy))
    assert restored.returncode == 0, restored.stderr
    assert (alone / "owner-token").read_bytes() == stack.home.owner_token.read_bytes()


async def test_a_copy_moves_into_a_database_of_others_and_not_into_a_used_one(
    home: Path, database: str, postgres: TestPostgres
) -> None:
    used = await postgres.empty()
    settings = _settings(home, database_url=postgres.admin_url(used))
    _prepare(settings)
    passwords = {service: Home(home).password(service) for service in SERVICES}
    await migrate(postgres.admin_url(used), services=SERVICES, passwords=passwords)
    copy = home.parent / "copy.tar"
    assert (await backup(settings, copy)).left_out == ()

    target = _settings(home.with_name("target"), database_url=database)
    await restore(copy, target)
    assert await pending_migrations(database, services=["upload"]) == []
    password = (target.home / "secrets" / "database-upload").read_text(encoding="ascii").strip()
    place = urlsplit(database)
    url = f"postgresql://tidings_upload:{password}@{place.netloc.rpartition('@')[2]}{place.path}"
    upload = await Database.connect(url, schema="upload")
    assert await upload.fetch("SELECT * FROM outbox") == []
    await upload.close()

    shutil.rmtree(target.home)
    with pytest.raises(DatabaseNotEmptyError):
        await restore(copy, target)
    assert list(target.home.iterdir()) == []
    await postgres.drop(used)


def _prepare(settings: StandaloneSettings) -> None:
    home = Home(settings.home)
    home.prepare()
    home.servers()


async def test_recordings_kept_elsewhere_are_said_to_be_missing_in_the_copy(
    home: Path, database: str, tmp_path: Path
) -> None:
    settings = _settings(home, database_url=database, blob_url=tmp_path.as_uri())
    _prepare(settings)
    (sentence,) = (await backup(settings, tmp_path / "copy.tar")).left_out
    assert "Recordings in TIDINGS_BLOB_URL are not part of the copy" in sentence


async def test_programs_that_suit_the_database_of_others_can_be_named(
    home: Path, database: str, tmp_path: Path
) -> None:
    """Ours know neither TLS nor every older server."""
    settings = _settings(home, database_url=database, database_programs_dir=str(tmp_path))
    _prepare(settings)
    with pytest.raises(BackupError, match="pg_dump cannot be started"):
        await backup(settings, tmp_path / "copy.tar")
    theirs = tmp_path / "pg_dump"
    theirs.write_text(f'#!/bin/sh\ntouch {tmp_path}/used\nexec {find_postgres()}/pg_dump "$@"\n')
    theirs.chmod(0o755)
    await backup(settings, tmp_path / "copy.tar")
    assert (tmp_path / "used").exists()


def test_a_database_that_is_not_there_is_told(home: Path) -> None:
    sentence = _refusal(home, TIDINGS_DATABASE_URL=NOWHERE)
    assert "The database does not answer: check TIDINGS_DATABASE_URL." in sentence
    assert (
        "The database does not answer" in _run(home, "doctor", TIDINGS_DATABASE_URL=NOWHERE).stdout
    )


def test_a_wrong_password_is_told(home: Path, database: str) -> None:
    place = database.rpartition("@")[2]
    url = f"postgresql://tidings_admin:secret@{place}"
    assert "refuses the role or its password" in _refusal(home, TIDINGS_DATABASE_URL=url)


def test_a_database_that_does_not_exist_is_told(home: Path, postgres: TestPostgres) -> None:
    url = postgres.admin_url("nowhere")
    assert 'database "nowhere" does not exist' in _refusal(home, TIDINGS_DATABASE_URL=url)


async def test_a_role_that_may_not_prepare_a_database_is_told(home: Path, database: str) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute("CREATE ROLE weak LOGIN PASSWORD 'secret'")
    await connection.close()
    url = f"postgresql://weak:secret@{database.rpartition('@')[2]}"
    told = await asyncio.to_thread(_refusal, home, TIDINGS_DATABASE_URL=url)
    assert "The database cannot be used (permission denied for" in told


def test_half_an_address_is_told(home: Path) -> None:
    told = _refusal(home, TIDINGS_DATABASE_URL="postgresql://localhost")
    assert (
        "TIDINGS_DATABASE_URL is wrong or missing: it must be postgresql://role:password@host"
        in told
    )


def test_an_address_may_stand_in_a_file(home: Path, tmp_path: Path) -> None:
    (tmp_path / "url").write_text(NOWHERE, encoding="ascii")
    told = _refusal(home, TIDINGS_DATABASE_URL_FILE=str(tmp_path / "url"))
    assert "The database does not answer" in told
    assert "TIDINGS_DATABASE_URL_FILE" in _refusal(
        home, TIDINGS_DATABASE_URL_FILE=str(tmp_path / "none")
    )


def test_a_bus_without_credentials_is_told(home: Path, nats: TestNats, tmp_path: Path) -> None:
    def refusal(folder: Path) -> str:
        return _refusal(home, TIDINGS_NATS_URL=nats.url, TIDINGS_NATS_CREDENTIALS_DIR=str(folder))

    assert "needs TIDINGS_NATS_CREDENTIALS_DIR" in _refusal(home, TIDINGS_NATS_URL=nats.url)
    assert "has no admin.creds" in refusal(tmp_path / "none")
    folder = tmp_path / "credentials"
    shutil.copytree(nats.server.credentials, folder)
    (folder / "upload.creds").write_text("rubbish", encoding="ascii")
    assert "upload.creds holds no NATS credentials" in refusal(folder)
    shutil.copy(nats.credentials("upload"), folder)
    (folder / "team-signer.key").unlink()
    assert "has no team-signer.key" in refusal(folder)


def test_a_bus_that_is_not_there_is_told(home: Path, nats: TestNats) -> None:
    told = _refusal(
        home,
        TIDINGS_NATS_URL=f"nats://127.0.0.1:{free_port()}",
        TIDINGS_NATS_CREDENTIALS_DIR=str(nats.server.credentials),
    )
    assert "The bus does not answer: check TIDINGS_NATS_URL." in told


async def test_a_bus_that_trusts_another_operator_is_told(
    home: Path, nats: TestNats, tmp_path: Path
) -> None:
    write_credentials(tmp_path)
    settings = _settings(home, nats_url=nats.url, nats_credentials_dir=str(tmp_path))
    findings = {finding.name: finding for finding in await examine(settings)}
    assert findings["bus"].verdict is Verdict.FAIL
    assert "its server must trust the operator" in findings["bus"].sentence
