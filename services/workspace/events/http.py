"""Routes of events: guarded here, answered by the delivery service.

What may be read goes along as a signed token; the caller's own credentials stay here.
"""

import json
from datetime import datetime
from functools import cache
from typing import Annotated, Literal, cast
from urllib.parse import urlencode
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from services.workspace.context import Workspace
from services.workspace.domain import RoleTooLowError, Scope
from services.workspace.events import credentials, usecases
from services.workspace.events.streams import TooManyStreamsError
from services.workspace.visibility import TeamMissingError
from services.workspace.web import View, asker_of, workspace_of
from shared.contracts.reference import asyncapi_document
from shared.errors import UnavailableError
from shared.http.client import forward
from shared.http.routes import QUERY, Access, Route, json_reply, no_content, path_id

JSON = "application/json"
STREAM = "text/event-stream"


class EventsQuery(BaseModel):
    """Which events."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    team_id: UUID | None = Field(None, description="May be left out by people of one team.")
    after: Annotated[int, Field(ge=0, lt=1 << 53)] | Literal["newest"] = Field(
        0, description="Number of the last event seen; `newest`: all that has happened so far."
    )
    limit: int = Field(100, ge=1, le=1000, description="JSON only: at most so many.")
    follow: bool = Field(
        default=False, description="True: Server-Sent Events, whatever Accept says."
    )


class CredentialView(View):
    """A credential without its secret."""

    id: UUID
    created_by: UUID
    created_by_name: str
    created_at: datetime
    expires_at: datetime


class CredentialsView(View):
    """Credentials that read the team's events, newest first."""

    items: list[CredentialView]


async def list_events(request: web.Request) -> web.StreamResponse:
    """Read a team's events after a number: JSON, or Server-Sent Events by Accept."""
    query = cast("EventsQuery", request[QUERY])
    workspace = workspace_of(request)
    token = await usecases.allow_reading(workspace, asker_of(request), query.team_id)
    follow = str(query.follow).lower()
    parameters = urlencode({"after": query.after, "limit": query.limit, "follow": follow})
    path = f"/api/v1/events?{parameters}"
    if not query.follow and STREAM not in request.headers.get("Accept", ""):
        return await _ask_delivery(workspace, request, path, token)
    with workspace.streams.one_more(asker_of(request).person_id):
        return await _ask_delivery(workspace, request, path, token)


async def create_event_credentials(request: web.Request) -> web.Response:
    """Make credentials for a team's event stream."""
    team_id = path_id(request, "team_id")
    made = await credentials.give_out(workspace_of(request), asker_of(request), team_id)
    return json_reply(made, status=201, headers={"Cache-Control": "no-store"})


async def list_event_credentials(request: web.Request) -> web.Response:
    """List credentials that read a team's events."""
    team_id = path_id(request, "team_id")
    found = await credentials.list_credentials(workspace_of(request), asker_of(request), team_id)
    return json_reply(
        CredentialsView(items=[CredentialView.model_validate(each) for each in found])
    )


async def delete_event_credential(request: web.Request) -> web.Response:
    """Revoke a credential."""
    await credentials.revoke(
        workspace_of(request),
        asker_of(request),
        path_id(request, "team_id"),
        path_id(request, "credential_id"),
    )
    return no_content()


async def get_asyncapi(_: web.Request) -> web.Response:
    """Give the AsyncAPI document of all messages."""
    return web.Response(body=_asyncapi(), content_type=JSON)


@cache
def _asyncapi() -> bytes:
    return json.dumps(asyncapi_document(), ensure_ascii=False).encode()


async def _ask_delivery(
    workspace: Workspace, request: web.Request, target: str, token: str
) -> web.StreamResponse:
    url = f"{workspace.settings.delivery_url.rstrip('/')}{target}"
    headers = {"Authorization": f"Bearer {token}"}
    return await forward(request, url, headers, session=workspace.client)


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/asyncapi.json",
        handler=get_asyncapi,
        summary="Every event, as an AsyncAPI document",
        tag="events",
        operation_id="getAsyncApi",
        access=Access.PUBLIC,
        responses={200: JSON},
    ),
    Route(
        method="GET",
        path="/api/v1/events",
        handler=list_events,
        summary="Read events of a team, as JSON or as a stream",
        tag="events",
        operation_id="listEvents",
        access=Access.AUTHENTICATED,
        scope=Scope.EVENTS_READ,
        query=EventsQuery,
        responses={200: (JSON, STREAM)},
        errors=(
            TeamMissingError,
            usecases.TeamNeededError,
            TooManyStreamsError,
            UnavailableError,
        ),
        headers={"Last-Event-ID": "Where a broken stream goes on."},
    ),
    Route(
        method="POST",
        path="/api/v1/teams/{team_id}/event-credentials",
        handler=create_event_credentials,
        summary="Make NATS credentials that read this team's events",
        tag="events",
        operation_id="createEventCredentials",
        access=Access.AUTHENTICATED,
        scope=Scope.EVENTS_MANAGE,
        responses={201: JSON},
        errors=(TeamMissingError, RoleTooLowError, UnavailableError),
    ),
    Route(
        method="GET",
        path="/api/v1/teams/{team_id}/event-credentials",
        handler=list_event_credentials,
        summary="List NATS credentials that read this team's events",
        tag="events",
        operation_id="listEventCredentials",
        access=Access.AUTHENTICATED,
        scope=Scope.EVENTS_MANAGE,
        responses={200: CredentialsView},
        errors=(TeamMissingError, RoleTooLowError),
    ),
    Route(
        method="DELETE",
        path="/api/v1/teams/{team_id}/event-credentials/{credential_id}",
        handler=delete_event_credential,
        summary="Revoke NATS credentials; they read nothing any more at once",
        tag="events",
        operation_id="deleteEventCredential",
        access=Access.AUTHENTICATED,
        scope=Scope.EVENTS_MANAGE,
        responses={204: None},
        errors=(
            TeamMissingError,
            RoleTooLowError,
            credentials.CredentialMissingError,
            UnavailableError,
        ),
    ),
)
