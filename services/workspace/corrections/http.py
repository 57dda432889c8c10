"""Routes of corrections."""

from typing import cast

from aiohttp import web

from services.workspace.corrections import shapes, usecases
from services.workspace.corrections.domain import WordsChangedError, WrittenWordsError
from services.workspace.domain import NotYoursError, Scope
from services.workspace.transcripts.domain import Anchor
from services.workspace.transcripts.usecases import TranscriptNotReadyError
from services.workspace.visibility import CorrectionMissingError, UpdateMissingError
from services.workspace.web import PageQuery, asker_of, page_of, position_of, workspace_of
from shared.http.routes import (
    BODY,
    IDEMPOTENCY_KEY,
    Access,
    Page,
    Route,
    json_reply,
    no_content,
    path_id,
)


async def list_corrections(request: web.Request) -> web.Response:
    """List corrections of an update, oldest first."""
    after, limit = position_of(request)
    corrections = await usecases.list_corrections(
        workspace_of(request),
        asker_of(request),
        path_id(request, "update_id"),
        after=after,
        limit=limit + 1,
    )
    return json_reply(
        page_of(
            corrections,
            limit,
            view=shapes.CorrectionView.of,
            position=lambda correction: correction.id,
        )
    )


async def create_correction(request: web.Request) -> web.Response:
    """Put other words in the place of some."""
    body = cast("shapes.CorrectionBody", request[BODY])
    correction = await usecases.make_correction(
        workspace_of(request),
        asker_of(request),
        path_id(request, "update_id"),
        Anchor(start_ms=body.start_ms, end_ms=body.end_ms, original=body.original),
        body.replacement,
        request_key=request.get(IDEMPOTENCY_KEY),
    )
    return json_reply(shapes.CorrectionView.of(correction), status=201)


async def delete_correction(request: web.Request) -> web.Response:
    """Take a correction back."""
    await usecases.withdraw_correction(
        workspace_of(request), asker_of(request), path_id(request, "correction_id")
    )
    return no_content()


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/updates/{update_id}/corrections",
        handler=list_corrections,
        summary="List what people corrected in a transcript, oldest first",
        tag="updates",
        operation_id="listCorrections",
        access=Access.AUTHENTICATED,
        scope=Scope.UPDATES_READ,
        query=PageQuery,
        responses={200: Page[shapes.CorrectionView]},
        errors=(UpdateMissingError,),
    ),
    Route(
        method="POST",
        path="/api/v1/updates/{update_id}/corrections",
        handler=create_correction,
        summary="Correct words of a transcript",
        tag="updates",
        operation_id="createCorrection",
        access=Access.AUTHENTICATED,
        scope=Scope.UPDATES_WRITE,
        body=shapes.CorrectionBody,
        responses={201: shapes.CorrectionView},
        errors=(
            UpdateMissingError,
            NotYoursError,
            TranscriptNotReadyError,
            WordsChangedError,
            WrittenWordsError,
        ),
        idempotent=True,
    ),
    Route(
        method="DELETE",
        path="/api/v1/corrections/{correction_id}",
        handler=delete_correction,
        summary="Take a correction back",
        tag="updates",
        operation_id="deleteCorrection",
        access=Access.AUTHENTICATED,
        scope=Scope.UPDATES_WRITE,
        responses={204: None},
        errors=(CorrectionMissingError, NotYoursError),
    ),
)
