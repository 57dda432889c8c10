"""Routes of speakers."""

from typing import cast

from aiohttp import web
from pydantic import Field

from services.workspace.domain import NotYoursError, Scope
from services.workspace.speakers import usecases
from services.workspace.visibility import UpdateMissingError
from services.workspace.web import Body, Name, View, asker_of, workspace_of
from shared.http.routes import BODY, Access, Route, json_reply, path_id


class SpeakerBody(Body):
    """Who it is."""

    name: Name | None = Field(description="Null takes the name back.")


class SpeakerView(View):
    """A speaker of one update."""

    label: str
    name: str | None


async def name_speaker(request: web.Request) -> web.Response:
    """Name a speaker."""
    body = cast("SpeakerBody", request[BODY])
    label = request.match_info["label"]
    await usecases.name_speaker(
        workspace_of(request), asker_of(request), path_id(request, "update_id"), label, body.name
    )
    return json_reply(SpeakerView(label=label, name=body.name))


ROUTES: tuple[Route, ...] = (
    Route(
        method="PUT",
        path="/api/v1/updates/{update_id}/speakers/{label}",
        handler=name_speaker,
        summary="Name a speaker of an update",
        tag="updates",
        operation_id="nameSpeaker",
        access=Access.AUTHENTICATED,
        scope=Scope.UPDATES_WRITE,
        body=SpeakerBody,
        responses={200: SpeakerView},
        errors=(UpdateMissingError, NotYoursError, usecases.SpeakerMissingError),
    ),
)
