"""Credentials by which integrators read a team's events: give out, list, revoke.

Delivery makes them, and makes and deletes the readers behind them; which there are is known here.
"""

from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from aiohttp import ClientError
from pydantic import BaseModel, ConfigDict, ValidationError

from services.workspace import visibility
from services.workspace.context import Workspace
from services.workspace.domain import Asker, RoleTooLowError, require_owner
from services.workspace.events import store
from services.workspace.events.store import Credential, Reader
from services.workspace.teams import store as teams
from shared.db import Connection
from shared.errors import MissingError, UnavailableError

_PATH = "/api/v1/event-credentials"


class CredentialMissingError(MissingError):
    """This team has no such credential."""

    code = "event-credential-not-found"


class Made(BaseModel):
    """What delivery answers; the rest goes to the asker as it is."""

    model_config = ConfigDict(frozen=True, extra="allow")

    credential_id: UUID
    expires_at: datetime


async def give_out(workspace: Workspace, asker: Asker, team_id: UUID) -> Made:
    """Make a credential for a team's stream and remember it; only owners may."""
    async with workspace.database.transaction() as tx:
        require_owner((await visibility.team_for(tx, asker, team_id)).role)
    token = workspace.capabilities.to_issue_credentials(team_id, asker.person_id)
    try:
        made = Made.model_validate_json(
            await _ask_delivery(workspace, "POST", _PATH, token, HTTPStatus.CREATED)
        )
    except ValidationError as exc:
        raise UnavailableError from exc
    async with workspace.database.transaction() as tx:
        # Who ceased to be an owner meanwhile gets nothing: its reader stands, but without a key.
        if asker.person_id not in await teams.lock_owners(tx, team_id):
            raise RoleTooLowError
        await store.insert_credential(
            tx,
            credential_id=made.credential_id,
            team_id=team_id,
            created_by=asker.person_id,
            now=workspace.clock.now(),
            expires_at=made.expires_at,
        )
    return made


async def list_credentials(workspace: Workspace, asker: Asker, team_id: UUID) -> list[Credential]:
    """Return the credentials that still read a team's events."""
    async with workspace.database.transaction() as tx:
        require_owner((await visibility.team_for(tx, asker, team_id)).role)
        return await store.list_credentials(tx, team_id, workspace.clock.now())


async def revoke(workspace: Workspace, asker: Asker, team_id: UUID, credential_id: UUID) -> None:
    """End a credential at once. Raises UnavailableError, and it stays, if delivery is away."""
    reader = Reader(id=credential_id, team_id=team_id)
    async with workspace.database.transaction() as tx:
        require_owner((await visibility.team_for(tx, asker, team_id)).role)
        if not await store.lock_credential(tx, reader):
            raise CredentialMissingError
        await _end(workspace, tx, reader)


async def end_revoked(workspace: Workspace, team_id: UUID | None = None) -> None:
    """End what was revoked with its maker's role. Raises UnavailableError; trying again is safe."""
    async with workspace.database.transaction() as tx:
        revoked = await store.list_revoked(tx, team_id)
    for reader in revoked:
        async with workspace.database.transaction() as tx:
            await _end(workspace, tx, reader)


async def end_revoked_soon(workspace: Workspace, team_id: UUID) -> None:
    """End what was revoked in a team; if delivery is away, the sweeper will."""
    with suppress(UnavailableError):
        await end_revoked(workspace, team_id)


async def sweep(workspace: Workspace) -> None:
    """End what is left to end, forget what is over, and see that all others read."""
    async with workspace.database.transaction() as tx:
        await store.sweep(tx, workspace.clock.now())
    await end_revoked(workspace)
    await _keep_standing(workspace)


async def _keep_standing(workspace: Workspace) -> None:
    """Have the readers made that the bus lost: in a restore, or when nobody came for long."""
    async with workspace.database.transaction() as tx:
        standing = await store.list_standing(tx, workspace.clock.now())
    for reader in standing:
        async with workspace.database.transaction() as tx:
            # Locked, or a reader could rise again behind the one who is just revoking it.
            if await store.lock_credential(tx, reader):
                await _change(workspace, "PUT", reader)


async def _end(workspace: Workspace, tx: Connection, reader: Reader) -> None:
    await _change(workspace, "DELETE", reader)
    await store.delete_credential(tx, reader.id)


async def _change(workspace: Workspace, method: str, reader: Reader) -> None:
    token = workspace.capabilities.to_change_credential(reader.team_id, reader.id)
    path = f"{_PATH}/{reader.id}"
    await _ask_delivery(workspace, method, path, token, HTTPStatus.NO_CONTENT)


async def _ask_delivery(
    workspace: Workspace, method: str, path: str, token: str, expected: HTTPStatus
) -> bytes:
    url = f"{workspace.settings.delivery_url.rstrip('/')}{path}"
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with workspace.client.request(
            method, url, headers=headers, allow_redirects=False
        ) as reply:
            if reply.status != expected:
                raise UnavailableError("Another service does not answer as it should.")
            return await reply.read()
    except (ClientError, TimeoutError) as exc:
        raise UnavailableError("Another service does not answer.") from exc
