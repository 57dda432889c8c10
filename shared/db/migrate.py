"""Brings a database to the newest schema: extensions, and per service a schema and a narrow role.

Migrations are numbered plain SQL, forward only, each in its own transaction.
`python -m shared.db.migrate` does it as a one-shot job. Needs a role that may create roles,
schemas and the extensions.
"""

import asyncio
import hashlib
import re
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from shared.db.database import Connection, server_errors
from shared.errors import ConflictError, InvalidError, TidingsError

EXTENSIONS = ("pg_trgm", "unaccent", "btree_gin", "vector")
MIGRATION_LOCK = 7_770

_ROOT = Path(__file__).resolve().parents[2]
_FILE_NAME = re.compile(r"(?P<number>\d{4})_[a-z0-9_]+\.sql\Z")
_SERVICE = re.compile(r"[a-z]+\Z")
_IS_OURS = "SELECT to_regclass('migrations.applied') IS NOT NULL"


class MigrationDriftError(ConflictError):
    """A migration that was already applied has been changed since; write a new one instead."""

    code = "migration-drift"


class MigrationNameError(InvalidError):
    """A migration must be named NNNN_what.sql, with a number of its own."""

    code = "migration-name"


class RolesTakenError(ConflictError):
    """Another Tidings uses this PostgreSQL server: our roles are there with other passwords.

    Each Tidings needs a server of its own. If no other uses this one, drop its roles tidings_*.
    """

    code = "roles-taken"


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One file. ``name`` is its folder and file name, e.g. ``bus/0001_outbox_inbox.sql``."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, to notice a later change."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def find_migrations(service: str, root: Path = _ROOT) -> list[Migration]:
    """Return what the service's schema is made of, in order: the bus's tables, then its own."""
    folders = {
        "bus": root / "shared" / "bus" / "migrations",
        service: root / "services" / service / "migrations",
    }
    return [migration for owner, folder in folders.items() for migration in _read(owner, folder)]


async def migrate(
    admin_url: str, *, services: Sequence[str], passwords: Mapping[str, str], root: Path = _ROOT
) -> list[str]:
    """Apply what is missing and return it as ``service: migration``; often that is nothing.

    Safe to run again and from several places at once: one waits for the other. Raises
    MigrationDriftError when an applied file was changed, RolesTakenError when this would lock
    another Tidings out, and then leaves everything as it was.
    """
    async with _admin(admin_url) as connection:
        await connection.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        if not await connection.fetchval(_IS_OURS):
            await _require_own_roles(connection, admin_url, services, passwords)
        await _prepare_database(connection)
        applied: list[str] = []
        for service in services:
            if not _SERVICE.match(service):
                raise MigrationNameError(f"{service!r} cannot be the name of a schema.")
            await _prepare_service(connection, service, passwords[service])
            applied += await _apply_missing(connection, service, find_migrations(service, root))
        return applied


async def make_roles(
    admin_url: str, *, services: Sequence[str], passwords: Mapping[str, str]
) -> None:
    """Make the services' roles and nothing else, so that a copy that names them can be read in.

    Raises RolesTakenError when this would lock another Tidings out.
    """
    async with _admin(admin_url) as connection:
        await _require_own_roles(connection, admin_url, services, passwords)
        for service in services:
            await _make_role(connection, service, passwords[service])


async def pending_migrations(
    admin_url: str, *, services: Sequence[str], root: Path = _ROOT
) -> list[str]:
    """Return what `migrate` would apply, changing nothing."""
    async with _admin(admin_url) as connection:
        known = await connection.fetchval(_IS_OURS)
        pending: list[str] = []
        for service in services:
            applied = await _applied(connection, service) if known else {}
            migrations = find_migrations(service, root)
            pending += [f"{service}: {m.name}" for m in migrations if m.name not in applied]
        return pending


@asynccontextmanager
async def _admin(url: str) -> AsyncIterator[Connection]:
    with server_errors():
        connection = await asyncpg.connect(
            url, timeout=10, server_settings={"application_name": "tidings-migrate"}
        )
        try:
            yield connection
        finally:
            await connection.close()


