"""The guards: one per object, each a query over the visible_* functions of the schema.

What is missing and what is not yours answer alike, so nobody learns that something exists.
"""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from services.workspace.domain import Asker, Role
from shared.db import Connection, load_queries
from shared.errors import MissingError

_QUERIES = load_queries(Path(__file__).with_name("visibility.sql"))


class TeamMissingError(MissingError):
    """There is no such team, or it is not yours."""

    code = "team-not-found"


class ThreadMissingError(MissingError):
    """There is no such thread, or you are not in it."""

    code = "thread-not-found"


class UpdateMissingError(MissingError):
    """There is no such update, or it is not for you."""

    code = "update-not-found"


class CommentMissingError(MissingError):
    """There is no such comment, or it is not for you."""

    code = "comment-not-found"


class CorrectionMissingError(MissingError):
    """There is no such correction, or it is not for you."""

    code = "correction-not-found"


@dataclass(frozen=True, kw_only=True)
class SeenTeam:
    """A team the asker is in."""

    team_id: UUID
    role: Role


@dataclass(frozen=True, kw_only=True)
class SeenThread(SeenTeam):
    """A thread the asker may see."""

    thread_id: UUID


@dataclass(frozen=True, kw_only=True)
class SeenUpdate(SeenThread):
    """An update the asker may see."""

    update_id: UUID
    author_id: UUID


@dataclass(frozen=True, kw_only=True)
class SeenComment(SeenThread):
    """A comment the asker may see."""

    update_id: UUID
    comment_id: UUID
    author_id: UUID


async def team_for(tx: Connection, asker: Asker, team_id: UUID) -> SeenTeam:
    """Return the team and the asker's role, or say that there is none."""
    row = await tx.fetchrow(_QUERIES["team_for"], asker.person_id, asker.only_team, team_id)
    if row is None:
        raise TeamMissingError
    return SeenTeam(team_id=row["team_id"], role=Role(row["role"]))


async def thread_for(tx: Connection, asker: Asker, thread_id: UUID) -> SeenThread:
    """Return the thread's place and the asker's role, or say that there is none."""
    row = await tx.fetchrow(_QUERIES["thread_for"], asker.person_id, asker.only_team, thread_id)
    if row is None:
        raise ThreadMissingError
    return SeenThread(thread_id=row["thread_id"], team_id=row["team_id"], role=Role(row["role"]))


async def update_for(tx: Connection, asker: Asker, update_id: UUID) -> SeenUpdate:
    """Return the update's place, author and the asker's role, or say that there is none."""
    row = await tx.fetchrow(_QUERIES["update_for"], asker.person_id, asker.only_team, update_id)
    if row is None:
        raise UpdateMissingError
    return SeenUpdate(
        update_id=row["update_id"],
        thread_id=row["thread_id"],
        team_id=row["team_id"],
        role=Role(row["role"]),
        author_id=row["author_id"],
    )


async def comment_for(tx: Connection, asker: Asker, comment_id: UUID) -> SeenComment:
    """Return the comment's place, author and the asker's role, or say that there is none."""
    row = await tx.fetchrow(_QUERIES["comment_for"], asker.person_id, asker.only_team, comment_id)
    if row is None:
        raise CommentMissingError
    return SeenComment(
        comment_id=row["comment_id"],
        update_id=row["update_id"],
        thread_id=row["thread_id"],
        team_id=row["team_id"],
        role=Role(row["role"]),
        author_id=row["author_id"],
    )


async def correction_for(tx: Connection, asker: Asker, correction_id: UUID) -> SeenUpdate:
    """Return the update that a correction is of and the asker's role, or say that there is none."""
    row = await tx.fetchrow(
        _QUERIES["correction_for"], asker.person_id, asker.only_team, correction_id
    )
    if row is None:
        raise CorrectionMissingError
    return SeenUpdate(
        update_id=row["update_id"],
        thread_id=row["thread_id"],
        team_id=row["team_id"],
        role=Role(row["role"]),
        author_id=row["author_id"],
    )


async def threads_for(tx: Connection, asker: Asker, team_id: UUID) -> tuple[UUID, ...]:
    """Return the threads of a team the asker may see; none where the team is not theirs."""
    rows = await tx.fetch(_QUERIES["threads_for"], asker.person_id, asker.only_team, team_id)
    return tuple(row["thread_id"] for row in rows)
