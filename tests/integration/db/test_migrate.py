"""Migrating a real database: schemas, roles and what the server then refuses."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from shared.contracts.registry import SERVICES
from shared.db import Database
from shared.db.migrate import (
    EXTENSIONS,
    MigrationDriftError,
    RolesTakenError,
    migrate,
    pending_migrations,
)
from shared.errors import UnavailableError
from tests.support.postgres import ROLE_PASSWORD, TestPostgres

pytestmark = pytest.mark.integration

PASSWORDS = {"upload": ROLE_PASSWORD, "summary": ROLE_PASSWORD}
TABLE = "CREATE TABLE part (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text);"


@pytest.fixture
async def database(postgres_server: TestPostgres) -> AsyncIterator[str]:
    name = await postgres_server.empty()
    yield name
    await postgres_server.drop(name)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a source tree in which upload and summary have one migration each."""
    _write(tmp_path, "upload", "0001_part.sql", TABLE)
    _write(tmp_path, "summary", "0001_part.sql", TABLE)
    return tmp_path


def _write(root: Path, service: str, name: str, sql: str) -> None:
    path = root / "services" / service / "migrations" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(sql, encoding="utf-8")


async def _migrate(postgres: TestPostgres, database: str, root: Path) -> list[str]:
    return await migrate(
        postgres.admin_url(database), services=tuple(PASSWORDS), passwords=PASSWORDS, root=root
    )


async def test_missing_migrations_are_applied_once(
    postgres_server: TestPostgres, database: str, root: Path
) -> None:
    assert await _migrate(postgres_server, database, root) == [
        "upload: upload/0001_part.sql",
        "summary: summary/0001_part.sql",
    ]
    assert await _migrate(postgres_server, database, root) == []
    _write(root, "upload", "0002_more.sql", "ALTER TABLE part ADD more text;")
    pending = await pending_migrations(
        postgres_server.admin_url(database), services=tuple(PASSWORDS), root=root
    )
    assert pending == ["upload: upload/0002_more.sql"]
    assert await _migrate(postgres_server, database, root) == pending


async def test_another_house_on_the_same_server_keeps_its_passwords(
    postgres_server: TestPostgres, database: str, root: Path
) -> None:
    """Roles are the server's: a second house set new passwords and locked the first one out."""
    with pytest.raises(RolesTakenError):
        await migrate(
            postgres_server.admin_url(database),
            services=("upload",),
            passwords={"upload": "another house's"},
            root=root,
        )
    first = await asyncpg.connect(postgres_server.service_url(database, "upload"))
    await first.close()


async def test_an_empty_database_lacks_everything(
    postgres_server: TestPostgres, database: str, root: Path
) -> None:
    pending = await pending_migrations(
        postgres_server.admin_url(database), services=("upload",), root=root
    )
    assert pending == ["upload: upload/0001_part.sql"]


async def test_two_at_once_apply_each_migration_once(
    postgres_server: TestPostgres, database: str, root: Path
) -> None:
    results = await asyncio.gather(*(_migrate(postgres_server, database, root) for _ in range(4)))
    assert sorted(len(applied) for applied in results) == [0, 0, 0, 2]


async def test_a_changed_migration_is_refused(
    postgres_server: TestPostgres, database: str, root: Path
) -> None:
    await _migrate(postgres_server, database, root)
    _write(root, "upload", "0001_part.sql", f"{TABLE} -- only a comment")
    _write(root, "upload", "0002_more.sql", "ALTER TABLE part ADD more text;")
    with pytest.raises(MigrationDriftError) as raised:
        await _migrate(postgres_server, database, root)
    assert raised.value.fields == {"service": "upload", "migration": "upload/0001_part.sql"}
    upload = await Database.connect(
        postgres_server.service_url(database, "upload"), schema="upload"
    )
    with pytest.raises(asyncpg.UndefinedColumnError):
        await upload.fetch("SELECT more FROM part")
    await upload.close()


