"""Routes of updates."""

from typing import cast
from uuid import UUID

from aiohttp import web

from services.workspace.context import Workspace
from services.workspace.domain import NotYoursError, Scope
from services.workspace.updates import shapes, usecases
from services.workspace.updates.domain import (
    NothingToTranscribeError,
    NothingToUploadError,
    Problem,
    RecordingEmptyError,
    RecordingTooLargeError,
    ReplyElsewhereError,
    problem_now,
)
from services.workspace.updates.store import Update
from services.workspace.updates.usecases import Draft
from services.workspace.visibility import ThreadMissingError, UpdateMissingError
from services.workspace.web import PageQuery, asker_of, page_of, position_of, workspace_of
from shared.contracts.messages import Rendition
from shared.http.routes import (
    BODY,
    IDEMPOTENCY_KEY,
    Access,
    Page,
    Route,
    etag_of,
    json_reply,
    no_content,
    path_id,
    require_if_match,
)


async def list_updates(request: web.Request) -> web.Response:
    """List updates of a thread in reading order."""
    workspace = workspace_of(request)
    after, limit = position_of(request)
    updates = await usecases.list_updates(
        workspace,
        asker_of(request),
        path_id(request, "thread_id"),
        after=after,
        limit=limit + 1,
    )
    page = page_of(
        updates,
        limit,
        view=lambda update: update_view(workspace, update),
        position=lambda update: update.id,
    )
    return json_reply(page)


async def create_update(request: web.Request) -> web.Response:
    """Post an update."""
    workspace = workspace_of(request)
    body = cast("shapes.UpdateBody", request[BODY]).root
    posted = await usecases.post_update(
        workspace,
        asker_of(request),
        path_id(request, "thread_id"),
        Draft(
            text=body.text if isinstance(body, shapes.TextBody) else None,
            title=body.title,
            language=body.language,
            reply_to=body.reply_to,
            size_bytes=body.size_bytes if isinstance(body, shapes.RecordingBody) else None,
            request_key=request.get(IDEMPOTENCY_KEY),
        ),
    )
    upload = shapes.UploadView.model_validate(posted.upload) if posted.upload else None
    view = shapes.PostedView(update=update_view(workspace, posted.update), upload=upload)
    headers = {"Location": f"/api/v1/updates/{posted.update.id}", "ETag": _etag(posted.update)}
    return json_reply(view, status=201, headers=headers)


async def get_update(request: web.Request) -> web.Response:
    """Return an update."""
    workspace = workspace_of(request)
    update_id = path_id(request, "update_id")
    return _reply(workspace, await usecases.get_update(workspace, asker_of(request), update_id))


async def change_update(request: web.Request) -> web.Response:
    """Retitle an update."""
    body = cast("shapes.UpdatePatch", request[BODY])
    workspace, asker = workspace_of(request), asker_of(request)
    update = await usecases.get_update(workspace, asker, path_id(request, "update_id"))
    require_if_match(request, _etag(update))
    changed = await usecases.retitle_update(
        workspace, asker, update.id, title=body.title, version=update.version
    )
    return _reply(workspace, changed)


async def delete_update(request: web.Request) -> web.Response:
    """Remove an update."""
    update_id = path_id(request, "update_id")
    await usecases.remove_update(workspace_of(request), asker_of(request), update_id)
    return no_content()


async def renew_upload(request: web.Request) -> web.Response:
    """Give the author a new upload token."""
    update_id = path_id(request, "update_id")
    grant = await usecases.renew_upload(workspace_of(request), asker_of(request), update_id)
    return json_reply(shapes.UploadView.model_validate(grant), status=201)


async def renew_transcript(request: web.Request) -> web.Response:
    """Have a recording put into words again."""
    workspace = workspace_of(request)
    body = cast("shapes.RenewalBody", request[BODY])
    update = await usecases.renew_transcript(
        workspace, asker_of(request), path_id(request, "update_id"), language=body.language
    )
    return json_reply(update_view(workspace, update), status=202, headers={"ETag": _etag(update)})


def update_view(workspace: Workspace, update: Update) -> shapes.UpdateView:
    """Shape an update, with addresses of its media that work for a while."""
    problem = _problem_of(workspace, update)
    return shapes.UpdateView(
        id=update.id,
        team_id=update.team_id,
        thread_id=update.thread_id,
        author=shapes.AuthorView(id=update.author_id, name=update.author_name),
        kind=update.kind,
        reply_to=update.reply_to,
        title=update.title,
        text=update.text,
        recording=_recording_view(workspace, update),
        transcript=shapes.TranscriptStateView(
            state=update.transcript_state,
            revision=update.transcript_revision,
            renewal=update.renewal_state,
            language=update.language,
        ),
        summary=shapes.SummaryStateView(state=update.summary_state),
        problem=shapes.ProblemView.model_validate(problem) if problem else None,
        comment_count=update.comment_count,
        posted_at=update.posted_at,
        changed_at=update.changed_at,
    )


