"""Routes of invitations."""

from datetime import timedelta
from typing import cast

from aiohttp import web

from services.workspace.accounts import cookies
from services.workspace.accounts import usecases as accounts
from services.workspace.accounts.domain import EmailTakenError
from services.workspace.accounts.http import client_of
from services.workspace.context import Workspace
from services.workspace.domain import RoleTooLowError, Scope
from services.workspace.teams import invitations, shapes
from services.workspace.teams.domain import (
    AlreadyMemberError,
    InvitationMissingError,
    InvitationOverError,
    InvitationThreadsError,
    RemovedSinceError,
    TokenLimitedError,
)
from services.workspace.visibility import TeamMissingError
from services.workspace.web import asker_of, workspace_of
from shared.http.routes import BODY, Access, RateClass, Route, json_reply, no_content, path_id

JOIN_PATH = "/join"


async def create_invitation(request: web.Request) -> web.Response:
    """Make an invitation."""
    body = cast("shapes.InvitationBody", request[BODY])
    workspace = workspace_of(request)
    made = await invitations.invite(
        workspace,
        asker_of(request),
        path_id(request, "team_id"),
        role=body.role,
        thread_ids=body.thread_ids,
        expires_in=timedelta(days=body.expires_in_days),
        max_uses=body.max_uses,
    )
    view = shapes.MadeInvitationView(
        id=made.invitation.id,
        role=made.invitation.role,
        thread_ids=list(made.invitation.thread_ids),
        created_by=made.invitation.created_by,
        created_at=made.invitation.created_at,
        expires_at=made.invitation.expires_at,
        max_uses=made.invitation.max_uses,
        uses=0,
        token=made.secret,
        url=join_url(workspace, made.secret),
    )
    return json_reply(view, status=201)


async def list_invitations(request: web.Request) -> web.Response:
    """List invitations that can still be used."""
    team_id = path_id(request, "team_id")
    found = await invitations.list_invitations(workspace_of(request), asker_of(request), team_id)
    return json_reply(
        shapes.InvitationsView(items=[shapes.InvitationView.model_validate(one) for one in found])
    )


async def delete_invitation(request: web.Request) -> web.Response:
    """Withdraw an invitation."""
    await invitations.withdraw(
        workspace_of(request),
        asker_of(request),
        path_id(request, "team_id"),
        path_id(request, "invitation_id"),
    )
    return no_content()


async def get_invitation(request: web.Request) -> web.Response:
    """Say what an invitation offers."""
    offer = await invitations.look(workspace_of(request), request.match_info["token"])
    return json_reply(shapes.OfferView.model_validate(offer))


async def accept_invitation(request: web.Request) -> web.Response:
    """Join with the account one has."""
    accepted = await invitations.accept(
        workspace_of(request), asker_of(request), request.match_info["token"]
    )
    return json_reply(shapes.AcceptedView.model_validate(accepted))


async def accept_invitation_as_newcomer(request: web.Request) -> web.Response:
    """Join, get an account and be signed in."""
    body = cast("shapes.NewcomerBody", request[BODY])
    workspace = workspace_of(request)
    accepted = await invitations.accept_as_newcomer(
        workspace,
        request.match_info["token"],
        name=body.name,
        email=body.email,
        password=body.password,
    )
    session = await accounts.sign_in_newcomer(workspace, accepted.person_id, client_of(request))
    response = json_reply(shapes.AcceptedView.model_validate(accepted), status=201)
    cookies.set_session(workspace, response, session.secret)
    return response


def join_url(workspace: Workspace, secret: str) -> str:
    """Return the address of an invitation."""
    return f"{workspace.settings.public_url}{JOIN_PATH}/{secret}"


ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/api/v1/teams/{team_id}/invitations",
        handler=create_invitation,
        summary="Make an invitation link",
        tag="invitations",
        operation_id="createInvitation",
        access=Access.AUTHENTICATED,
        scope=Scope.MEMBERS_WRITE,
        body=shapes.InvitationBody,
        responses={201: shapes.MadeInvitationView},
        errors=(TeamMissingError, RoleTooLowError, InvitationThreadsError),
    ),
    Route(
        method="GET",
        path="/api/v1/teams/{team_id}/invitations",
        handler=list_invitations,
        summary="List invitations that can still be used",
        tag="invitations",
        operation_id="listInvitations",
        access=Access.AUTHENTICATED,
        scope=Scope.MEMBERS_WRITE,
        responses={200: shapes.InvitationsView},
        errors=(TeamMissingError, RoleTooLowError),
    ),
    Route(
        method="DELETE",
        path="/api/v1/teams/{team_id}/invitations/{invitation_id}",
        handler=delete_invitation,
        summary="Withdraw an invitation",
        tag="invitations",
        operation_id="deleteInvitation",
        access=Access.AUTHENTICATED,
        scope=Scope.MEMBERS_WRITE,
        responses={204: None},
        errors=(TeamMissingError, RoleTooLowError, InvitationMissingError),
    ),
    Route(
        method="GET",
        path="/api/v1/invitations/{token}",
        handler=get_invitation,
        summary="What an invitation offers",
        tag="invitations",
        operation_id="getInvitation",
        access=Access.PUBLIC,
        rate=RateClass.SIGN_IN,
        responses={200: shapes.OfferView},
        errors=(InvitationOverError,),
    ),
    Route(
        method="POST",
        path="/api/v1/invitations/{token}",
        handler=accept_invitation,
        summary="Join with the account you have",
        tag="invitations",
        operation_id="acceptInvitation",
        access=Access.AUTHENTICATED,
        scope=Scope.TEAMS_WRITE,
        responses={200: shapes.AcceptedView},
        errors=(InvitationOverError, AlreadyMemberError, RemovedSinceError, TokenLimitedError),
    ),
    Route(
        method="POST",
        path="/api/v1/invitations/{token}/newcomer",
        handler=accept_invitation_as_newcomer,
        summary="Join, get an account and be signed in",
        tag="invitations",
        operation_id="acceptInvitationAsNewcomer",
        access=Access.PUBLIC,
        rate=RateClass.SIGN_IN,
        body=shapes.NewcomerBody,
        responses={201: shapes.AcceptedView},
        errors=(InvitationOverError, EmailTakenError),
    ),
)
