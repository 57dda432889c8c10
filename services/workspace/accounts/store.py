"""Rows of people, sessions, tokens and links. Of every secret only the hash is here."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from services.workspace.accounts.domain import EmailTakenError, SignInMethod
from shared.db import Connection, conflict_on, load_queries

_QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


@dataclass(frozen=True, kw_only=True)
class Person:
    """Someone with an account."""

    id: UUID
    email: str
    name: str
    password_hash: str | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Session:
    """A place where a person is signed in."""

    id: UUID
    client: str
    method: SignInMethod
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class LiveSession:
    """The session a cookie stands for."""

    id: UUID
    person_id: UUID
    last_used_at: datetime


@dataclass(frozen=True, kw_only=True)
class ApiToken:
    """An API token without its secret."""

    id: UUID
    team_id: UUID | None
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class LiveToken:
    """The API token a secret stands for. It may have expired."""

    id: UUID
    person_id: UUID
    team_id: UUID | None
    scopes: tuple[str, ...]
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A trip to the sign-in provider that came back."""

    nonce: str
    code_verifier: str


@dataclass(frozen=True, kw_only=True)
class Failures:
    """Failed sign-ins of late."""

    count: int
    first_at: datetime | None


async def insert_person(tx: Connection, person: Person) -> None:
    """Keep a new person; raise EmailTakenError if somebody has the address."""
    with conflict_on("people_email_key", EmailTakenError):
        await tx.execute(
            _QUERIES["insert_person"],
            person.id,
            person.email,
            person.name,
            person.password_hash,
            person.created_at,
        )


async def person_by_id(tx: Connection, person_id: UUID) -> Person | None:
    """Return a person."""
    row = await tx.fetchrow(_QUERIES["person_by_id"], person_id)
    return Person(**row) if row else None


async def person_by_email(tx: Connection, email: str) -> Person | None:
    """Return the person who signs in with this address."""
    row = await tx.fetchrow(_QUERIES["person_by_email"], email)
    return Person(**row) if row else None


async def set_password(tx: Connection, person_id: UUID, password_hash: str) -> None:
    """Keep a new password."""
    await tx.execute(_QUERIES["set_password"], person_id, password_hash)


async def set_name(tx: Connection, person_id: UUID, name: str) -> None:
    """Keep a new name."""
    await tx.execute(_QUERIES["set_name"], person_id, name)


async def any_person(tx: Connection) -> bool:
    """Tell whether anybody is here yet."""
    return bool(await tx.fetchval(_QUERIES["any_person"]))


async def person_by_identity(tx: Connection, issuer: str, subject: str) -> Person | None:
    """Return the person known under this subject at a provider."""
    row = await tx.fetchrow(_QUERIES["person_by_identity"], issuer, subject)
    return Person(**row) if row else None


async def insert_identity(
    tx: Connection, issuer: str, subject: str, person_id: UUID, now: datetime
) -> None:
    """Tie a person to who they are at a provider."""
    await tx.execute(_QUERIES["insert_identity"], issuer, subject, person_id, now)


async def is_known_elsewhere(tx: Connection, person_id: UUID) -> bool:
    """Tell whether a provider has ever vouched for a person."""
    return bool(await tx.fetchval(_QUERIES["is_known_elsewhere"], person_id))


async def drop_ways_in(tx: Connection, person_id: UUID) -> None:
    """Forget password, sessions, API tokens and sign-in links of a person."""
    await tx.execute(_QUERIES["drop_password"], person_id)
    await tx.execute(_QUERIES["drop_tokens"], person_id)
    await tx.execute(_QUERIES["drop_links"], person_id)
    await tx.execute(_QUERIES["delete_other_sessions"], person_id, None)


async def insert_session(
    tx: Connection, session: Session, person_id: UUID, secret_hash: bytes
) -> None:
    """Keep a new session."""
    await tx.execute(
        _QUERIES["insert_session"],
        session.id,
        person_id,
        secret_hash,
        session.client,
        session.method.value,
        session.created_at,
        session.expires_at,
    )


async def session_by_secret(
    tx: Connection, secret_hash: bytes, now: datetime
) -> LiveSession | None:
    """Return the session of a cookie while it lasts."""
    row = await tx.fetchrow(_QUERIES["session_by_secret"], secret_hash, now)
    return LiveSession(**row) if row else None


async def touch_session(
    tx: Connection, session_id: UUID, now: datetime, expires_at: datetime
) -> None:
    """Note that a session was used, and let it last."""
    await tx.execute(_QUERIES["touch_session"], session_id, now, expires_at)


async def list_sessions(tx: Connection, person_id: UUID, now: datetime) -> list[Session]:
    """Return where a person is signed in, newest first."""
    rows = await tx.fetch(_QUERIES["list_sessions"], person_id, now)
    return [Session(**{**row, "method": SignInMethod(row["method"])}) for row in rows]


