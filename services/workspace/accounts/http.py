"""Routes of sign-in, sessions, API tokens and one's own account."""

from typing import cast

from aiohttp import web

from services.workspace.accounts import cookies, shapes, tokens, usecases
from services.workspace.accounts.domain import (
    LinkOverError,
    PasswordNeededError,
    ScopeUnknownError,
    SessionMissingError,
    SessionNeededError,
    TokenMissingError,
    TokenTooWideError,
    TooManySignInsError,
    WrongSignInError,
)
from services.workspace.accounts.store import ApiToken, Person, Session
from services.workspace.context import Workspace
from services.workspace.domain import Asker, Scope
from services.workspace.visibility import TeamMissingError
from services.workspace.web import asker_of, workspace_of
from shared.http.limits import RateLimits
from shared.http.routes import BODY, Access, RateClass, Route, json_reply, no_content, path_id

LINK_PATH = "/sign-in/link"


def client_of(request: web.Request) -> str:
    """Return what the browser calls itself, for the list of sessions."""
    given = request.headers.get("User-Agent", "")
    # Bytes that are no UTF-8 come as lone surrogates, which no database keeps.
    return given.encode("utf-8", "replace").decode()


def address_of(request: web.Request) -> str:
    """Return the caller's address, to count failed sign-ins by."""
    workspace = workspace_of(request)
    proxies = workspace.settings.trusted_proxies
    return RateLimits({}, workspace.clock, proxies).address_of(request)


async def create_session(request: web.Request) -> web.Response:
    """Sign in with e-mail address and password."""
    body = cast("shapes.SignInBody", request[BODY])
    workspace = workspace_of(request)
    session = await usecases.sign_in(
        workspace,
        email=body.email,
        password=body.password,
        client=client_of(request),
        address=address_of(request),
    )
    return _signed_in(workspace, session)


async def create_session_by_link(request: web.Request) -> web.Response:
    """Sign in with a one-time link's secret, which is used up."""
    body = cast("shapes.LinkBody", request[BODY])
    workspace = workspace_of(request)
    session = await usecases.sign_in_by_link(
        workspace, secret=body.token, client=client_of(request)
    )
    return _signed_in(workspace, session)


async def list_sessions(request: web.Request) -> web.Response:
    """List where the asker is signed in."""
    asker = asker_of(request)
    sessions = await usecases.list_sessions(workspace_of(request), asker)
    return json_reply(shapes.SessionsView(items=[_session_view(s, asker) for s in sessions]))


async def delete_session(request: web.Request) -> web.Response:
    """End one session."""
    workspace, asker = workspace_of(request), asker_of(request)
    session_id = path_id(request, "session_id")
    await usecases.end_session(workspace, asker, session_id)
    response = no_content()
    if session_id == asker.session_id:
        cookies.clear_session(workspace, response)
    return response


async def delete_this_session(request: web.Request) -> web.Response:
    """Sign out."""
    workspace, asker = workspace_of(request), asker_of(request)
    if asker.session_id is None:
        raise SessionNeededError
    await usecases.end_session(workspace, asker, asker.session_id)
    response = no_content()
    cookies.clear_session(workspace, response)
    return response


async def get_me(request: web.Request) -> web.Response:
    """Return the person who asks."""
    asker = asker_of(request)
    return json_reply(_me_view(await usecases.get_me(workspace_of(request), asker), asker))


async def change_me(request: web.Request) -> web.Response:
    """Change one's name."""
    body = cast("shapes.MeBody", request[BODY])
    asker = asker_of(request)
    person = await usecases.rename_me(workspace_of(request), asker, body.name)
    return json_reply(_me_view(person, asker))


async def change_password(request: web.Request) -> web.Response:
    """Set one's password; all other sessions end."""
    body = cast("shapes.PasswordBody", request[BODY])
    await usecases.change_password(
        workspace_of(request), asker_of(request), current=body.current, new=body.new
    )
    return no_content()


async def create_link(request: web.Request) -> web.Response:
    """Make a one-time link to sign in oneself elsewhere."""
    workspace, asker = workspace_of(request), asker_of(request)
    if asker.session_id is None:
        raise SessionNeededError
    secret = await usecases.make_link(workspace, asker.person_id)
    return json_reply(shapes.LinkView(url=link_url(workspace, secret)), status=201)


async def list_tokens(request: web.Request) -> web.Response:
    """List one's API tokens."""
    found = await tokens.list_tokens(workspace_of(request), asker_of(request))
    return json_reply(shapes.TokensView(items=[_token_view(token) for token in found]))


async def create_token(request: web.Request) -> web.Response:
    """Make an API token."""
    body = cast("shapes.NewTokenBody", request[BODY])
    made = await tokens.make_token(
        workspace_of(request),
        asker_of(request),
        name=body.name,
        scopes=[scope.value for scope in body.scopes],
        team_id=body.team_id,
        expires_at=body.expires_at,
    )
    view = shapes.MadeTokenView(**_token_view(made.token).model_dump(), token=made.secret)
    return json_reply(view, status=201)


async def delete_token(request: web.Request) -> web.Response:
    """Revoke an API token."""
    token_id = path_id(request, "token_id")
    await tokens.revoke_token(workspace_of(request), asker_of(request), token_id)
    return no_content()


