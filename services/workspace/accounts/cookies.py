"""The cookies we set: the session's, and those of a trip to the sign-in provider."""

from urllib.parse import quote, unquote

from aiohttp import web

from services.workspace.accounts.authentication import EXTENDED, SESSION_COOKIE
from services.workspace.accounts.domain import SESSION_LIFETIME
from services.workspace.accounts.oidc import ATTEMPT_LIFETIME, CALLBACK_PATH
from services.workspace.context import Workspace
from services.workspace.web import workspace_of
from shared.http.table import Handler

STATE_COOKIE = "tidings_sign_in"
ONWARD_COOKIE = "tidings_onward"


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


def set_trip(
    workspace: Workspace, response: web.StreamResponse, *, state: str, onward: str
) -> None:
    """Tie a trip to the provider to this browser, so that nobody can send it back as another.

    Where it goes on afterwards travels beside; whoever reads it checks that it is an address here.
    """
    for name, value in ((STATE_COOKIE, state), (ONWARD_COOKIE, quote(onward, safe=""))):
        response.set_cookie(
            name,
            value,
            max_age=int(ATTEMPT_LIFETIME.total_seconds()),
            path=CALLBACK_PATH,
            httponly=True,
            samesite="Lax",
            secure=workspace.settings.is_https,
        )


def onward_of(request: web.Request) -> str:
    """Return where a trip to the provider goes on, as the browser says."""
    return unquote(request.cookies.get(ONWARD_COOKIE, "/"))


def clear_trip(workspace: Workspace, response: web.StreamResponse) -> None:
    """Make the browser forget the trip."""
    for name in (STATE_COOKIE, ONWARD_COOKIE):
        response.del_cookie(
            name,
            path=CALLBACK_PATH,
            httponly=True,
            samesite="Lax",
            secure=workspace.settings.is_https,
        )
