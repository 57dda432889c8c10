"""Comments: post at a moment or as a reply, reword, remove."""

from uuid import UUID

from services.workspace import visibility
from services.workspace.comments import store
from services.workspace.comments.domain import ParentElsewhereError, require_moment_inside
from services.workspace.comments.store import Comment
from services.workspace.context import Workspace
from services.workspace.domain import Asker, require_author
from services.workspace.updates import store as updates
from services.workspace.visibility import CommentMissingError
from shared.bus import enqueue
from shared.contracts.messages import CommentChanged, CommentPosted, CommentRemoved, UpdateKind
from shared.errors import StaleError
from shared.ids import new_id


async def list_comments(
    workspace: Workspace, asker: Asker, update_id: UUID, *, after: UUID | None, limit: int
) -> list[Comment]:
    """Return comments of an update the asker may see, in the order they were written."""
    async with workspace.database.transaction() as tx:
        await visibility.update_for(tx, asker, update_id)
        return await store.list_comments(tx, asker, update_id, after=after, limit=limit)


async def get_comment(workspace: Workspace, asker: Asker, comment_id: UUID) -> Comment:
    """Return a comment the asker may see."""
    async with workspace.database.transaction() as tx:
        return await store.fetch_comment(tx, asker, comment_id)


async def post_comment(
    workspace: Workspace,
    asker: Asker,
    update_id: UUID,
    *,
    text: str,
    at_ms: int | None,
    reply_to: UUID | None,
    request_key: str | None,
) -> Comment:
    """Comment on an update. The same request key finds the comment posted before."""
    comment_id = new_id(workspace.clock)
    async with workspace.database.transaction() as tx:
        seen = await visibility.update_for(tx, asker, update_id)
        await updates.hold_update(tx, update_id)
        update = await updates.fetch_update(tx, asker, update_id)
        require_moment_inside(
            at_ms,
            is_recording=update.kind is UpdateKind.RECORDING,
            duration_ms=update.duration_ms,
        )
        parent_id = None
        if reply_to is not None:
            parent_id = await store.parent_of(tx, update_id, reply_to)
            if parent_id is None:
                raise ParentElsewhereError(errors=(("parent_id", "parent-elsewhere"),))
        posted = await store.insert_comment(
            tx,
            comment_id=comment_id,
            update_id=update_id,
            author_id=asker.person_id,
            parent_id=parent_id,
            at_ms=at_ms,
            text=text,
            now=workspace.clock.now(),
            request_key=request_key,
        )
        if posted:
            fact = CommentPosted(
                team_id=seen.team_id,
                thread_id=seen.thread_id,
                update_id=update_id,
                comment_id=comment_id,
                member_id=asker.person_id,
                parent_id=parent_id,
                at_ms=at_ms,
                text=text,
            )
            await enqueue(tx, fact, clock=workspace.clock)
        elif request_key is not None:
            comment_id = await store.comment_by_key(tx, asker.person_id, request_key)
        return await store.fetch_comment(tx, asker, comment_id)


async def reword_comment(
    workspace: Workspace, asker: Asker, comment_id: UUID, *, text: str, version: int
) -> Comment:
    """Reword one's own comment; StaleError if it changed since ``version``."""
    async with workspace.database.transaction() as tx:
        seen = await visibility.comment_for(tx, asker, comment_id)
        require_author(asker, seen.author_id, seen.role, owner_too=False)
        if not await store.reword_comment(tx, comment_id, text, version, workspace.clock.now()):
            raise StaleError
        fact = CommentChanged(
            team_id=seen.team_id,
            thread_id=seen.thread_id,
            update_id=seen.update_id,
            comment_id=comment_id,
            text=text,
        )
        await enqueue(tx, fact, clock=workspace.clock)
        return await store.fetch_comment(tx, asker, comment_id)


async def remove_comment(workspace: Workspace, asker: Asker, comment_id: UUID) -> None:
    """Remove a comment: its author may, and an owner of the team."""
    async with workspace.database.transaction() as tx:
        seen = await visibility.comment_for(tx, asker, comment_id)
        require_author(asker, seen.author_id, seen.role, owner_too=True)
        if not await store.remove_comment(tx, comment_id, workspace.clock.now()):
            raise CommentMissingError
        fact = CommentRemoved(
            team_id=seen.team_id,
            thread_id=seen.thread_id,
            update_id=seen.update_id,
            comment_id=comment_id,
        )
        await enqueue(tx, fact, clock=workspace.clock)
