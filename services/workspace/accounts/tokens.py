"""API tokens: make, list, revoke. The secret is shown once and only its hash is kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.workspace import visibility
from services.workspace.accounts import store
from services.workspace.accounts.domain import (
    TOKEN_PREFIX,
    TokenMissingError,
    hash_secret,
    new_secret,
    require_grantable,
)
from services.workspace.accounts.store import ApiToken
from services.workspace.context import Workspace
from services.workspace.domain import Asker
from shared.ids import new_id


@dataclass(frozen=True, kw_only=True)
class MadeToken:
    """A new API token with the secret that is shown once."""

    token: ApiToken
    secret: str


async def make_token(
    workspace: Workspace,
    asker: Asker,
    *,
    name: str,
    scopes: Iterable[str],
    team_id: UUID | None,
    expires_at: datetime | None,
) -> MadeToken:
    """Make a token that may do no more, no longer and nowhere else than the asker."""
    wanted = frozenset(scopes)
    require_grantable(asker, wanted, team_id, expires_at)
    secret = new_secret(TOKEN_PREFIX)
    token = ApiToken(
        id=new_id(workspace.clock),
        team_id=team_id,
        name=name,
        scopes=tuple(sorted(wanted)),
        created_at=workspace.clock.now(),
        expires_at=expires_at,
        last_used_at=None,
    )
    async with workspace.database.transaction() as tx:
        if team_id is not None:
            await visibility.team_for(tx, asker, team_id)
        await store.insert_token(tx, token, asker.person_id, hash_secret(secret))
    return MadeToken(token=token, secret=secret)


async def list_tokens(workspace: Workspace, asker: Asker) -> list[ApiToken]:
    """Return the asker's tokens, newest first."""
    async with workspace.database.transaction() as tx:
        return await store.list_tokens(tx, asker.person_id, asker.only_team)


async def revoke_token(workspace: Workspace, asker: Asker, token_id: UUID) -> None:
    """Make one of the asker's tokens useless."""
    async with workspace.database.transaction() as tx:
        if not await store.delete_token(tx, asker.person_id, asker.only_team, token_id):
            raise TokenMissingError
