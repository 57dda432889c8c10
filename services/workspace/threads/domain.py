"""Rules of threads: what a change leaves. Pure."""

from dataclasses import dataclass
from datetime import datetime

from shared.errors import InvalidError, MissingError


class ConclusionWithoutEndError(InvalidError):
    """A conclusion belongs to a concluded thread."""

    code = "conclusion-without-end"


class GuestMissingError(MissingError):
    """There is no such guest. Invite them to the team first."""

    code = "guest-not-found"


@dataclass(frozen=True, kw_only=True)
class ThreadText:
    """What may be changed of a thread."""

    title: str
    concluded_at: datetime | None
    conclusion: str | None


@dataclass(frozen=True, kw_only=True)
class ThreadChange:
    """What somebody wants changed; None leaves it."""

    title: str | None = None
    concluded: bool | None = None
    conclusion: str | None = None


def changed(before: ThreadText, change: ThreadChange, now: datetime) -> ThreadText:
    """Return the thread after a change. Reopening forgets the conclusion."""
    is_concluded = before.concluded_at is not None
    if change.concluded is not None:
        is_concluded = change.concluded
    if change.conclusion is not None and not is_concluded:
        raise ConclusionWithoutEndError(errors=(("conclusion", "conclusion-without-end"),))
    return ThreadText(
        title=change.title or before.title,
        concluded_at=(before.concluded_at or now) if is_concluded else None,
        conclusion=(change.conclusion or before.conclusion) if is_concluded else None,
    )
