"""Invitations by link: make, look at, accept, withdraw."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from services.workspace import visibility
from services.workspace.accounts import store as accounts
from services.workspace.accounts.domain import hash_secret, new_secret
from services.workspace.accounts.store import Person
from services.workspace.context import Workspace
from services.workspace.domain import Asker, Role, require_owner
from services.workspace.teams import store
from services.workspace.teams.domain import (
    AlreadyMemberError,
    InvitationMissingError,
    InvitationOverError,
    RemovedSinceError,
    require_fitting_threads,
    require_unlimited,
    role_after,
)
from services.workspace.teams.store import Invitation, NewInvitation, Offer
from services.workspace.teams.usecases import announce_member
from shared.db import Connection
from shared.errors import UnauthenticatedError
from shared.ids import new_id


@dataclass(frozen=True, kw_only=True)
class MadeInvitation:
    """A new invitation with the secret that is shown once."""

    invitation: NewInvitation
    secret: str


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """What became of an accepted invitation."""

    team_id: UUID
    role: Role
    person_id: UUID


async def invite(
    workspace: Workspace,
    asker: Asker,
    team_id: UUID,
    *,
    role: Role,
    thread_ids: Sequence[UUID],
    expires_in: timedelta,
    max_uses: int,
) -> MadeInvitation:
    """Make a link that lets people into the team, guests into some threads of it."""
    secret, now = new_secret(), workspace.clock.now()
    invitation = NewInvitation(
        id=new_id(workspace.clock),
        team_id=team_id,
        secret_hash=hash_secret(secret),
        role=role,
        thread_ids=tuple(dict.fromkeys(thread_ids)),
        created_by=asker.person_id,
        created_at=now,
        expires_at=now + expires_in,
        max_uses=max_uses,
    )
    async with workspace.database.transaction() as tx:
        require_owner((await visibility.team_for(tx, asker, team_id)).role)
        known = await store.count_threads(tx, team_id, thread_ids)
        require_fitting_threads(role, thread_ids, known)
        await store.insert_invitation(tx, invitation)
    return MadeInvitation(invitation=invitation, secret=secret)


async def list_invitations(workspace: Workspace, asker: Asker, team_id: UUID) -> list[Invitation]:
    """Return the invitations of a team that can still be used."""
    async with workspace.database.transaction() as tx:
        require_owner((await visibility.team_for(tx, asker, team_id)).role)
        return await store.list_invitations(tx, team_id, workspace.clock.now())


async def withdraw(workspace: Workspace, asker: Asker, team_id: UUID, invitation_id: UUID) -> None:
    """Make an invitation useless."""
    async with workspace.database.transaction() as tx:
        require_owner((await visibility.team_for(tx, asker, team_id)).role)
        if not await store.revoke_invitation(tx, team_id, invitation_id, workspace.clock.now()):
            raise InvitationMissingError


async def look(workspace: Workspace, secret: str) -> Offer:
    """Return what the holder of a link may know before accepting."""
    async with workspace.database.transaction() as tx:
        offer = await store.look_at_invitation(tx, hash_secret(secret), workspace.clock.now())
    if offer is None:
        raise InvitationOverError
    return offer


async def accept(workspace: Workspace, asker: Asker, secret: str) -> Accepted:
    """Join as somebody who has an account; a token limited to one team joins no other."""
    require_unlimited(asker)
    async with workspace.database.transaction() as tx:
        person = await accounts.person_by_id(tx, asker.person_id)
        if person is None:
            raise UnauthenticatedError
        return await _join(workspace, tx, person, secret)


async def accept_as_newcomer(
    workspace: Workspace, secret: str, *, name: str, email: str, password: str
) -> Accepted:
    """Join and get an account. EmailTakenError leaves the invitation as it was."""
    await look(workspace, secret)
    person = Person(
        id=new_id(workspace.clock),
        email=email,
        name=name,
        password_hash=await workspace.passwords.hash(password),
        created_at=workspace.clock.now(),
    )
    async with workspace.database.transaction() as tx:
        await accounts.insert_person(tx, person)
        return await _join(workspace, tx, person, secret)


async def _join(workspace: Workspace, tx: Connection, person: Person, secret: str) -> Accepted:
    now = workspace.clock.now()
    taken = await store.use_invitation(tx, hash_secret(secret), now)
    if taken is None:
        raise InvitationOverError
    place = await store.lock_membership(tx, taken.team_id, person.id)
    if await store.was_removed_since(tx, taken.team_id, person.id, taken.created_at):
        raise RemovedSinceError
    role = role_after(place.role if place else None, taken.role)
    if place is None:
        await store.insert_membership(tx, taken.team_id, person.id, role, now)
    elif role is not place.role:
        await store.set_role(tx, taken.team_id, person.id, role)
    elif role is not Role.GUEST:
        raise AlreadyMemberError
    if role is Role.GUEST:
        await store.insert_guest_places(tx, taken.team_id, person.id, taken.thread_ids, now)
    if place is None:
        await announce_member(
            workspace, tx, taken.team_id, person_id=person.id, name=person.name, role=role
        )
    return Accepted(team_id=taken.team_id, role=role, person_id=person.id)
