"""The pool against a real server, including one that dies."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared.db import Database, conflict_on
from shared.db.database import DatabaseUnavailableError
from shared.errors import ConflictError, UnavailableError
from tests.support.postgres import TestPostgres

pytestmark = pytest.mark.integration


class TakenError(ConflictError):
    """This name is taken."""

    code = "name-taken"


class BrokenOffError(Exception):
    """What makes a transaction roll back."""


@pytest.fixture
async def things(postgres_server: TestPostgres) -> AsyncIterator[Database]:
    """Give a database with one table of one role's own schema."""
    name = await postgres_server.empty()
    admin = await asyncpg.connect(postgres_server.admin_url(name))
    await admin.execute("""
        CREATE SCHEMA things;
        CREATE TABLE things.thing (
            id uuid PRIMARY KEY,
            name text CONSTRAINT thing_name_once UNIQUE,
            details jsonb,
            made_at timestamptz
        );
    """)
    await admin.close()
    database = await Database.connect(postgres_server.admin_url(name), schema="things")
    yield database
    await database.close()
    await postgres_server.drop(name)


async def _add(database: Database, name: str) -> None:
    await database.execute("INSERT INTO thing (id, name) VALUES ($1, $2)", uuid4(), name)


async def _break_off(database: Database, error: Exception | None = None) -> None:
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO thing (id, name) VALUES ($1, 'lost')", uuid4())
        raise error or BrokenOffError


async def _lock_impatiently(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute("SET LOCAL lock_timeout = '20ms'")
        await tx.execute("SELECT * FROM thing FOR UPDATE")


async def _lose_server_half_way(database: Database, postgres: TestPostgres) -> None:
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO thing (id, name) VALUES ($1, 'lost')", uuid4())
        postgres.kill()
        await tx.execute("SELECT 1")


async def test_committed_rows_stay_and_rolled_back_rows_do_not(things: Database) -> None:
    async with things.transaction() as tx:
        await tx.execute("INSERT INTO thing (id, name) VALUES ($1, 'kept')", uuid4())
    with pytest.raises(BrokenOffError):
        await _break_off(things)
    assert [row["name"] for row in await things.fetch("SELECT name FROM thing")] == ["kept"]


async def test_values_come_back_as_python_s_own(things: Database) -> None:
    thing_id, moment = uuid4(), datetime(2024, 2, 29, 23, 59, 59, 123456, tzinfo=UTC)
    details = {"words": ["Grüße", "a"], "count": 3, "none": None}
    await things.execute(
        "INSERT INTO thing (id, details, made_at) VALUES ($1, $2, $3)", thing_id, details, moment
    )
    row = await things.fetchrow("SELECT * FROM thing")
    assert row is not None
    assert row["id"] == thing_id
    assert isinstance(row["id"], UUID)
    assert row["details"] == details
    assert row["made_at"] == moment
    assert row["made_at"].tzinfo is not None


async def test_a_missing_row_is_none(things: Database) -> None:
    assert await things.fetchrow("SELECT * FROM thing") is None
    assert await things.fetchval("SELECT name FROM thing") is None


async def test_only_the_constraint_asked_for_becomes_a_conflict(things: Database) -> None:
    await _add(things, "one")
    with pytest.raises(TakenError), conflict_on("thing_name_once", TakenError):
        await _add(things, "one")
    with pytest.raises(asyncpg.UniqueViolationError), conflict_on("another", TakenError):
        await _add(things, "one")


async def test_an_error_of_ours_inside_a_transaction_stays_what_it_is(things: Database) -> None:
    with pytest.raises(ConnectionResetError):
        await _break_off(things, ConnectionResetError())


async def test_wrong_sql_is_not_taken_for_an_outage(things: Database) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await things.fetch("SELECT * FROM nothing")
    with pytest.raises(asyncpg.InterfaceError):
        await things.fetch("SELECT $1::int", 1, 2)


async def test_a_lock_not_given_in_time_can_be_tried_again(things: Database) -> None:
    await _add(things, "one")
    async with things.transaction() as holder:
        await holder.execute("SELECT * FROM thing FOR UPDATE")
        with pytest.raises(UnavailableError) as raised:
            await _lock_impatiently(things)
    assert raised.value.retryable


async def test_a_cancelled_statement_gives_its_connection_back(things: Database) -> None:
    for _ in range(15):
        sleeping = asyncio.create_task(things.execute("SELECT pg_sleep(10)"))
        await asyncio.sleep(0.01)
        sleeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sleeping
    assert await things.fetchval("SELECT 1") == 1


async def test_a_server_that_is_not_there_is_an_outage() -> None:
    with pytest.raises(DatabaseUnavailableError):
        await Database.connect("postgresql://nobody@127.0.0.1:1/none", schema="things")


async def test_the_pool_survives_a_killed_server(
    things: Database, postgres_server: TestPostgres
) -> None:
    await _add(things, "before")
    async with things.listen("bell") as bells:
        with pytest.raises(DatabaseUnavailableError):
            await _lose_server_half_way(things, postgres_server)
        with pytest.raises(DatabaseUnavailableError):
            await anext(bells)
    with pytest.raises(DatabaseUnavailableError):
        await things.fetchval("SELECT 1")
    postgres_server.start()
    assert [row["name"] for row in await things.fetch("SELECT name FROM thing")] == ["before"]
    await _add(things, "after")


async def test_a_connection_lost_between_two_statements_is_an_outage(things: Database) -> None:
    """The pool takes such a connection back, and asking it anything is "wrong use" to asyncpg.

    Taken for a mistake of ours, that once ended a relay for good.
    """

    async def be_cut_off() -> None:
        async with things.transaction() as tx:
            own = await tx.fetchval("SELECT pg_backend_pid()")
            await things.execute("SELECT pg_terminate_backend($1)", own)
            # Let the client see the end of the line before it asks again.
            await asyncio.sleep(0.1)
            await tx.fetchval("SELECT 1")

    with pytest.raises(DatabaseUnavailableError):
        await be_cut_off()


async def test_a_snapshot_sees_nothing_of_what_is_committed_meanwhile(things: Database) -> None:
    count = "SELECT count(*) FROM thing"
    async with things.transaction(snapshot=True) as tx, things.transaction() as plain:
        before = [await tx.fetchval(count), await plain.fetchval(count)]
        await things.execute("INSERT INTO thing (id) VALUES (gen_random_uuid())")
        after = [await tx.fetchval(count), await plain.fetchval(count)]
    assert (before, after) == ([0, 0], [0, 1])


async def test_a_notification_reaches_whoever_listens(things: Database) -> None:
    async with things.listen("bell") as bells:
        await things.execute("SELECT pg_notify('bell', 'ding'), pg_notify('other', 'dong')")
        async with things.transaction() as tx:
            await tx.execute("SELECT pg_notify('bell', 'later')")
        assert [await anext(bells), await anext(bells)] == ["ding", "later"]
