"""What a capability token of the workspace lets its holder read. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from shared.errors import UnauthenticatedError


class ClaimsBrokenError(UnauthenticatedError):
    """The token does not say what it should."""

    code = "claims-broken"


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Somebody who may read events of a team."""

    team_id: UUID
    threads: frozenset[str] | None
    """None: everything in the team. Otherwise only what happens in these threads."""

    @classmethod
    def from_claims(cls, claims: Mapping[str, Any]) -> Self:
        """Read a token's claims, which must name a team and say which threads."""
        try:
            threads = claims["threads"]
            allowed = None if threads is None else frozenset(str(UUID(one)) for one in threads)
            return cls(team_id=UUID(claims["team_id"]), threads=allowed)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ClaimsBrokenError from None

    def may_see(self, envelope: Mapping[str, Any]) -> bool:
        """Return whether the reader may know the fact; one without thread is for the whole team."""
        return self.threads is None or envelope["data"].get("thread_id") in self.threads


def team_of(claims: Mapping[str, Any]) -> UUID:
    """Return the team a token is about, or raise ClaimsBrokenError."""
    try:
        return UUID(claims["team_id"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ClaimsBrokenError from None


def credential_of(claims: Mapping[str, Any]) -> UUID | None:
    """Return the credential a token is about, None if it makes one, or raise ClaimsBrokenError."""
    if "credential_id" not in claims:
        return None
    try:
        return UUID(claims["credential_id"])
    except (TypeError, ValueError, AttributeError):
        raise ClaimsBrokenError from None
