"""Rows of teams, memberships and invitations. Decides nothing; visibility comes from the guards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg

from services.workspace.domain import Asker, Role
from services.workspace.teams.domain import TeamText
from services.workspace.visibility import TeamMissingError
from shared.db import Connection, load_queries

_QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


@dataclass(frozen=True, kw_only=True)
class Team:
    """A team as one of its people sees it."""

    id: UUID
    name: str
    version: int
    founded_at: datetime
    role: Role
    languages: tuple[str, ...]
    glossary: tuple[str, ...]
    """Empty for guests: it names what is not theirs."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """A person in a team. ``email`` is None where the asker may not know it."""

    person_id: UUID
    name: str
    email: str | None
    role: Role
    joined_at: datetime
    thread_ids: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True)
class Place:
    """One person's place in a team, locked until the transaction ends."""

    role: Role
    name: str


@dataclass(frozen=True, kw_only=True)
class NewInvitation:
    """An invitation to keep."""

    id: UUID
    team_id: UUID
    secret_hash: bytes
    role: Role
    thread_ids: tuple[UUID, ...]
    created_by: UUID
    created_at: datetime
    expires_at: datetime
    max_uses: int


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """An invitation as owners see it; its secret is not kept."""

    id: UUID
    role: Role
    thread_ids: tuple[UUID, ...]
    created_by: UUID
    created_at: datetime
    expires_at: datetime
    max_uses: int
    uses: int


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What the holder of an invitation's secret may know."""

    team_id: UUID
    role: Role
    team_name: str
    invited_by: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class TakenInvitation:
    """An invitation of which one use has just been taken."""

    team_id: UUID
    role: Role
    thread_ids: tuple[UUID, ...]
    created_at: datetime


async def insert_team(tx: Connection, team_id: UUID, name: str, now: datetime) -> None:
    """Found a team; nobody is in it yet."""
    await tx.execute(_QUERIES["insert_team"], team_id, name, now)


async def insert_membership(
    tx: Connection, team_id: UUID, person_id: UUID, role: Role, now: datetime
) -> bool:
    """Put a person in a team; False if they were in it already."""
    row = await tx.fetchval(_QUERIES["insert_membership"], team_id, person_id, role.value, now)
    return row is not None


async def list_teams(tx: Connection, asker: Asker) -> list[Team]:
    """Return the asker's teams, oldest first."""
    rows = await tx.fetch(_QUERIES["list_teams"], asker.person_id, asker.only_team)
    return [_team(row) for row in rows]


async def fetch_team(tx: Connection, asker: Asker, team_id: UUID) -> Team:
    """Return a team of the asker's."""
    row = await tx.fetchrow(_QUERIES["fetch_team"], asker.person_id, asker.only_team, team_id)
    if row is None:
        raise TeamMissingError
    return _team(row)


async def change_team(tx: Connection, team_id: UUID, text: TeamText, version: int) -> bool:
    """Change a team; False if someone changed it since ``version``."""
    changed = await tx.fetchval(
        _QUERIES["change_team"],
        team_id,
        text.name,
        list(text.languages),
        list(text.glossary),
        version,
    )
    return changed is not None


async def list_members(tx: Connection, asker: Asker, team_id: UUID) -> list[Member]:
    """Return the people of a team whom the asker may know of."""
    rows = await tx.fetch(_QUERIES["list_members"], asker.person_id, asker.only_team, team_id)
    return [
        Member(**{**row, "role": Role(row["role"]), "thread_ids": tuple(row["thread_ids"])})
        for row in rows
    ]


async def lock_owners(tx: Connection, team_id: UUID) -> frozenset[UUID]:
    """Return the owners of a team and keep anyone else from changing who they are."""
    return frozenset(row["person_id"] for row in await tx.fetch(_QUERIES["lock_owners"], team_id))


async def lock_membership(tx: Connection, team_id: UUID, person_id: UUID) -> Place | None:
    """Return a person's place in a team, locked, or None."""
    row = await tx.fetchrow(_QUERIES["lock_membership"], team_id, person_id)
    return Place(role=Role(row["role"]), name=row["name"]) if row else None