def _problem_of(workspace: Workspace, update: Update) -> Problem | None:
    stored = None
    if update.problem_code is not None:
        stored = Problem(code=update.problem_code, detail=update.problem_detail)
    return problem_now(
        stored,
        recording_state=update.recording_state,
        upload_expires_at=update.upload_expires_at,
        now=workspace.clock.now(),
    )


def _recording_view(workspace: Workspace, update: Update) -> shapes.RecordingView:
    recording_id = update.recording_id
    media: list[shapes.MediaView] = []
    if recording_id is not None:
        media = [_media_view(workspace, recording_id, each) for each in update.renditions]
    return shapes.RecordingView(
        id=recording_id,
        state=update.recording_state,
        duration_ms=update.duration_ms,
        has_video=update.has_video,
        media=media,
    )


def _media_view(workspace: Workspace, recording_id: UUID, rendition: Rendition) -> shapes.MediaView:
    return shapes.MediaView(
        kind=rendition.kind,
        url=workspace.capabilities.media_url(recording_id, rendition.kind),
        media_type=rendition.media_type,
        size_bytes=rendition.size_bytes,
        width=rendition.width,
        height=rendition.height,
    )


def _etag(update: Update) -> str:
    return etag_of(update.id, update.version)


def _reply(workspace: Workspace, update: Update) -> web.Response:
    return json_reply(update_view(workspace, update), headers={"ETag": _etag(update)})


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/threads/{thread_id}/updates",
        handler=list_updates,
        summary="List updates of a thread in reading order",
        tag="updates",
        operation_id="listUpdates",
        access=Access.AUTHENTICATED,
        scope=Scope.UPDATES_READ,
        query=PageQuery,
        responses={200: Page[shapes.UpdateView]},
        errors=(ThreadMissingError,),
    ),
    Route(
        method="POST",
        path="/api/v1/threads/{thread_id}/updates",
        handler=create_update,
        summary="Post an update, spoken or written",
        tag="updates",
        operation_id="createUpdate",
        access=Access.AUTHENTICATED,
        scope=Scope.UPDATES_WRITE,
        body=shapes.UpdateBody,
        responses={201: shapes.PostedView},
        errors=(
            ThreadMissingError,
            ReplyElsewhereError,
            RecordingEmptyError,
            RecordingTooLargeError,
        ),
        idempotent=True,
    ),
    Route(
        method="GET",
        path="/api/v1/updates/{update_id}",
        handler=get_update,
        summary="Read an update",
        tag="updates",
        operation_id="getUpdate",
        access=Access.AUTHENTICATED,
        scope=Scope.UPDATES_READ,
        responses={200: shapes.UpdateView},
        errors=(UpdateMissingError,),
    ),
    Route(
        method="PATCH",
        path="/api/v1/updates/{update_id}",
        handler=change_update,
        summary="Retitle your update",
        tag="updates",
        operation_id="changeUpdate",
        access=Access.AUTHENTICATED,
        scope=Scope.UPDATES_WRITE,
        body=shapes.UpdatePatch,
        if_match=True,
        responses={200: shapes.UpdateView},
        errors=(UpdateMissingError, NotYoursError),
    ),
    Route(
        method="DELETE",
        path="/api/v1/updates/{update_id}",
        handler=delete_update,
        summary="Remove an update with its comments",
        tag="updates",
        operation_id="deleteUpdate",
        access=Access.AUTHENTICATED,
        scope=Scope.UPDATES_WRITE,
        responses={204: None},
        errors=(UpdateMissingError, NotYoursError),
    ),
    Route(
        method="POST",
        path="/api/v1/updates/{update_id}/upload",
        handler=renew_upload,
        summary="Get a new upload token for your unfinished recording",
        tag="updates",
        operation_id="renewUpload",
        access=Access.AUTHENTICATED,
        scope=Scope.UPDATES_WRITE,
        responses={201: shapes.UploadView},
        errors=(UpdateMissingError, NotYoursError, NothingToUploadError),
    ),
    Route(
        method="POST",
        path="/api/v1/updates/{update_id}/transcript",
        handler=renew_transcript,
        summary="Have your recording put into words again",
        tag="updates",
        operation_id="renewTranscript",
        access=Access.AUTHENTICATED,
        scope=Scope.UPDATES_WRITE,
        body=shapes.RenewalBody,
        responses={202: shapes.UpdateView},
        errors=(UpdateMissingError, NotYoursError, NothingToTranscribeError),
        idempotent=True,
    ),
)