async def test_a_migration_that_fails_leaves_no_trace(
    postgres_server: TestPostgres, database: str, root: Path
) -> None:
    _write(root, "upload", "0002_bad.sql", "CREATE TABLE half (id int); SELECT 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await _migrate(postgres_server, database, root)
    _write(root, "upload", "0002_bad.sql", "CREATE TABLE half (id int);")
    assert "upload: upload/0002_bad.sql" in await _migrate(postgres_server, database, root)


async def test_a_migration_does_not_wait_long_for_a_lock(
    postgres_server: TestPostgres, database: str, root: Path
) -> None:
    await _migrate(postgres_server, database, root)
    _write(root, "upload", "0002_more.sql", "SET LOCAL lock_timeout = '50ms'; LOCK TABLE part;")
    holder = await asyncpg.connect(postgres_server.admin_url(database))
    async with holder.transaction():
        await holder.execute("LOCK TABLE upload.part")
        with pytest.raises(UnavailableError):
            await _migrate(postgres_server, database, root)
    await holder.close()


async def test_a_service_may_change_its_rows_and_nothing_else(
    postgres_server: TestPostgres, database: str, root: Path
) -> None:
    await _migrate(postgres_server, database, root)
    upload = await asyncpg.connect(postgres_server.service_url(database, "upload"))
    await upload.execute("INSERT INTO upload.part (note) VALUES ('a')")
    await upload.execute("UPDATE upload.part SET note = 'b'")
    assert await upload.fetchval("DELETE FROM upload.part RETURNING note") == "b"
    for refused in (
        "SELECT * FROM summary.part",
        "INSERT INTO summary.part (note) VALUES ('a')",
        "SELECT * FROM migrations.applied",
        "CREATE TABLE upload.mine (id int)",
        "CREATE TABLE public.mine (id int)",
        "CREATE TEMP TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "DROP TABLE upload.part",
        "TRUNCATE upload.part",
        "ALTER TABLE upload.part ADD mine int",
        "ALTER ROLE tidings_summary PASSWORD 'mine'",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
        "SET ROLE tidings_summary",
        "COPY upload.part TO PROGRAM 'cat'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT rolpassword FROM pg_authid",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await upload.execute(refused)
    await upload.close()


async def test_a_wrong_password_is_refused(
    postgres_server: TestPostgres, database: str, root: Path
) -> None:
    await _migrate(postgres_server, database, root)
    url = postgres_server.server.url(database, user="tidings_upload", password="guess")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url)


async def test_services_can_use_every_extension_without_naming_its_schema(
    postgres_server: TestPostgres, database: str, root: Path
) -> None:
    await _migrate(postgres_server, database, root)
    upload = await Database.connect(
        postgres_server.service_url(database, "upload"), schema="upload"
    )
    known = await upload.fetch("SELECT extname FROM pg_extension")
    assert {row["extname"] for row in known} >= set(EXTENSIONS)
    assert await upload.fetchval("SELECT unaccent('Grüße') || similarity('a', 'a')") == "Grusse1"
    assert await upload.fetchval("SELECT '[1,2]'::vector <-> '[1,2]'::vector") == 0
    await upload.close()


async def test_a_new_database_with_every_real_migration_lacks_none(
    postgres_server: TestPostgres,
) -> None:
    name = await postgres_server.clone()
    assert await pending_migrations(postgres_server.admin_url(name), services=SERVICES) == []
    await postgres_server.drop(name)


def _job(**env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "shared.db.migrate"],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_the_job_migrates_and_then_has_nothing_to_do(
    postgres_server: TestPostgres, database: str, tmp_path: Path
) -> None:
    for service in SERVICES:
        (tmp_path / f"database-{service}").write_text(ROLE_PASSWORD, encoding="ascii")
    env = {
        "TIDINGS_DATABASE_ADMIN_URL": postgres_server.admin_url(database),
        "TIDINGS_DATABASE_PASSWORDS_DIR": str(tmp_path),
    }
    first, second = _job(**env), _job(**env)
    assert first.returncode == 0, first.stderr
    assert "applied workspace: bus/0001_outbox_inbox.sql" in first.stdout
    assert second.stdout == "nothing to apply\n"


def test_the_job_says_in_one_sentence_what_is_wrong(tmp_path: Path) -> None:
    nowhere = "postgresql://admin:secret@127.0.0.1:1/none"
    for env, reason in (
        ({}, "TIDINGS_DATABASE_ADMIN_URL"),
        (
            {
                "TIDINGS_DATABASE_ADMIN_URL": nowhere,
                "TIDINGS_DATABASE_PASSWORDS_DIR": str(tmp_path),
            },
            "database-workspace cannot be read",
        ),
    ):
        done = _job(**env)
        assert done.returncode != 0
        assert reason in done.stderr
        assert "Traceback" not in done.stderr
        assert "secret" not in done.stderr


def test_the_job_says_when_the_database_does_not_answer(tmp_path: Path) -> None:
    for service in SERVICES:
        (tmp_path / f"database-{service}").write_text(ROLE_PASSWORD, encoding="ascii")
    done = _job(
        TIDINGS_DATABASE_ADMIN_URL="postgresql://admin:secret@127.0.0.1:1/none",
        TIDINGS_DATABASE_PASSWORDS_DIR=str(tmp_path),
    )
    assert done.returncode == 1
    assert done.stderr == (
        "The database could not be migrated: The database does not answer at the moment; "
        "it is worth trying again.\n"
    )
