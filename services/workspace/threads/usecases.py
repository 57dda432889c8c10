"""Threads: open, read, rename, conclude, reopen; and their guests."""

from uuid import UUID

from services.workspace import visibility
from services.workspace.context import Workspace
from services.workspace.domain import Asker, require_member, require_owner
from services.workspace.threads import store
from services.workspace.threads.domain import (
    GuestMissingError,
    ThreadChange,
    ThreadText,
    changed,
)
from services.workspace.threads.store import Thread, ThreadGuest
from shared.bus import enqueue
from shared.contracts.messages import ThreadChanged, ThreadOpened
from shared.errors import StaleError
from shared.ids import new_id


async def list_threads(
    workspace: Workspace, asker: Asker, team_id: UUID, *, before: UUID | None, limit: int
) -> list[Thread]:
    """Return threads of a team the asker may see, newest first."""
    async with workspace.database.transaction() as tx:
        await visibility.team_for(tx, asker, team_id)
        return await store.list_threads(tx, asker, team_id, before=before, limit=limit)


async def get_thread(workspace: Workspace, asker: Asker, thread_id: UUID) -> Thread:
    """Return a thread the asker may see."""
    async with workspace.database.transaction() as tx:
        return await store.fetch_thread(tx, asker, thread_id)


async def open_thread(
    workspace: Workspace,
    asker: Asker,
    team_id: UUID,
    *,
    title: str,
    request_key: str | None = None,
) -> Thread:
    """Open a thread in a team. Guests may not. The same request key finds the one opened before."""
    thread_id = new_id(workspace.clock)
    async with workspace.database.transaction() as tx:
        require_member((await visibility.team_for(tx, asker, team_id)).role)
        is_new = await store.insert_thread(
            tx,
            thread_id=thread_id,
            team_id=team_id,
            title=title,
            opened_by=asker.person_id,
            now=workspace.clock.now(),
            request_key=request_key,
        )
        if is_new:
            opened = ThreadOpened(
                team_id=team_id, thread_id=thread_id, title=title, member_id=asker.person_id
            )
            await enqueue(tx, opened, clock=workspace.clock)
        elif request_key is not None:
            thread_id = await store.thread_by_key(tx, asker.person_id, request_key)
        return await store.fetch_thread(tx, asker, thread_id)


async def change_thread(
    workspace: Workspace, asker: Asker, thread_id: UUID, change: ThreadChange, *, version: int
) -> Thread:
    """Rename, conclude or reopen; StaleError if somebody changed it since ``version``."""
    async with workspace.database.transaction() as tx:
        require_member((await visibility.thread_for(tx, asker, thread_id)).role)
        thread = await store.fetch_thread(tx, asker, thread_id)
        before = ThreadText(
            title=thread.title, concluded_at=thread.concluded_at, conclusion=thread.conclusion
        )
        after = changed(before, change, workspace.clock.now())
        if not await store.change_thread(
            tx,
            thread_id=thread_id,
            title=after.title,
            concluded_at=after.concluded_at,
            conclusion=after.conclusion,
            version=version,
        ):
            raise StaleError
        fact = ThreadChanged(
            team_id=thread.team_id,
            thread_id=thread_id,
            title=after.title,
            concluded=after.concluded_at is not None,
            conclusion=after.conclusion,
        )
        await enqueue(tx, fact, clock=workspace.clock)
        return await store.fetch_thread(tx, asker, thread_id)


async def list_guests(workspace: Workspace, asker: Asker, thread_id: UUID) -> list[ThreadGuest]:
    """Return the guests of a thread the asker may see."""
    async with workspace.database.transaction() as tx:
        await visibility.thread_for(tx, asker, thread_id)
        return await store.list_guests(tx, thread_id)


async def add_guest(workspace: Workspace, asker: Asker, thread_id: UUID, person_id: UUID) -> None:
    """Let a guest of the team into one more thread."""
    async with workspace.database.transaction() as tx:
        seen = await visibility.thread_for(tx, asker, thread_id)
        require_owner(seen.role)
        now = workspace.clock.now()
        if not await store.insert_guest(tx, thread_id, seen.team_id, person_id, now):
            raise GuestMissingError


async def remove_guest(
    workspace: Workspace, asker: Asker, thread_id: UUID, person_id: UUID
) -> None:
    """Take a guest out of a thread."""
    async with workspace.database.transaction() as tx:
        require_owner((await visibility.thread_for(tx, asker, thread_id)).role)
        if not await store.delete_guest(tx, thread_id, person_id):
            raise GuestMissingError
