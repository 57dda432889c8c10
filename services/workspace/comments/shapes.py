"""What the comment routes take and give."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from services.workspace.comments.domain import TEXT_MAX
from services.workspace.web import Body, Text, View

CommentText = Annotated[Text, StringConstraints(min_length=1, max_length=TEXT_MAX)]


class CommentBody(Body):
    """A comment to post."""

    text: CommentText
    at_ms: int | None = Field(None, ge=0, lt=1 << 53, description="The moment it is about.")
    parent_id: UUID | None = Field(None, description="The comment it replies to.")


class CommentPatch(Body):
    """Another wording."""

    text: CommentText


class CommentAuthorView(View):
    """Who wrote it."""

    id: UUID
    name: str


class CommentView(View):
    """A comment."""

    id: UUID
    update_id: UUID
    author: CommentAuthorView
    parent_id: UUID | None = Field(description="The comment at the head of the conversation.")
    at_ms: int | None
    text: str = Field(description="Empty if removed while replies stand.")
    is_removed: bool
    posted_at: datetime
    changed_at: datetime
