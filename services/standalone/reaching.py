"""Asks database and bus whether they will do, and says in one sentence why they will not."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from services.standalone.places import BusPlace, DatabasePlace
from shared.bus.bus import Bus, BusRefusedError
from shared.contracts.registry import SERVICES
from shared.errors import UnavailableError

ANSWER_TIMEOUT_S = 5.0
OLDEST_POSTGRES = 16
_CREDENTIALS = "NATS USER JWT"


class DatabaseUnusableError(UnavailableError):
    """The database does not answer, refuses us, or is not what we need."""

    code = "database-unusable"


class BusUnusableError(UnavailableError):
    """The bus does not answer or refuses us, or our credentials for it are not there."""

    code = "bus-unusable"


@contextmanager
def database_errors(place: DatabasePlace) -> Iterator[None]:
    """Turn whatever PostgreSQL refuses into one sentence, a DatabaseUnusableError."""
    try:
        yield
    except (OSError, TimeoutError, asyncpg.PostgresConnectionError) as exc:
        raise DatabaseUnusableError(f"The database does not answer: {place.remedy}.") from exc
    except asyncpg.InvalidAuthorizationSpecificationError as exc:
        raise DatabaseUnusableError(
            f"The database refuses the role or its password: {place.remedy}."
        ) from exc
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as exc:
        reason = str(exc).splitlines()[0].rstrip(".")
        raise DatabaseUnusableError(
            f"The database cannot be used ({reason}): {place.remedy}."
        ) from exc


async def require_database(place: DatabasePlace) -> None:
    """Return when the database lets the administrator in; raise DatabaseUnusableError if not."""
    with database_errors(place):
        connection = await asyncpg.connect(place.admin_url, timeout=ANSWER_TIMEOUT_S)
        version = connection.get_server_version()
        await connection.close()
    if version.major < OLDEST_POSTGRES:
        raise DatabaseUnusableError(
            f"The database is PostgreSQL {version.major}; it must be {OLDEST_POSTGRES} or newer."
        )


async def require_bus(place: BusPlace) -> None:
    """Return when the bus lets the administrator in; raise BusUnusableError if not."""
    await asyncio.to_thread(_require_credentials, place)
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            bus = await Bus.connect(
                place.url, service="admin", credentials_file=place.credentials_file("admin")
            )
    except TimeoutError as exc:
        raise BusUnusableError(f"The bus does not answer: {place.remedy}.") from exc
    except BusRefusedError as exc:
        raise BusUnusableError(
            f"The bus refuses {place.credentials_file('admin')}: its server must trust the "
            "operator these credentials come from."
        ) from exc
    await bus.close()


def _require_credentials(place: BusPlace) -> None:
    """Every file a service will be told of must be there and be what it should."""
    for name in ("admin", *SERVICES):
        if _CREDENTIALS not in _text(place, f"{name}.creds"):
            raise BusUnusableError(f"{place.credentials_file(name)} holds no NATS credentials.")
    _text(place, place.team_signer_file.name)


def _text(place: BusPlace, name: str) -> str:
    try:
        return (place.credentials / name).read_text(encoding="ascii")
    except (OSError, ValueError) as exc:
        raise BusUnusableError(
            f"The folder with credentials for the bus, {place.credentials}, has no {name} that "
            "can be read."
        ) from exc
