"""Signing in and out, and what people do with their own account."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.workspace.accounts import store
from services.workspace.accounts.domain import (
    FAILURE_WINDOW,
    FAILURES_PER_ADDRESS,
    FAILURES_PER_PERSON,
    LINK_LIFETIME,
    SESSION_LIFETIME,
    LinkOverError,
    PasswordNeededError,
    SessionMissingError,
    SignInMethod,
    TooManySignInsError,
    WrongSignInError,
    hash_secret,
    may_forgo_password,
    new_secret,
    require_session,
)
from services.workspace.accounts.store import Person, Session
from services.workspace.context import Workspace
from services.workspace.domain import Asker
from shared.db import Connection
from shared.errors import UnauthenticatedError
from shared.ids import new_id

_CLIENT_MAX = 200


@dataclass(frozen=True, kw_only=True)
class NewSession:
    """A session that has just begun, with the secret its cookie carries."""

    person_id: UUID
    secret: str


async def sign_in(
    workspace: Workspace, *, email: str, password: str, client: str, address: str
) -> NewSession:
    """Begin a session. Wrong answers are counted by person and by address.

    An attempt counts as failed before the password is looked at, so that many at once find out no
    more than many in turn.
    """
    by_email, by_address = hash_secret(f"email:{email}"), hash_secret(f"address:{address}")
    now = workspace.clock.now()
    async with workspace.database.transaction() as tx:
        await _require_patience(tx, by_email, FAILURES_PER_PERSON, now)
        await _require_patience(tx, by_address, FAILURES_PER_ADDRESS, now)
        person = await store.person_by_email(tx, email)
    password_hash = person.password_hash if person else None
    matched = await workspace.passwords.matches(password_hash, password)
    if person is None or password_hash is None or not matched:
        raise WrongSignInError
    renewed = None
    if workspace.passwords.is_outdated(password_hash):
        renewed = await workspace.passwords.hash(password)
    async with workspace.database.transaction() as tx:
        await store.clear_failures(tx, by_email)
        await store.take_back_failure(tx, by_address, now)
        if renewed is not None:
            await store.set_password(tx, person.id, renewed)
        return await begin_session(workspace, tx, person.id, SignInMethod.PASSWORD, client)


async def link_is_good(workspace: Workspace, secret: str) -> bool:
    """Tell whether a one-time link would still sign somebody in, without using it."""
    async with workspace.database.transaction() as tx:
        return await store.link_is_good(tx, hash_secret(secret), workspace.clock.now())


async def sign_in_by_link(workspace: Workspace, *, secret: str, client: str) -> NewSession:
    """Use a one-time link up and begin a session."""
    async with workspace.database.transaction() as tx:
        person_id = await store.use_link(tx, hash_secret(secret), workspace.clock.now())
        if person_id is None:
            raise LinkOverError
        return await begin_session(workspace, tx, person_id, SignInMethod.LINK, client)


async def make_link(workspace: Workspace, person_id: UUID) -> str:
    """Return the secret of a one-time sign-in link. Give it only to the person themselves."""
    secret, now = new_secret(), workspace.clock.now()
    async with workspace.database.transaction() as tx:
        await store.insert_link(
            tx,
            link_id=new_id(workspace.clock),
            person_id=person_id,
            secret_hash=hash_secret(secret),
            now=now,
            expires_at=now + LINK_LIFETIME,
        )
    return secret


async def begin_session(
    workspace: Workspace, tx: Connection, person_id: UUID, method: SignInMethod, client: str
) -> NewSession:
    """Begin a session."""
    secret, now = new_secret(), workspace.clock.now()
    session = Session(
        id=new_id(workspace.clock),
        client=client[:_CLIENT_MAX],
        method=method,
        created_at=now,
        last_used_at=now,
        expires_at=now + SESSION_LIFETIME,
    )
    await store.insert_session(tx, session, person_id, hash_secret(secret))
    return NewSession(person_id=person_id, secret=secret)


async def sign_in_newcomer(workspace: Workspace, person_id: UUID, client: str) -> NewSession:
    """Begin a session for somebody who has just chosen a password."""
    async with workspace.database.transaction() as tx:
        return await begin_session(workspace, tx, person_id, SignInMethod.PASSWORD, client)


async def get_me(workspace: Workspace, asker: Asker) -> Person:
    """Return the asker."""
    async with workspace.database.transaction() as tx:
        person = await store.person_by_id(tx, asker.person_id)
    if person is None:
        raise UnauthenticatedError
    return person


async def rename_me(workspace: Workspace, asker: Asker, name: str) -> Person:
    """Give oneself another name."""
    require_session(asker)
    async with workspace.database.transaction() as tx:
        await store.set_name(tx, asker.person_id, name)
    return await get_me(workspace, asker)


async def change_password(
    workspace: Workspace, asker: Asker, *, current: str | None, new: str
) -> None:
    """Set one's password and end all other sessions."""
    session_id = require_session(asker)
    person = await get_me(workspace, asker)
    async with workspace.database.transaction() as tx:
        session = await store.session_by_id(tx, asker.person_id, session_id)
    if session is None:
        raise UnauthenticatedError
    if not may_forgo_password(
        session.method,
        session.created_at,
        workspace.clock.now(),
        has_password=person.password_hash is not None,
    ) and not await workspace.passwords.matches(person.password_hash, current or ""):
        raise PasswordNeededError
    password_hash = await workspace.passwords.hash(new)
    async with workspace.database.transaction() as tx:
        await store.set_password(tx, asker.person_id, password_hash)
        await store.delete_other_sessions(tx, asker.person_id, session_id)


async def list_sessions(workspace: Workspace, asker: Asker) -> list[Session]:
    """Return where the asker is signed in."""
    require_session(asker)
    async with workspace.database.transaction() as tx:
        return await store.list_sessions(tx, asker.person_id, workspace.clock.now())


async def end_session(workspace: Workspace, asker: Asker, session_id: UUID) -> None:
    """End one of the asker's sessions, this one too."""
    require_session(asker)
    async with workspace.database.transaction() as tx:
        if not await store.delete_session(tx, asker.person_id, session_id):
            raise SessionMissingError


async def sweep(workspace: Workspace) -> None:
    """Forget what is over."""
    now = workspace.clock.now()
    async with workspace.database.transaction() as tx:
        await store.sweep(tx, now, now - FAILURE_WINDOW)


async def _require_patience(tx: Connection, key: bytes, limit: int, now: datetime) -> None:
    await store.lock_key(tx, key)
    failures = await store.count_failures(tx, key, now - FAILURE_WINDOW)
    if failures.count >= limit and failures.first_at is not None:
        wait = failures.first_at + FAILURE_WINDOW - now
        raise TooManySignInsError(retry_after_s=max(1.0, wait.total_seconds()))
    await store.insert_failure(tx, key, now)
