"""Teams and the people in them: found, change, promote, remove."""

from uuid import UUID

from services.workspace import visibility
from services.workspace.context import Workspace
from services.workspace.domain import Asker, Role, require_owner
from services.workspace.events.credentials import end_revoked_soon
from services.workspace.events.store import revoke_credentials_of
from services.workspace.teams import store
from services.workspace.teams.domain import (
    LastOwnerError,
    MemberMissingError,
    TeamChange,
    TeamText,
    changed,
    require_removable,
    require_unlimited,
)
from services.workspace.teams.store import Member, Team
from shared.bus import enqueue
from shared.contracts.messages import MemberJoined, MemberLeft, TeamChanged, TeamFounded
from shared.db import Connection
from shared.errors import StaleError
from shared.ids import new_id


async def list_teams(workspace: Workspace, asker: Asker) -> list[Team]:
    """Return the teams the asker is in."""
    async with workspace.database.transaction() as tx:
        return await store.list_teams(tx, asker)


async def get_team(workspace: Workspace, asker: Asker, team_id: UUID) -> Team:
    """Return a team the asker is in."""
    async with workspace.database.transaction() as tx:
        return await store.fetch_team(tx, asker, team_id)


async def found_team(workspace: Workspace, asker: Asker, *, name: str, person_name: str) -> Team:
    """Found a team with the asker as its owner."""
    require_unlimited(asker)
    team_id, now = new_id(workspace.clock), workspace.clock.now()
    async with workspace.database.transaction() as tx:
        await store.insert_team(tx, team_id, name, now)
        await store.insert_membership(tx, team_id, asker.person_id, Role.OWNER, now)
        await enqueue(tx, TeamFounded(team_id=team_id, name=name), clock=workspace.clock)
        await announce_member(
            workspace, tx, team_id, person_id=asker.person_id, name=person_name, role=Role.OWNER
        )
        return await store.fetch_team(tx, asker, team_id)


async def change_team(
    workspace: Workspace, asker: Asker, team_id: UUID, change: TeamChange, *, version: int
) -> Team:
    """Rename a team or say what it speaks; StaleError if it changed since ``version``."""
    async with workspace.database.transaction() as tx:
        require_owner((await visibility.team_for(tx, asker, team_id)).role)
        team = await store.fetch_team(tx, asker, team_id)
        before = TeamText(name=team.name, languages=team.languages, glossary=team.glossary)
        after = changed(before, change)
        if not await store.change_team(tx, team_id, after, version):
            raise StaleError
        fact = TeamChanged(
            team_id=team_id,
            name=after.name,
            languages=after.languages,
            glossary=after.glossary,
            revision=version + 1,
        )
        await enqueue(tx, fact, clock=workspace.clock)
        return await store.fetch_team(tx, asker, team_id)


async def list_members(workspace: Workspace, asker: Asker, team_id: UUID) -> list[Member]:
    """Return the people of a team whom the asker may know of."""
    async with workspace.database.transaction() as tx:
        await visibility.team_for(tx, asker, team_id)
        return await store.list_members(tx, asker, team_id)


async def change_role(
    workspace: Workspace, asker: Asker, team_id: UUID, person_id: UUID, role: Role
) -> None:
    """Give somebody another role. The last owner stays one; who was one keeps no keys."""
    async with workspace.database.transaction() as tx:
        require_owner((await visibility.team_for(tx, asker, team_id)).role)
        owners = await store.lock_owners(tx, team_id)
        if await store.lock_membership(tx, team_id, person_id) is None:
            raise MemberMissingError
        if owners == {person_id} and role is not Role.OWNER:
            raise LastOwnerError
        await store.set_role(tx, team_id, person_id, role)
        if role is not Role.OWNER:
            await _revoke_issued(workspace, tx, team_id, person_id)
    await end_revoked_soon(workspace, team_id)


async def remove_member(workspace: Workspace, asker: Asker, team_id: UUID, person_id: UUID) -> None:
    """Take somebody out of a team, or leave it oneself. What they wrote stays.

    Nothing they hold lets them or others in again: only an invitation made afterwards does.
    The credentials they made for integrators end too.
    """
    async with workspace.database.transaction() as tx:
        seen = await visibility.team_for(tx, asker, team_id)
        owners = await store.lock_owners(tx, team_id)
        require_removable(asker, seen.role, person_id, owners)
        if await store.lock_membership(tx, team_id, person_id) is None:
            raise MemberMissingError
        await store.delete_membership(tx, team_id, person_id, workspace.clock.now())
        await _revoke_issued(workspace, tx, team_id, person_id)
        await enqueue(tx, MemberLeft(team_id=team_id, member_id=person_id), clock=workspace.clock)
    await end_revoked_soon(workspace, team_id)


async def announce_member(
    workspace: Workspace,
    tx: Connection,
    team_id: UUID,
    *,
    person_id: UUID,
    name: str,
    role: Role,
) -> None:
    """Say that somebody joined."""
    joined = MemberJoined(team_id=team_id, member_id=person_id, name=name, role=role.value)
    await enqueue(tx, joined, clock=workspace.clock)


async def _revoke_issued(
    workspace: Workspace, tx: Connection, team_id: UUID, person_id: UUID
) -> None:
    now = workspace.clock.now()
    await store.revoke_invitations_of(tx, team_id, person_id, now)
    await revoke_credentials_of(tx, team_id, person_id, now)
