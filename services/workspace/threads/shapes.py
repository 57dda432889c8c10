"""What the thread routes take and give."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from services.workspace.web import Body, Text, Title, View


class ThreadBody(Body):
    """A thread to open."""

    title: Title


class ThreadPatch(Body):
    """What to change; what is left out stays."""

    title: Title | None = None
    concluded: bool | None = Field(None, description="True concludes, false reopens.")
    conclusion: Annotated[Text, StringConstraints(min_length=1, max_length=2000)] | None = Field(
        None, description="What came of it. Forgotten when the thread is reopened."
    )


class ThreadView(View):
    """A thread."""

    id: UUID
    team_id: UUID
    title: str
    opened_by: UUID
    opened_at: datetime
    concluded_at: datetime | None
    conclusion: str | None
    update_count: int
    last_update_at: datetime | None
    last_update_title: str | None = Field(description="Null until it has one.")
    last_update_by: str | None = Field(description="The name of who posted it.")
    last_comment_at: datetime | None = Field(description="Comments of others than you.")


class GuestView(View):
    """A guest of a thread."""

    person_id: UUID
    name: str
    invited_at: datetime


class GuestsView(View):
    """The guests of a thread, first invited first."""

    items: list[GuestView]
