"""The two cookies we set: the session's, and the state of a trip to the sign-in provider."""

from aiohttp import web

from services.workspace.accounts.authentication import EXTENDED, SESSION_COOKIE
from services.workspace.accounts.domain import SESSION_LIFETIME
from services.workspace.accounts.oidc import ATTEMPT_LIFETIME, CALLBACK_PATH
from services.workspace.context import Workspace
from services.workspace.web import workspace_of
from shared.http.table import Handler

STATE_COOKIE = "tidings_sign_in"


def set_session(workspace: Workspace, response: web.StreamResponse, secret: str) -> None:
    """Let the browser carry a session. Scripts cannot read it, other sites not send it."""
    response.set_cookie(
        SESSION_COOKIE,
        secret,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        path="/",
        httponly=True,
        samesite="Lax",
        secure=workspace.settings.is_https,
    )


@web.middleware
async def extend_session(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the cookie last as long as its session, which use extends; an ended one stays ended."""
    response = await handler(request)
    secret = request.get(EXTENDED)
    if secret is not None and not response.prepared and SESSION_COOKIE not in response.cookies:
        set_session(workspace_of(request), response, secret)
    return response


def clear_session(workspace: Workspace, response: web.StreamResponse) -> None:
    """Make the browser forget its session."""
    response.del_cookie(
        SESSION_COOKIE, path="/", httponly=True, samesite="Lax", secure=workspace.settings.is_https
    )


def set_state(workspace: Workspace, response: web.StreamResponse, state: str) -> None:
    """Tie a trip to the provider to this browser, so that nobody can send it back as another."""
    response.set_cookie(
        STATE_COOKIE,
        state,
        max_age=int(ATTEMPT_LIFETIME.total_seconds()),
        path=CALLBACK_PATH,
        httponly=True,
        samesite="Lax",
        secure=workspace.settings.is_https,
    )


def clear_state(workspace: Workspace, response: web.StreamResponse) -> None:
    """Make the browser forget the trip."""
    response.del_cookie(
        STATE_COOKIE,
        path=CALLBACK_PATH,
        httponly=True,
        samesite="Lax",
        secure=workspace.settings.is_https,
    )