async def set_role(tx: Connection, team_id: UUID, person_id: UUID, role: Role) -> None:
    """Give a member another role; guest places go when they see everything anyway."""
    await tx.execute(_QUERIES["set_role"], team_id, person_id, role.value)
    if role is not Role.GUEST:
        await tx.execute(_QUERIES["clear_guest_places"], team_id, person_id)


async def delete_membership(tx: Connection, team_id: UUID, person_id: UUID, now: datetime) -> None:
    """Take a person out of a team, with their guest places and tokens for it, and remember when."""
    await tx.execute(_QUERIES["delete_membership"], team_id, person_id)
    await tx.execute(_QUERIES["delete_team_tokens"], team_id, person_id)
    await tx.execute(_QUERIES["record_removal"], team_id, person_id, now)


async def was_removed_since(
    tx: Connection, team_id: UUID, person_id: UUID, moment: datetime
) -> bool:
    """Tell whether a person went out of a team at this moment or later."""
    return bool(await tx.fetchval(_QUERIES["removed_since"], team_id, person_id, moment))


async def insert_guest_places(
    tx: Connection, team_id: UUID, person_id: UUID, thread_ids: Sequence[UUID], now: datetime
) -> None:
    """Let a guest into threads; threads of other teams are passed over."""
    await tx.execute(_QUERIES["insert_guest_places"], team_id, person_id, list(thread_ids), now)


async def count_threads(tx: Connection, team_id: UUID, thread_ids: Sequence[UUID]) -> int:
    """Return how many of these threads belong to the team."""
    return int(await tx.fetchval(_QUERIES["count_threads"], team_id, list(thread_ids)))


async def insert_invitation(tx: Connection, invitation: NewInvitation) -> None:
    """Keep an invitation."""
    await tx.execute(
        _QUERIES["insert_invitation"],
        invitation.id,
        invitation.team_id,
        invitation.secret_hash,
        invitation.role.value,
        list(invitation.thread_ids),
        invitation.created_by,
        invitation.created_at,
        invitation.expires_at,
        invitation.max_uses,
    )


async def list_invitations(tx: Connection, team_id: UUID, now: datetime) -> list[Invitation]:
    """Return the invitations that can still be used, newest first."""
    rows = await tx.fetch(_QUERIES["list_invitations"], team_id, now)
    return [
        Invitation(**{**row, "role": Role(row["role"]), "thread_ids": tuple(row["thread_ids"])})
        for row in rows
    ]


async def revoke_invitation(
    tx: Connection, team_id: UUID, invitation_id: UUID, now: datetime
) -> bool:
    """Make an invitation useless; False if the team has no such one."""
    return await tx.fetchval(_QUERIES["revoke_invitation"], team_id, invitation_id, now) is not None


async def revoke_invitations_of(
    tx: Connection, team_id: UUID, person_id: UUID, now: datetime
) -> None:
    """Make every invitation useless that a person issued for a team."""
    await tx.execute(_QUERIES["revoke_invitations_of"], team_id, person_id, now)


async def look_at_invitation(tx: Connection, secret_hash: bytes, now: datetime) -> Offer | None:
    """Return what the holder of the secret may know, or None if it is no longer good."""
    row = await tx.fetchrow(_QUERIES["look_at_invitation"], secret_hash, now)
    if row is None:
        return None
    return Offer(
        team_id=row["team_id"],
        role=Role(row["role"]),
        team_name=row["team_name"],
        invited_by=row["invited_by"],
        expires_at=row["expires_at"],
    )


async def use_invitation(
    tx: Connection, secret_hash: bytes, now: datetime
) -> TakenInvitation | None:
    """Take one use of an invitation, or None if it is no longer good."""
    row = await tx.fetchrow(_QUERIES["use_invitation"], secret_hash, now)
    if row is None:
        return None
    return TakenInvitation(
        team_id=row["team_id"],
        role=Role(row["role"]),
        thread_ids=tuple(row["thread_ids"]),
        created_at=row["created_at"],
    )


def _team(row: asyncpg.Record) -> Team:
    return Team(
        **{
            **row,
            "role": Role(row["role"]),
            "languages": tuple(row["languages"]),
            "glossary": tuple(row["glossary"]),
        }
    )
