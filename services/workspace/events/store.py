"""Rows of credentials that read a team's events. Their secrets are kept nowhere."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from shared.db import Connection, load_queries

_QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


@dataclass(frozen=True, kw_only=True)
class Credential:
    """A credential given to an integrator."""

    id: UUID
    team_id: UUID
    created_by: UUID
    created_by_name: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A credential and whose events it reads."""

    id: UUID
    team_id: UUID


async def insert_credential(
    tx: Connection,
    *,
    credential_id: UUID,
    team_id: UUID,
    created_by: UUID,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Remember that a credential was given out."""
    await tx.execute(
        _QUERIES["insert_credential"], credential_id, team_id, created_by, now, expires_at
    )


async def list_credentials(tx: Connection, team_id: UUID, now: datetime) -> list[Credential]:
    """Return the credentials that still read a team's events, newest first."""
    rows = await tx.fetch(_QUERIES["list_credentials"], team_id, now)
    return [Credential(**row) for row in rows]


async def list_standing(tx: Connection, now: datetime) -> list[Reader]:
    """Return the credentials of all teams that read events."""
    return [Reader(**row) for row in await tx.fetch(_QUERIES["list_standing"], now)]


async def lock_credential(tx: Connection, reader: Reader) -> bool:
    """Lock a credential that was not revoked until the transaction ends; False if there is none."""
    return bool(await tx.fetchval(_QUERIES["lock_credential"], reader.team_id, reader.id))


async def revoke_credentials_of(
    tx: Connection, team_id: UUID, person_id: UUID, now: datetime
) -> None:
    """Mark what a person made for a team as revoked; their readers go soon after."""
    await tx.execute(_QUERIES["revoke_credentials_of"], team_id, person_id, now)


async def list_revoked(tx: Connection, team_id: UUID | None) -> list[Reader]:
    """Return the revoked credentials, of a team or of all, whose readers may still stand."""
    return [Reader(**row) for row in await tx.fetch(_QUERIES["list_revoked"], team_id)]


async def delete_credential(tx: Connection, credential_id: UUID) -> None:
    """Forget a credential that reads nothing any more."""
    await tx.execute(_QUERIES["delete_credential"], credential_id)


async def sweep(tx: Connection, now: datetime) -> None:
    """Forget credentials that are over."""
    await tx.execute(_QUERIES["sweep_credentials"], now)
