"""Rules of teams and invitations. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from services.workspace.domain import Asker, Role, RoleTooLowError
from shared.errors import ConflictError, DeniedError, InvalidError, MissingError

INVITATION_DAYS = 7
INVITATION_DAYS_MAX = 90
INVITATION_LIFETIME_MAX = timedelta(days=INVITATION_DAYS_MAX)


class LastOwnerError(ConflictError):
    """A team keeps at least one owner. Make somebody else an owner first."""

    code = "last-owner"


class AlreadyMemberError(ConflictError):
    """You are in this team already."""

    code = "already-a-member"


class MemberMissingError(MissingError):
    """There is no such person in this team."""

    code = "member-not-found"


class InvitationMissingError(MissingError):
    """There is no such invitation."""

    code = "invitation-not-found"


class InvitationOverError(MissingError):
    """This invitation was used, withdrawn or is too old. Ask for a new one."""

    code = "invitation-over"


class RemovedSinceError(DeniedError):
    """You went out of this team after this invitation was made. Ask an owner for a new one."""

    code = "removed-since-invitation"


class InvitationThreadsError(InvalidError):
    """An invitation for a guest names threads of the team; others name none."""

    code = "invitation-threads"


class TokenLimitedError(DeniedError):
    """This token is limited to one team."""

    code = "token-limited-to-team"


@dataclass(frozen=True, kw_only=True)
class TeamText:
    """What may be changed of a team."""

    name: str
    languages: tuple[str, ...]
    """ISO 639-1 of what is spoken in the team; empty: anything."""
    glossary: tuple[str, ...]
    """Names, products and jargon that recognition should expect."""


@dataclass(frozen=True, kw_only=True)
class TeamChange:
    """What somebody wants changed; None leaves it."""

    name: str | None = None
    languages: Sequence[str] | None = None
    glossary: Sequence[str] | None = None


def changed(before: TeamText, change: TeamChange) -> TeamText:
    """Return the team after a change. What is said twice is kept once, in the order given."""
    return TeamText(
        name=change.name or before.name,
        languages=_once(before.languages if change.languages is None else change.languages),
        glossary=_once(before.glossary if change.glossary is None else change.glossary),
    )


def require_unlimited(asker: Asker) -> None:
    """Refuse what reaches beyond the one team a token is limited to."""
    if asker.only_team is not None:
        raise TokenLimitedError


def require_removable(
    asker: Asker, asker_role: Role, person_id: UUID, owners: frozenset[UUID]
) -> None:
    """Owners remove anybody and everybody may leave, as long as one owner stays."""
    if asker.person_id != person_id and asker_role is not Role.OWNER:
        raise RoleTooLowError("Only an owner of the team may remove others.")
    if owners == {person_id}:
        raise LastOwnerError


def require_fitting_threads(role: Role, thread_ids: Sequence[UUID], known: int) -> None:
    """Guests are invited to threads of the team, everybody else to all of it."""
    if (role is Role.GUEST) != bool(thread_ids) or known != len(set(thread_ids)):
        raise InvitationThreadsError(errors=(("thread_ids", "invitation-threads"),))


def role_after(current: Role | None, offered: Role) -> Role:
    """Return the role after accepting: an invitation raises a guest, and lowers nobody."""
    if current is None or (current is Role.GUEST and offered is not Role.GUEST):
        return offered
    if current is Role.MEMBER and offered is Role.OWNER:
        return offered
    return current


def _once(entries: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entries))
