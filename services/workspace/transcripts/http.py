"""Routes of transcripts and summaries."""

import hashlib
from typing import Literal, cast
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from services.workspace.domain import Scope
from services.workspace.transcripts import usecases
from services.workspace.transcripts.formats import (
    MEDIA_TYPES,
    Format,
    TranscriptHasNoTimesError,
    TranscriptReply,
    render,
)
from services.workspace.visibility import UpdateMissingError
from services.workspace.web import View, asker_of, workspace_of
from shared.contracts.summary import Statement
from shared.http.routes import (
    QUERY,
    Access,
    Route,
    etag_of,
    json_reply,
    matches_none,
    path_id,
)


class TranscriptQuery(BaseModel):
    """In which shape the transcript is wanted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Format = Field(Format.JSON, description="txt, md, vtt, srt or json.")
    times: bool = Field(default=False, description="txt: begin paragraphs with their time.")
    speakers: bool = Field(default=True, description="txt: begin paragraphs with their speaker.")


class SummaryView(View):
    """What an update comes to; every statement carries its evidence."""

    update_id: UUID
    state: Literal["none", "waiting", "complete"]
    language: str | None
    statements: tuple[Statement, ...]


async def get_transcript(request: web.Request) -> web.Response:
    """Return what was said."""
    wanted = cast("TranscriptQuery", request[QUERY])
    workspace = workspace_of(request)
    transcript = await usecases.get_transcript(
        workspace.database,
        asker_of(request),
        path_id(request, "update_id"),
        public_url=workspace.settings.public_url,
        may_grow=wanted.format is Format.JSON,
    )
    body = render(transcript, wanted.format, times=wanted.times, speakers=wanted.speakers).encode()
    etag = etag_of(hashlib.sha256(body).hexdigest())
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if matches_none(request, etag):
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = f"{MEDIA_TYPES[wanted.format]}; charset=utf-8"
    headers["Vary"] = "Accept-Encoding"
    reply = web.Response(body=body, headers=headers)
    # Two hours of words are 1.7 MB with their times, and an eighth of that on the way.
    reply.enable_compression()
    return reply


async def get_summary(request: web.Request) -> web.Response:
    """Return what it comes to."""
    summary = await usecases.get_summary(
        workspace_of(request).database, asker_of(request), path_id(request, "update_id")
    )
    view = SummaryView.model_validate(
        {
            "update_id": summary.head.id,
            "state": summary.head.summary_state,
            "language": summary.head.language,
            "statements": summary.statements,
        }
    )
    return json_reply(view)


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/updates/{update_id}/transcript",
        handler=get_transcript,
        summary="Read what was said, as text, Markdown, captions or data",
        tag="updates",
        operation_id="getTranscript",
        access=Access.AUTHENTICATED,
        scope=Scope.UPDATES_READ,
        query=TranscriptQuery,
        responses={
            200: (
                TranscriptReply,
                *(kind for each, kind in MEDIA_TYPES.items() if each is not Format.JSON),
            ),
            304: None,
        },
        errors=(
            UpdateMissingError,
            usecases.TranscriptNotReadyError,
            usecases.TranscriptFailedError,
            TranscriptHasNoTimesError,
        ),
    ),
    Route(
        method="GET",
        path="/api/v1/updates/{update_id}/summary",
        handler=get_summary,
        summary="Read what an update comes to, with the evidence",
        tag="updates",
        operation_id="getSummary",
        access=Access.AUTHENTICATED,
        scope=Scope.UPDATES_READ,
        responses={200: SummaryView},
        errors=(UpdateMissingError,),
    ),
)