async def session_by_id(tx: Connection, person_id: UUID, session_id: UUID) -> Session | None:
    """Return one session of a person."""
    row = await tx.fetchrow(_QUERIES["session_by_id"], person_id, session_id)
    return Session(**{**row, "method": SignInMethod(row["method"])}) if row else None


async def delete_session(tx: Connection, person_id: UUID, session_id: UUID) -> bool:
    """End a session; False if the person has no such one."""
    return await tx.fetchval(_QUERIES["delete_session"], person_id, session_id) is not None


async def delete_other_sessions(tx: Connection, person_id: UUID, keep: UUID | None) -> None:
    """End every session of a person but one."""
    await tx.execute(_QUERIES["delete_other_sessions"], person_id, keep)


async def insert_token(
    tx: Connection, token: ApiToken, person_id: UUID, secret_hash: bytes
) -> None:
    """Keep a new API token."""
    await tx.execute(
        _QUERIES["insert_token"],
        token.id,
        person_id,
        token.team_id,
        token.name,
        secret_hash,
        list(token.scopes),
        token.created_at,
        token.expires_at,
    )


async def token_by_secret(tx: Connection, secret_hash: bytes) -> LiveToken | None:
    """Return the API token of a secret, expired or not."""
    row = await tx.fetchrow(_QUERIES["token_by_secret"], secret_hash)
    return LiveToken(**{**row, "scopes": tuple(row["scopes"])}) if row else None


async def touch_token(tx: Connection, token_id: UUID, now: datetime) -> None:
    """Note that a token was used."""
    await tx.execute(_QUERIES["touch_token"], token_id, now)


async def list_tokens(tx: Connection, person_id: UUID, only_team: UUID | None) -> list[ApiToken]:
    """Return a person's API tokens, newest first."""
    rows = await tx.fetch(_QUERIES["list_tokens"], person_id, only_team)
    return [ApiToken(**{**row, "scopes": tuple(row["scopes"])}) for row in rows]


async def delete_token(
    tx: Connection, person_id: UUID, only_team: UUID | None, token_id: UUID
) -> bool:
    """Revoke an API token; False if there is no such one."""
    deleted = await tx.fetchval(_QUERIES["delete_token"], person_id, only_team, token_id)
    return deleted is not None


async def insert_link(
    tx: Connection,
    *,
    link_id: UUID,
    person_id: UUID,
    secret_hash: bytes,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Keep a new one-time sign-in link."""
    await tx.execute(_QUERIES["insert_link"], link_id, person_id, secret_hash, now, expires_at)


async def link_is_good(tx: Connection, secret_hash: bytes, now: datetime) -> bool:
    """Tell whether a link would still sign somebody in."""
    return bool(await tx.fetchval(_QUERIES["link_is_good"], secret_hash, now))


async def use_link(tx: Connection, secret_hash: bytes, now: datetime) -> UUID | None:
    """Use a link up and return whose it is, or None if it is used or over."""
    person_id: UUID | None = await tx.fetchval(_QUERIES["use_link"], secret_hash, now)
    return person_id


async def insert_attempt(
    tx: Connection, state_hash: bytes, attempt: Attempt, expires_at: datetime
) -> None:
    """Remember a trip to the provider."""
    await tx.execute(
        _QUERIES["insert_attempt"], state_hash, attempt.nonce, attempt.code_verifier, expires_at
    )


async def take_attempt(tx: Connection, state_hash: bytes, now: datetime) -> Attempt | None:
    """Return and forget a trip to the provider, or None if there was none."""
    row = await tx.fetchrow(_QUERIES["take_attempt"], state_hash, now)
    return Attempt(**row) if row else None


async def lock_key(tx: Connection, key: bytes) -> None:
    """Let attempts under one key be counted one after the other."""
    await tx.execute(_QUERIES["lock_key"], key)


async def insert_failure(tx: Connection, key: bytes, now: datetime) -> None:
    """Count a sign-in as failed until it went well."""
    await tx.execute(_QUERIES["insert_failure"], key, now)


async def count_failures(tx: Connection, key: bytes, since: datetime) -> Failures:
    """Return the failed sign-ins since a moment."""
    row = await tx.fetchrow(_QUERIES["count_failures"], key, since)
    return (
        Failures(count=row["failures"], first_at=row["first_at"])
        if row
        else Failures(count=0, first_at=None)
    )


async def clear_failures(tx: Connection, key: bytes) -> None:
    """Forget the failures after a sign-in that went well."""
    await tx.execute(_QUERIES["clear_failures"], key)


async def take_back_failure(tx: Connection, key: bytes, at: datetime) -> None:
    """Forget the failure of this moment, for it was none."""
    await tx.execute(_QUERIES["take_back_failure"], key, at)


async def sweep(tx: Connection, now: datetime, failures_before: datetime) -> None:
    """Forget what is over: sessions, links, trips to the provider, old failures."""
    await tx.execute(_QUERIES["sweep_sessions"], now)
    await tx.execute(_QUERIES["sweep_links"], now)
    await tx.execute(_QUERIES["sweep_attempts"], now)
    await tx.execute(_QUERIES["sweep_failures"], failures_before)
