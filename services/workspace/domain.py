"""Words shared by the areas of the workspace: roles, scopes, who asks, what text is kept. Pure."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.errors import DeniedError, InvalidError


class Role(StrEnum):
    """What a person may do in a team."""

    OWNER = "owner"
    """Manages members and settings, removes anything."""
    MEMBER = "member"
    """Reads and posts everywhere in the team."""
    GUEST = "guest"
    """Reads and posts in the threads they are invited to."""


class Scope(StrEnum):
    """What an API token may be used for. A session may do all of it."""

    TEAMS_READ = "teams:read"
    """Read teams and who is in them."""
    TEAMS_WRITE = "teams:write"
    """Found and rename teams."""
    MEMBERS_WRITE = "members:write"
    """Invite, promote and remove people."""
    THREADS_READ = "threads:read"
    """Read threads."""
    THREADS_WRITE = "threads:write"
    """Open, rename and conclude threads."""
    UPDATES_READ = "updates:read"
    """Read updates, transcripts, summaries and media."""
    UPDATES_WRITE = "updates:write"
    """Post, edit and remove updates."""
    COMMENTS_READ = "comments:read"
    """Read comments."""
    COMMENTS_WRITE = "comments:write"
    """Post, edit and remove comments."""
    SEARCH_READ = "search:read"
    """Search what the person may see."""
    EVENTS_READ = "events:read"
    """Read the event log."""
    EVENTS_MANAGE = "events:manage"
    """Issue credentials for the event stream."""
    TOKENS_WRITE = "tokens:write"
    """Make and revoke API tokens, never wider than the token that makes them."""


ALL_SCOPES = frozenset(scope.value for scope in Scope)


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Who asks: a person, by session or by a token limited in scope and perhaps to one team."""

    person_id: UUID
    # The team a token is limited to.
    only_team: UUID | None = None
    # None: a session, which may do whatever the person may.
    scopes: frozenset[str] | None = None
    # When the token ends, if it does.
    expires_at: datetime | None = None
    session_id: UUID | None = None

    @property
    def key(self) -> str:
        """Stable text that names the person, for limits and repeated requests."""
        return f"person:{self.person_id}"


class RoleTooLowError(DeniedError):
    """Your role in this team does not allow this."""

    code = "role-too-low"


class NotYoursError(DeniedError):
    """Only its author or an owner of the team may do this."""

    code = "not-yours"


class TextRefusedError(InvalidError):
    """The text is empty, too long or holds control characters."""

    code = "text-refused"


def require_owner(role: Role) -> None:
    """Let owners pass."""
    if role is not Role.OWNER:
        raise RoleTooLowError("Only an owner of the team may do this.")


def require_member(role: Role) -> None:
    """Let owners and members pass, guests not."""
    if role is Role.GUEST:
        raise RoleTooLowError("Guests may not do this.")


def require_author(asker: Asker, author_id: UUID, role: Role, *, owner_too: bool) -> None:
    """Let the author pass, and owners where they may act on others' words."""
    if asker.person_id == author_id or (owner_too and role is Role.OWNER):
        return
    raise NotYoursError if owner_too else NotYoursError("Only its author may do this.")


def has_control_characters(text: str, *, allowed: str = "") -> bool:
    """Tell whether text holds characters no one typed on purpose (NUL, escapes, halves)."""
    return any(
        unicodedata.category(character) in {"Cc", "Cs"} and character not in allowed
        for character in text
    )


def clean_line(text: str) -> str:
    """Return one line without outer blanks; control characters, line ends too, are refused."""
    line = text.strip()
    if not line:
        raise ValueError("empty")
    if has_control_characters(line):
        raise ValueError("control-characters")
    return line


def clean_text(text: str) -> str:
    """Return text of several lines with plain line ends; other control characters are refused."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not lines:
        raise ValueError("empty")
    if has_control_characters(lines, allowed="\n\t"):
        raise ValueError("control-characters")
    return lines
