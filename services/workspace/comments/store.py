"""Rows of comments. Decides nothing; visibility comes from the guards."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from services.workspace.domain import Asker
from services.workspace.visibility import CommentMissingError
from shared.db import Connection, load_queries

_QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


@dataclass(frozen=True, kw_only=True)
class Comment:
    """A comment; a removed one has no text."""

    id: UUID
    update_id: UUID
    author_id: UUID
    author_name: str
    parent_id: UUID | None
    at_ms: int | None
    text: str
    posted_at: datetime
    changed_at: datetime
    removed_at: datetime | None
    version: int


async def insert_comment(
    tx: Connection,
    *,
    comment_id: UUID,
    update_id: UUID,
    author_id: UUID,
    parent_id: UUID | None,
    at_ms: int | None,
    text: str,
    now: datetime,
    request_key: str | None,
) -> bool:
    """Post a comment; False if its author has posted one under this request key before."""
    inserted = await tx.fetchval(
        _QUERIES["insert_comment"],
        comment_id,
        update_id,
        author_id,
        parent_id,
        at_ms,
        text,
        now,
        request_key,
    )
    return inserted is not None


async def comment_by_key(tx: Connection, author_id: UUID, request_key: str) -> UUID:
    """Return the comment an author has posted under a request key."""
    comment_id: UUID | None = await tx.fetchval(_QUERIES["comment_by_key"], author_id, request_key)
    if comment_id is None:
        raise CommentMissingError
    return comment_id


async def parent_of(tx: Connection, update_id: UUID, comment_id: UUID) -> UUID | None:
    """Return the first comment of the conversation, or None if the update has no such comment."""
    parent: UUID | None = await tx.fetchval(_QUERIES["parent_of"], update_id, comment_id)
    return parent


async def list_comments(
    tx: Connection, asker: Asker, update_id: UUID, *, after: UUID | None, limit: int
) -> list[Comment]:
    """Return comments of an update the asker may see, in the order they were written."""
    rows = await tx.fetch(
        _QUERIES["list_comments"], asker.person_id, asker.only_team, update_id, after, limit
    )
    return [Comment(**row) for row in rows]


async def fetch_comment(tx: Connection, asker: Asker, comment_id: UUID) -> Comment:
    """Return a comment the asker may see."""
    row = await tx.fetchrow(_QUERIES["fetch_comment"], asker.person_id, asker.only_team, comment_id)
    if row is None:
        raise CommentMissingError
    return Comment(**row)


async def reword_comment(
    tx: Connection, comment_id: UUID, text: str, version: int, now: datetime
) -> bool:
    """Change the text; False if someone did since ``version``."""
    changed = await tx.fetchval(_QUERIES["reword_comment"], comment_id, text, version, now)
    return changed is not None


async def remove_comment(tx: Connection, comment_id: UUID, now: datetime) -> bool:
    """Wipe a comment; False if it is gone already."""
    return await tx.fetchval(_QUERIES["remove_comment"], comment_id, now) is not None
