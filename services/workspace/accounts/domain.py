"""Rules of people and their secrets: how secrets look, what a token may grant. Pure."""

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.workspace.domain import ALL_SCOPES, Asker, has_control_characters
from shared.errors import (
    ConflictError,
    DeniedError,
    InvalidError,
    MissingError,
    TooMuchError,
    UnauthenticatedError,
)

SESSION_LIFETIME = timedelta(days=30)
LINK_LIFETIME = timedelta(hours=24)
# Long enough to choose a password after coming by a link because the old one is forgotten.
LINK_GRACE = timedelta(minutes=15)
TOUCH_EVERY = timedelta(minutes=5)
FAILURE_WINDOW = timedelta(minutes=15)
FAILURES_PER_PERSON = 10
FAILURES_PER_ADDRESS = 50
PASSWORD_MIN = 10
PASSWORD_MAX = 200
TOKEN_PREFIX = "tdg_"  # noqa: S105 - lets secret scanners recognise a leaked token
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,185}")


class SignInMethod(StrEnum):
    """How a session began."""

    PASSWORD = "password"  # noqa: S105 - a name, not a secret
    """With e-mail address and password."""
    LINK = "link"
    """With a one-time link."""
    PROVIDER = "provider"
    """With an OpenID Connect provider."""


class WrongSignInError(UnauthenticatedError):
    """The e-mail address or the password is wrong."""

    code = "wrong-sign-in"


class SessionOverError(UnauthenticatedError):
    """The session is over; sign in again."""

    code = "session-over"


class TokenRefusedError(UnauthenticatedError):
    """The API token is unknown or was revoked."""

    code = "token-refused"


class TokenExpiredError(UnauthenticatedError):
    """The API token has expired."""

    code = "api-token-expired"


class LinkOverError(UnauthenticatedError):
    """This link was used already or is too old. Ask for a new one."""

    code = "link-over"


class ProviderRefusedError(UnauthenticatedError):
    """The sign-in provider's answer could not be trusted. Try again."""

    code = "provider-refused"


class EmailUnverifiedError(DeniedError):
    """The sign-in provider has not verified the e-mail address."""

    code = "email-unverified"


class PasswordNeededError(DeniedError):
    """The current password is missing or wrong."""

    code = "password-needed"


class TokenTooWideError(DeniedError):
    """A token may not make a wider token."""

    code = "token-too-wide"


class SessionNeededError(DeniedError):
    """This needs a signed-in person, not an API token."""

    code = "session-needed"


class TooManySignInsError(TooMuchError):
    """Too many failed sign-ins. Wait a little."""

    code = "too-many-sign-ins"


class EmailTakenError(ConflictError):
    """Somebody here has this e-mail address already. Sign in instead."""

    code = "email-taken"


class TokenMissingError(MissingError):
    """There is no such API token."""

    code = "token-not-found"


class SessionMissingError(MissingError):
    """There is no such session."""

    code = "session-not-found"


class ProviderMissingError(MissingError):
    """No sign-in provider is set up here."""

    code = "no-provider"


class ScopeUnknownError(InvalidError):
    """There is no such scope."""

    code = "scope-unknown"


def new_secret(prefix: str = "") -> str:
    """Return 256 random bits as text that fits in a URL."""
    return prefix + secrets.token_urlsafe(32)


def hash_secret(secret: str) -> bytes:
    """Return what is kept of a secret. Fast on purpose: the secrets are random, not chosen."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def clean_email(email: str) -> str:
    """Return the address as it is kept, in lower case."""
    cleaned = email.strip().lower()
    if not _EMAIL.fullmatch(cleaned) or has_control_characters(cleaned):
        raise ValueError("email")
    return cleaned


def require_grantable(
    asker: Asker, scopes: frozenset[str], team_id: UUID | None, expires_at: datetime | None
) -> None:
    """Let a token pass on what it has: scopes, team and time; a session may grant everything."""
    if unknown := sorted(scopes - ALL_SCOPES):
        raise ScopeUnknownError(
            f"There is no scope {unknown[0]!r}.", errors=(("scopes", "scope-unknown"),)
        )
    if asker.scopes is not None and scopes - asker.scopes:
        raise TokenTooWideError
    if asker.only_team is not None and team_id != asker.only_team:
        raise TokenTooWideError
    if asker.expires_at is not None and (expires_at is None or expires_at > asker.expires_at):
        raise TokenTooWideError


def require_session(asker: Asker) -> UUID:
    """Return the session of a person who signed in themselves; an API token is not them."""
    if asker.session_id is None:
        raise SessionNeededError
    return asker.session_id


def may_forgo_password(
    method: SignInMethod, began_at: datetime, now: datetime, *, has_password: bool
) -> bool:
    """Tell whether a new password may be set without the old: none yet, or just came by a link."""
    came_by_link = method is SignInMethod.LINK and now - began_at < LINK_GRACE
    return came_by_link or not has_password