def link_url(workspace: Workspace, secret: str) -> str:
    """Return the address of a one-time link."""
    return f"{workspace.settings.public_url}{LINK_PATH}/{secret}"


def _signed_in(workspace: Workspace, session: usecases.NewSession) -> web.Response:
    response = json_reply(shapes.SignedInView(person_id=session.person_id), status=201)
    cookies.set_session(workspace, response, session.secret)
    return response


def _me_view(person: Person, asker: Asker) -> shapes.MeView:
    return shapes.MeView(
        id=person.id,
        email=person.email,
        name=person.name,
        created_at=person.created_at,
        has_password=person.password_hash is not None,
        scopes=None if asker.scopes is None else sorted(asker.scopes),
    )


def _session_view(session: Session, asker: Asker) -> shapes.SessionView:
    return shapes.SessionView(
        id=session.id,
        client=session.client,
        method=session.method,
        created_at=session.created_at,
        last_used_at=session.last_used_at,
        expires_at=session.expires_at,
        is_this=session.id == asker.session_id,
    )


def _token_view(token: ApiToken) -> shapes.TokenView:
    return shapes.TokenView.model_validate(token)


ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/api/v1/sessions",
        handler=create_session,
        summary="Sign in with e-mail address and password",
        tag="account",
        operation_id="createSession",
        access=Access.PUBLIC,
        rate=RateClass.SIGN_IN,
        body=shapes.SignInBody,
        responses={201: shapes.SignedInView},
        errors=(WrongSignInError, TooManySignInsError),
    ),
    Route(
        method="POST",
        path="/api/v1/sessions/by-link",
        handler=create_session_by_link,
        summary="Sign in with a one-time link",
        tag="account",
        operation_id="createSessionByLink",
        access=Access.PUBLIC,
        rate=RateClass.SIGN_IN,
        body=shapes.LinkBody,
        responses={201: shapes.SignedInView},
        errors=(LinkOverError,),
    ),
    Route(
        method="GET",
        path="/api/v1/sessions",
        handler=list_sessions,
        summary="List where you are signed in",
        tag="account",
        operation_id="listSessions",
        access=Access.AUTHENTICATED,
        responses={200: shapes.SessionsView},
        errors=(SessionNeededError,),
    ),
    Route(
        method="DELETE",
        path="/api/v1/sessions/this",
        handler=delete_this_session,
        summary="Sign out",
        tag="account",
        operation_id="deleteThisSession",
        access=Access.AUTHENTICATED,
        responses={204: None},
        errors=(SessionNeededError,),
    ),
    Route(
        method="DELETE",
        path="/api/v1/sessions/{session_id}",
        handler=delete_session,
        summary="End one of your sessions",
        tag="account",
        operation_id="deleteSession",
        access=Access.AUTHENTICATED,
        responses={204: None},
        errors=(SessionNeededError, SessionMissingError),
    ),
    Route(
        method="GET",
        path="/api/v1/me",
        handler=get_me,
        summary="Who you are",
        tag="account",
        operation_id="getMe",
        access=Access.AUTHENTICATED,
        responses={200: shapes.MeView},
    ),
    Route(
        method="PATCH",
        path="/api/v1/me",
        handler=change_me,
        summary="Change your name",
        tag="account",
        operation_id="changeMe",
        access=Access.AUTHENTICATED,
        body=shapes.MeBody,
        responses={200: shapes.MeView},
        errors=(SessionNeededError,),
    ),
    Route(
        method="PUT",
        path="/api/v1/me/password",
        handler=change_password,
        summary="Set your password and end your other sessions",
        tag="account",
        operation_id="changePassword",
        access=Access.AUTHENTICATED,
        rate=RateClass.SIGN_IN,
        body=shapes.PasswordBody,
        responses={204: None},
        errors=(SessionNeededError, PasswordNeededError),
    ),
    Route(
        method="POST",
        path="/api/v1/me/sign-in-links",
        handler=create_link,
        summary="Make a one-time link to sign in on another device",
        tag="account",
        operation_id="createSignInLink",
        access=Access.AUTHENTICATED,
        responses={201: shapes.LinkView},
        errors=(SessionNeededError,),
    ),
    Route(
        method="GET",
        path="/api/v1/tokens",
        handler=list_tokens,
        summary="List your API tokens",
        tag="account",
        operation_id="listTokens",
        access=Access.AUTHENTICATED,
        scope=Scope.TOKENS_WRITE,
        responses={200: shapes.TokensView},
    ),
    Route(
        method="POST",
        path="/api/v1/tokens",
        handler=create_token,
        summary="Make an API token",
        tag="account",
        operation_id="createToken",
        access=Access.AUTHENTICATED,
        scope=Scope.TOKENS_WRITE,
        body=shapes.NewTokenBody,
        responses={201: shapes.MadeTokenView},
        errors=(TokenTooWideError, ScopeUnknownError, TeamMissingError),
    ),
    Route(
        method="DELETE",
        path="/api/v1/tokens/{token_id}",
        handler=delete_token,
        summary="Revoke an API token",
        tag="account",
        operation_id="deleteToken",
        access=Access.AUTHENTICATED,
        scope=Scope.TOKENS_WRITE,
        responses={204: None},
        errors=(TokenMissingError,),
    ),
)
