"""A real PostgreSQL for tests: a server per test process, a migrated template, a clone per test."""

import asyncio
import itertools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from services.standalone.postgres import FORGETFUL, PostgresServer, new_password
from services.standalone.programs import find_postgres, free_port, unprivileged_ids
from shared.contracts.registry import SERVICES
from shared.db import Database
from shared.db.migrate import migrate
from tests.support.processes import end_process, start_program

TEMPLATE = "tidings_template"
ROLE_PASSWORD = "only-for-tests"
READY_TIMEOUT_S = 30.0

DatabaseFor = Callable[[str], Awaitable[Database]]


class TestPostgres:
    """A running server. `kill` and `start` again keep port and data."""

    __test__ = False

    def __init__(self, server: PostgresServer, log_path: Path) -> None:
        self.server = server
        self._log_path = log_path
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = start_program(self.server.program(), self._log_path)
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(self._log_path.read_text(encoding="utf-8"))
            time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL the postmaster and wait until its children have noticed."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        if self._process is not None:
            end_process(self._process, self.server.program())
            self._process = None

    def admin_url(self, database: str) -> str:
        return self.server.url(database)

    def service_url(self, database: str, service: str) -> str:
        return self.server.url(database, user=f"tidings_{service}", password=ROLE_PASSWORD)

    async def make_template(self) -> None:
        """Create the template database and apply every migration to it, once."""
        await self._admin(f"CREATE DATABASE {TEMPLATE}")
        await migrate(
            self.admin_url(TEMPLATE),
            services=SERVICES,
            passwords=dict.fromkeys(SERVICES, ROLE_PASSWORD),
        )

    async def clone(self) -> str:
        """Return the name of a new database with every migration applied."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        await self._admin(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return name

    async def empty(self) -> str:
        """Return the name of a new database without anything."""
        name = f"empty_{os.getpid()}_{next(self._numbers)}"
        await self._admin(f"CREATE DATABASE {name}")
        return name

    async def drop(self, name: str) -> None:
        await self._admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _is_ready(self) -> bool:
        asked = ("--host=127.0.0.1", f"--port={self.server.port}", "--dbname=postgres", "--quiet")
        return subprocess.run([find_postgres() / "pg_isready", *asked], check=False).returncode == 0

    async def _admin(self, statement: str) -> None:
        connection = await asyncpg.connect(self.admin_url("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def running_postgres(*, is_bare: bool = False) -> Iterator[TestPostgres]:
    """Give a server with its template ready, or without it and any role of ours.

    It and its files are gone afterwards.
    """
    with postgres_home() as home:
        server = PostgresServer(
            directory=home / "data",
            port=free_port(),
            password=new_password(),
            durability=tuple(FORGETFUL.items()),
        )
        server.make()
        running = TestPostgres(server, home / "postgres.log")
        try:
            running.start()
            if not is_bare:
                asyncio.run(running.make_template())
            yield running
        finally:
            running.stop()


@contextmanager
def postgres_home() -> Iterator[Path]:
    """Give a folder that PostgreSQL's own user may reach even when the tests run as root."""
    home = Path(tempfile.mkdtemp(prefix="tidings-postgres-"))
    ids = unprivileged_ids()
    if ids is not None:
        os.chown(home, *ids)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


async def open_databases(postgres: TestPostgres) -> AsyncIterator[DatabaseFor]:
    """Give a function service -> Database, all in one clone, closed and dropped afterwards."""
    name = await postgres.clone()
    opened: dict[str, Database] = {}

    async def database_for(service: str) -> Database:
        if service not in opened:
            opened[service] = await Database.connect(
                postgres.service_url(name, service), schema=service
            )
        return opened[service]

    try:
        yield database_for
    finally:
        await asyncio.gather(*(database.close() for database in opened.values()))
        await postgres.drop(name)