def _read(owner: str, folder: Path) -> list[Migration]:
    migrations: dict[str, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        match = _FILE_NAME.match(path.name)
        if match is None or match["number"] in migrations:
            raise MigrationNameError(migration=f"{owner}/{path.name}")
        migrations[match["number"]] = Migration(
            name=f"{owner}/{path.name}", sql=path.read_text(encoding="utf-8")
        )
    return list(migrations.values())


async def _prepare_database(connection: Connection) -> None:
    database = await connection.fetchval("SELECT quote_ident(current_database())")
    async with connection.transaction():
        await connection.execute(f"""
            REVOKE ALL ON DATABASE {database} FROM PUBLIC;
            REVOKE ALL ON SCHEMA public FROM PUBLIC;
            GRANT USAGE ON SCHEMA public TO PUBLIC;
            CREATE SCHEMA IF NOT EXISTS extensions;
            GRANT USAGE ON SCHEMA extensions TO PUBLIC;
            CREATE SCHEMA IF NOT EXISTS migrations;
            CREATE TABLE IF NOT EXISTS migrations.applied (
                service text NOT NULL,
                name text NOT NULL,
                checksum text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now(),
                PRIMARY KEY (service, name)
            );
        """)
        for extension in EXTENSIONS:
            await connection.execute(
                f"CREATE EXTENSION IF NOT EXISTS {extension} SCHEMA extensions"
            )


async def _prepare_service(connection: Connection, service: str, password: str) -> None:
    """Make the service's schema and role, which may change rows of its own tables and no more."""
    role = f"tidings_{service}"
    database = await connection.fetchval("SELECT quote_ident(current_database())")
    async with connection.transaction():
        await _make_role(connection, service, password)
        await connection.execute(f"""
            GRANT CONNECT ON DATABASE {database} TO {role};
            CREATE SCHEMA IF NOT EXISTS {service};
            GRANT USAGE ON SCHEMA {service} TO {role};
            ALTER DEFAULT PRIVILEGES IN SCHEMA {service}
                GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};
            ALTER DEFAULT PRIVILEGES IN SCHEMA {service} GRANT USAGE, SELECT ON SEQUENCES TO {role};
        """)


async def _require_own_roles(
    connection: Connection, admin_url: str, services: Sequence[str], passwords: Mapping[str, str]
) -> None:
    """Raise RolesTakenError where one of our roles has another password: roles are the server's."""
    for service in services:
        role = f"tidings_{service}"
        exists = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
        if exists and not await _is_password(admin_url, role, passwords[service]):
            raise RolesTakenError


async def _is_password(url: str, role: str, password: str) -> bool:
    try:
        connection = await asyncpg.connect(url, user=role, password=password, timeout=10)
    except asyncpg.InvalidAuthorizationSpecificationError:
        return False
    except asyncpg.InsufficientPrivilegeError:
        # It was right; only this database is not for the role yet.
        return True
    await connection.close()
    return True


async def _make_role(connection: Connection, service: str, password: str) -> None:
    role = f"tidings_{service}"
    secret = await connection.fetchval("SELECT quote_literal($1::text)", password)
    exists = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
    await connection.execute(f"""
        {"ALTER" if exists else "CREATE"} ROLE {role} LOGIN PASSWORD {secret}
            NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    """)


async def _apply_missing(
    connection: Connection, service: str, migrations: Sequence[Migration]
) -> list[str]:
    applied = await _applied(connection, service)
    changed = [m.name for m in migrations if applied.get(m.name, m.checksum) != m.checksum]
    if changed:
        raise MigrationDriftError(service=service, migration=changed[0])
    missing = [migration for migration in migrations if migration.name not in applied]
    for migration in missing:
        await _apply(connection, service, migration)
    return [f"{service}: {migration.name}" for migration in missing]


async def _apply(connection: Connection, service: str, migration: Migration) -> None:
    async with connection.transaction():
        # A migration must not stand in line for a lock while all readers queue up behind it.
        await connection.execute(f"""
            SET LOCAL lock_timeout = '5s';
            SET LOCAL statement_timeout = '15min';
            SET LOCAL search_path = {service}, extensions, public;
        """)
        await connection.execute(migration.sql)
        await connection.execute(
            "INSERT INTO migrations.applied (service, name, checksum) VALUES ($1, $2, $3)",
            service,
            migration.name,
            migration.checksum,
        )


async def _applied(connection: Connection, service: str) -> dict[str, str]:
    rows = await connection.fetch(
        "SELECT name, checksum FROM migrations.applied WHERE service = $1", service
    )
    return {row["name"]: row["checksum"] for row in rows}


def main() -> int:
    """Migrate by the settings; print what was applied, or one sentence and exit status 1."""
    from shared.db.settings import MigrateSettings  # noqa: PLC0415 - only the job needs settings
    from shared.settings import load  # noqa: PLC0415

    try:
        settings = load(MigrateSettings)
        applied = asyncio.run(
            migrate(
                settings.admin_url_with_password(),
                services=settings.services,
                passwords=settings.service_passwords(),
            )
        )
    except (TidingsError, asyncpg.PostgresError) as exc:
        sys.stderr.write(f"The database could not be migrated: {exc}\n")
        return 1
    sys.stdout.write("".join(f"applied {name}\n" for name in applied) or "nothing to apply\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
