"""What the update routes take and give."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, RootModel, StringConstraints

from services.workspace.updates.domain import TEXT_MAX
from services.workspace.updates.store import (
    RecordingState,
    RenewalState,
    SummaryState,
    TranscriptState,
)
from services.workspace.web import Body, Language, Text, Title, View
from shared.contracts.messages import RenditionKind, UpdateKind


class RecordingBody(Body):
    """A spoken update; its recording is uploaded next."""

    kind: Literal["recording"]
    title: Title | None = None
    language: Language | None = Field(None, description="ISO 639-1; null: found by listening.")
    size_bytes: int | None = Field(
        None, ge=0, lt=1 << 53, description="Null while it is still being recorded."
    )
    media_type: Annotated[str, StringConstraints(max_length=100)] | None = Field(
        None, description="A hint; what the file really is gets found out."
    )
    reply_to: UUID | None = Field(None, description="The update of the thread it answers.")


class TextBody(Body):
    """A written update."""

    kind: Literal["text"]
    text: Annotated[Text, StringConstraints(min_length=1, max_length=TEXT_MAX)]
    title: Title | None = None
    language: Language | None = Field(None, description="ISO 639-1.")
    reply_to: UUID | None = Field(None, description="The update of the thread it answers.")


class UpdateBody(RootModel[Annotated[RecordingBody | TextBody, Field(discriminator="kind")]]):
    """An update to post."""


class UpdatePatch(Body):
    """What an author may change."""

    title: Title | None = Field(description="Null lets the summary find one.")


class RenewalBody(Body):
    """How a recording shall be put into words again."""

    language: Language | None = Field(None, description="ISO 639-1; null: found by listening.")


class AuthorView(View):
    """Who posted it."""

    id: UUID
    name: str


class ProblemView(View):
    """Why a recording could not be used as it should."""

    code: str
    detail: str | None


class MediaView(View):
    """One way to play or draw the recording."""

    kind: RenditionKind
    url: str = Field(description="Works for an hour, for whoever has it.")
    media_type: str
    size_bytes: int
    width: int | None
    height: int | None


class RecordingView(View):
    """How far the recording has come."""

    id: UUID | None = Field(description="Null for a written update.")
    state: RecordingState
    duration_ms: int | None
    has_video: bool | None
    media: list[MediaView]


class TranscriptStateView(View):
    """How far the transcript has come."""

    state: TranscriptState
    revision: int | None = Field(
        description="Of the whole transcript; grows when a better one takes its place."
    )
    renewal: RenewalState | None = Field(
        description="Whether a better transcript is on its way, or could not be made."
    )
    language: str | None = Field(description="ISO 639-1: fixed by the author, else as heard.")


class SummaryStateView(View):
    """How far the summary has come."""

    state: SummaryState


class UpdateView(View):
    """An update and how far it has come."""

    id: UUID
    team_id: UUID
    thread_id: UUID
    author: AuthorView
    kind: UpdateKind
    reply_to: UUID | None
    title: str | None
    text: str | None = Field(description="What was written; null for a recording.")
    recording: RecordingView
    transcript: TranscriptStateView
    summary: SummaryStateView
    problem: ProblemView | None
    comment_count: int
    posted_at: datetime
    changed_at: datetime


class UploadView(View):
    """Leave to upload the recording by tus 1.0."""

    url: str = Field(description="Create the upload here, and send every request with the token.")
    token: str
    expires_at: datetime


class PostedView(View):
    """A new update."""

    update: UpdateView
    upload: UploadView | None = Field(description="For a recording: where its bytes go.")
