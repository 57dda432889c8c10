"""Credentials by which integrators read a team's events: give out, list, revoke.

Delivery makes them and deletes the readers behind them; which there are is known here.
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
from services.workspace.events.store import Credential
from services.workspace.teams import store as teams
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
    async with workspace.database.transaction() as tx:
        require_owner((await visibility.team_for(tx, asker, team_id)).role)
        if not await store.is_credential(tx, team_id, credential_id):
            raise CredentialMissingError
    await _end(workspace, team_id, credential_id)


async def end_revoked(workspace: Workspace, team_id: UUID | None = None) -> None:
    """End what was revoked with its maker's role. Raises UnavailableError; trying again is safe."""
    async with workspace.database.transaction() as tx:
        revoked = await store.list_revoked(tx, team_id)
    for credential in revoked:
        await _end(workspace, credential.team_id, credential.id)


async def end_revoked_soon(workspace: Workspace, team_id: UUID) -> None:
    """End what was revoked in a team; if delivery is away, the sweeper will."""
    with suppress(UnavailableError):
        await end_revoked(workspace, team_id)


async def sweep(workspace: Workspace) -> None:
    """End what is left to end, and forget what is over."""
    async with workspace.database.transaction() as tx:
        await store.sweep(tx, workspace.clock.now())
    await end_revoked(workspace)


async def _end(workspace: Workspace, team_id: UUID, credential_id: UUID) -> None:
    token = workspace.capabilities.to_end_credential(team_id, credential_id)
    path = f"{_PATH}/{credential_id}"
    await _ask_delivery(workspace, "DELETE", path, token, HTTPStatus.NO_CONTENT)
    async with workspace.database.transaction() as tx:
        await store.delete_credential(tx, credential_id)


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
