"""A pool of connections that see one service's schema. Survives a restart of the server.

asyncpg's errors are translated here and nowhere else: a lost server, a full disk or a lock not
given in time become `UnavailableError`; a broken unique constraint becomes a `ConflictError` where
`conflict_on` asks.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self, cast

import asyncpg

from shared.errors import ConflictError, StorageFullError, UnavailableError

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

CONNECT_TIMEOUT_S = 10.0
STATEMENT_TIMEOUT_S = 60.0
CLOSE_TIMEOUT_S = 5.0

_LATER = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    # What asyncpg says on a connection whose server took its leave between two statements.
    asyncpg.InternalClientError,
)
_GONE = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


class DatabaseUnavailableError(UnavailableError):
    """The database does not answer at the moment; it is worth trying again."""

    code = "database-unavailable"


class Database:
    """Connections of one service's role, opened when needed. ``transaction`` retries nothing."""

    def __init__(self, pool: Pool, url: str, server_settings: dict[str, str]) -> None:
        self._pool = pool
        self._url = url
        self._server_settings = server_settings

    @classmethod
    async def connect(cls, url: str, *, schema: str, min_size: int = 0, max_size: int = 10) -> Self:
        """Open the pool, or raise UnavailableError. Unqualified names mean ``schema``'s."""
        server_settings = {
            "application_name": f"tidings-{schema}",
            "search_path": f"{schema}, extensions, public",
            "statement_timeout": f"{STATEMENT_TIMEOUT_S:.0f}s",
            "idle_in_transaction_session_timeout": f"{STATEMENT_TIMEOUT_S:.0f}s",
            "timezone": "UTC",
            # Compiling a plan costs more than any of our queries takes.
            "jit": "off",
        }
        with server_errors():
            pool = await asyncpg.create_pool(
                url,
                min_size=min_size,
                max_size=max_size,
                init=_set_codecs,
                server_settings=server_settings,
                timeout=CONNECT_TIMEOUT_S,
                # Longer than the server's own limit: only a server that fell silent trips it.
                command_timeout=STATEMENT_TIMEOUT_S + 15.0,
            )
            # The pool itself asks nobody yet: with a minimum it would complain at length in the
            # log, from the background, whenever the server is away.
            async with pool.acquire(timeout=CONNECT_TIMEOUT_S):
                pass
        return cls(pool, url, server_settings)

    async def close(self) -> None:
        """Wait shortly for borrowed connections, then cut what is left."""
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def transaction(self, *, snapshot: bool = False) -> AsyncIterator[Connection]:
        """Commit when the block ends, roll back when it raises.

        A ``snapshot`` is for reading: all its statements see what was there at the first.
        """
        async with self._borrowed() as connection:
            transaction = connection.transaction(isolation="repeatable_read" if snapshot else None)
            with server_errors():
                await transaction.start()
            try:
                yield connection
            except BaseException:
                # With the server gone nothing needs a rollback, and the first error tells more.
                with suppress(*_GONE):
                    await transaction.rollback()
                raise
            with server_errors():
                await transaction.commit()

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """Return all rows."""
        async with self._borrowed() as connection:
            return await connection.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: object) -> asyncpg.Record | None:
        """Return the first row, or None."""
        async with self._borrowed() as connection:
            return await connection.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: object) -> Any:
        """Return the first column of the first row, or None."""
        async with self._borrowed() as connection:
            return await connection.fetchval(sql, *args)

    async def execute(self, sql: str, *args: object) -> str:
        """Run a statement and return the server's tag, e.g. ``UPDATE 3``."""
        async with self._borrowed() as connection:
            return await connection.execute(sql, *args)

    @asynccontextmanager
    async def listen(self, channel: str) -> AsyncIterator[AsyncIterator[str]]:
        """Give the payloads of NOTIFY on ``channel`` from here on.

        A connection of its own listens. When it is lost the iterator raises UnavailableError:
        listen again, and look at the tables too, for what was notified meanwhile is not repeated.
        """
        payloads: asyncio.Queue[str | None] = asyncio.Queue()
        with server_errors():
            connection = await asyncpg.connect(
                self._url, server_settings=self._server_settings, timeout=CONNECT_TIMEOUT_S
            )
        connection.add_termination_listener(lambda _: payloads.put_nowait(None))
        try:
            with server_errors():
                await connection.add_listener(
                    channel,
                    lambda _connection, _pid, _channel, payload: payloads.put_nowait(str(payload)),
                )
            yield _until_lost(payloads)
        finally:
            connection.terminate()

    @asynccontextmanager
    async def _borrowed(self) -> AsyncIterator[Connection]:
        with server_errors():
            borrowed = await self._pool.acquire(timeout=CONNECT_TIMEOUT_S)
        connection = cast("Connection", borrowed)
        try:
            with _statement_errors(connection):
                yield connection
        finally:
            # Releasing resets the connection on the server, which may be gone by now.
            with suppress(*_GONE):
                await self._pool.release(borrowed)


@contextmanager
def conflict_on(constraint: str, error: Callable[[], ConflictError]) -> Iterator[None]:
    """Raise ``error()`` when the block breaks this unique or exclusion constraint; others pass."""
    try:
        yield
    except (asyncpg.UniqueViolationError, asyncpg.ExclusionViolationError) as exc:
        if exc.constraint_name != constraint:
            raise
        raise error() from exc


async def _until_lost(payloads: asyncio.Queue[str | None]) -> AsyncIterator[str]:
    while (payload := await payloads.get()) is not None:
        yield payload
    raise DatabaseUnavailableError


@contextmanager
def server_errors() -> Iterator[None]:
    """Translate what asyncpg raises while it alone acts: every OSError is then the server's."""
    try:
        yield
    except asyncpg.DiskFullError as exc:
        raise StorageFullError from exc
    except (*_LATER, asyncpg.InterfaceError, OSError) as exc:
        raise DatabaseUnavailableError from exc


@contextmanager
def _statement_errors(connection: Connection) -> Iterator[None]:
    """Translate around the caller's own code, whose OSErrors are not ours to explain."""
    try:
        yield
    except asyncpg.DiskFullError as exc:
        raise StorageFullError from exc
    except _LATER as exc:
        raise DatabaseUnavailableError from exc
    except asyncpg.InterfaceError as exc:
        # One class says "connection is closed" and "wrong use"; only the state tells which.
        if not _is_lost(connection):
            raise
        raise DatabaseUnavailableError from exc


def _is_lost(connection: Connection) -> bool:
    """Return whether the server is gone; then the pool may have taken the connection back."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True


async def _set_codecs(connection: Connection) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=json.dumps, decoder=json.loads
        )
