"""Routes of teams and the people in them."""

from typing import cast

from aiohttp import web

from services.workspace.accounts import usecases as accounts
from services.workspace.domain import RoleTooLowError, Scope
from services.workspace.teams import shapes, usecases
from services.workspace.teams.domain import (
    LastOwnerError,
    MemberMissingError,
    TeamChange,
    TokenLimitedError,
)
from services.workspace.teams.store import Team
from services.workspace.visibility import TeamMissingError
from services.workspace.web import asker_of, workspace_of
from shared.http.routes import (
    BODY,
    Access,
    Route,
    etag_of,
    json_reply,
    no_content,
    path_id,
    require_if_match,
)


async def list_teams(request: web.Request) -> web.Response:
    """List the asker's teams."""
    teams = await usecases.list_teams(workspace_of(request), asker_of(request))
    return json_reply(
        shapes.TeamsView(items=[shapes.TeamView.model_validate(team) for team in teams])
    )


async def create_team(request: web.Request) -> web.Response:
    """Found a team."""
    body = cast("shapes.TeamBody", request[BODY])
    workspace, asker = workspace_of(request), asker_of(request)
    person = await accounts.get_me(workspace, asker)
    team = await usecases.found_team(workspace, asker, name=body.name, person_name=person.name)
    return _team_reply(team, status=201)


async def get_team(request: web.Request) -> web.Response:
    """Return a team."""
    team_id = path_id(request, "team_id")
    return _team_reply(await usecases.get_team(workspace_of(request), asker_of(request), team_id))


async def change_team(request: web.Request) -> web.Response:
    """Rename a team, or say what it speaks and which names to expect."""
    body = cast("shapes.TeamPatch", request[BODY])
    workspace, asker = workspace_of(request), asker_of(request)
    team = await usecases.get_team(workspace, asker, path_id(request, "team_id"))
    require_if_match(request, _etag(team))
    change = TeamChange(name=body.name, languages=body.languages, glossary=body.glossary)
    changed = await usecases.change_team(workspace, asker, team.id, change, version=team.version)
    return _team_reply(changed)


async def list_members(request: web.Request) -> web.Response:
    """List the people of a team."""
    team_id = path_id(request, "team_id")
    members = await usecases.list_members(workspace_of(request), asker_of(request), team_id)
    return json_reply(
        shapes.MembersView(items=[shapes.MemberView.model_validate(one) for one in members])
    )


async def change_member(request: web.Request) -> web.Response:
    """Give somebody another role."""
    body = cast("shapes.RoleBody", request[BODY])
    await usecases.change_role(
        workspace_of(request),
        asker_of(request),
        path_id(request, "team_id"),
        path_id(request, "person_id"),
        body.role,
    )
    return no_content()


async def delete_member(request: web.Request) -> web.Response:
    """Take somebody out of a team, or leave."""
    await usecases.remove_member(
        workspace_of(request),
        asker_of(request),
        path_id(request, "team_id"),
        path_id(request, "person_id"),
    )
    return no_content()


def _etag(team: Team) -> str:
    return etag_of(team.id, team.version)


def _team_reply(team: Team, status: int = 200) -> web.Response:
    view = shapes.TeamView.model_validate(team)
    return json_reply(view, status=status, headers={"ETag": _etag(team)})


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/teams",
        handler=list_teams,
        summary="List your teams",
        tag="teams",
        operation_id="listTeams",
        access=Access.AUTHENTICATED,
        scope=Scope.TEAMS_READ,
        responses={200: shapes.TeamsView},
    ),
    Route(
        method="POST",
        path="/api/v1/teams",
        handler=create_team,
        summary="Found a team",
        tag="teams",
        operation_id="createTeam",
        access=Access.AUTHENTICATED,
        scope=Scope.TEAMS_WRITE,
        body=shapes.TeamBody,
        responses={201: shapes.TeamView},
        errors=(TokenLimitedError,),
        idempotent=True,
    ),
    Route(
        method="GET",
        path="/api/v1/teams/{team_id}",
        handler=get_team,
        summary="Read a team",
        tag="teams",
        operation_id="getTeam",
        access=Access.AUTHENTICATED,
        scope=Scope.TEAMS_READ,
        responses={200: shapes.TeamView},
        errors=(TeamMissingError,),
    ),
    Route(
        method="PATCH",
        path="/api/v1/teams/{team_id}",
        handler=change_team,
        summary="Rename a team, or say what it speaks",
        tag="teams",
        operation_id="changeTeam",
        access=Access.AUTHENTICATED,
        scope=Scope.TEAMS_WRITE,
        body=shapes.TeamPatch,
        if_match=True,
        responses={200: shapes.TeamView},
        errors=(TeamMissingError, RoleTooLowError),
    ),
    Route(
        method="GET",
        path="/api/v1/teams/{team_id}/members",
        handler=list_members,
        summary="List the people of a team",
        tag="teams",
        operation_id="listMembers",
        access=Access.AUTHENTICATED,
        scope=Scope.TEAMS_READ,
        responses={200: shapes.MembersView},
        errors=(TeamMissingError,),
    ),
    Route(
        method="PATCH",
        path="/api/v1/teams/{team_id}/members/{person_id}",
        handler=change_member,
        summary="Give somebody another role",
        tag="teams",
        operation_id="changeMember",
        access=Access.AUTHENTICATED,
        scope=Scope.MEMBERS_WRITE,
        body=shapes.RoleBody,
        responses={204: None},
        errors=(TeamMissingError, MemberMissingError, RoleTooLowError, LastOwnerError),
    ),
    Route(
        method="DELETE",
        path="/api/v1/teams/{team_id}/members/{person_id}",
        handler=delete_member,
        summary="Take somebody out of a team, or leave it",
        tag="teams",
        operation_id="deleteMember",
        access=Access.AUTHENTICATED,
        scope=Scope.MEMBERS_WRITE,
        responses={204: None},
        errors=(TeamMissingError, MemberMissingError, RoleTooLowError, LastOwnerError),
    ),
)
