"""Routes of threads and their guests."""

from typing import cast

from aiohttp import web

from services.workspace.domain import RoleTooLowError, Scope
from services.workspace.threads import shapes, usecases
from services.workspace.threads.domain import (
    ConclusionWithoutEndError,
    GuestMissingError,
    ThreadChange,
)
from services.workspace.threads.store import Thread
from services.workspace.visibility import TeamMissingError, ThreadMissingError
from services.workspace.web import PageQuery, asker_of, page_of, position_of, workspace_of
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


async def list_threads(request: web.Request) -> web.Response:
    """List threads of a team, newest first."""
    before, limit = position_of(request)
    threads = await usecases.list_threads(
        workspace_of(request),
        asker_of(request),
        path_id(request, "team_id"),
        before=before,
        limit=limit + 1,
    )
    return json_reply(page_of(threads, limit, view=_view, position=lambda thread: thread.id))


async def create_thread(request: web.Request) -> web.Response:
    """Open a thread."""
    body = cast("shapes.ThreadBody", request[BODY])
    team_id = path_id(request, "team_id")
    thread = await usecases.open_thread(
        workspace_of(request),
        asker_of(request),
        team_id,
        title=body.title,
        request_key=request.get(IDEMPOTENCY_KEY),
    )
    return _reply(thread, status=201)


async def get_thread(request: web.Request) -> web.Response:
    """Return a thread."""
    thread_id = path_id(request, "thread_id")
    return _reply(await usecases.get_thread(workspace_of(request), asker_of(request), thread_id))


async def change_thread(request: web.Request) -> web.Response:
    """Rename, conclude or reopen a thread."""
    body = cast("shapes.ThreadPatch", request[BODY])
    workspace, asker = workspace_of(request), asker_of(request)
    thread = await usecases.get_thread(workspace, asker, path_id(request, "thread_id"))
    require_if_match(request, _etag(thread))
    change = ThreadChange(title=body.title, concluded=body.concluded, conclusion=body.conclusion)
    changed = await usecases.change_thread(
        workspace, asker, thread.id, change, version=thread.version
    )
    return _reply(changed)


async def list_guests(request: web.Request) -> web.Response:
    """List the guests of a thread."""
    thread_id = path_id(request, "thread_id")
    guests = await usecases.list_guests(workspace_of(request), asker_of(request), thread_id)
    return json_reply(
        shapes.GuestsView(items=[shapes.GuestView.model_validate(guest) for guest in guests])
    )


async def put_guest(request: web.Request) -> web.Response:
    """Let a guest of the team into a thread."""
    await usecases.add_guest(
        workspace_of(request),
        asker_of(request),
        path_id(request, "thread_id"),
        path_id(request, "person_id"),
    )
    return no_content()


async def delete_guest(request: web.Request) -> web.Response:
    """Take a guest out of a thread."""
    await usecases.remove_guest(
        workspace_of(request),
        asker_of(request),
        path_id(request, "thread_id"),
        path_id(request, "person_id"),
    )
    return no_content()


def _view(thread: Thread) -> shapes.ThreadView:
    return shapes.ThreadView.model_validate(thread)


def _etag(thread: Thread) -> str:
    return etag_of(thread.id, thread.version)


def _reply(thread: Thread, status: int = 200) -> web.Response:
    return json_reply(_view(thread), status=status, headers={"ETag": _etag(thread)})


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/teams/{team_id}/threads",
        handler=list_threads,
        summary="List threads of a team, newest first",
        tag="threads",
        operation_id="listThreads",
        access=Access.AUTHENTICATED,
        scope=Scope.THREADS_READ,
        query=PageQuery,
        responses={200: Page[shapes.ThreadView]},
        errors=(TeamMissingError,),
    ),
    Route(
        method="POST",
        path="/api/v1/teams/{team_id}/threads",
        handler=create_thread,
        summary="Open a thread",
        tag="threads",
        operation_id="createThread",
        access=Access.AUTHENTICATED,
        scope=Scope.THREADS_WRITE,
        body=shapes.ThreadBody,
        responses={201: shapes.ThreadView},
        errors=(TeamMissingError, RoleTooLowError),
        idempotent=True,
    ),
    Route(
        method="GET",
        path="/api/v1/threads/{thread_id}",
        handler=get_thread,
        summary="Read a thread",
        tag="threads",
        operation_id="getThread",
        access=Access.AUTHENTICATED,
        scope=Scope.THREADS_READ,
        responses={200: shapes.ThreadView},
        errors=(ThreadMissingError,),
    ),
    Route(
        method="PATCH",
        path="/api/v1/threads/{thread_id}",
        handler=change_thread,
        summary="Rename, conclude or reopen a thread",
        tag="threads",
        operation_id="changeThread",
        access=Access.AUTHENTICATED,
        scope=Scope.THREADS_WRITE,
        body=shapes.ThreadPatch,
        if_match=True,
        responses={200: shapes.ThreadView},
        errors=(ThreadMissingError, RoleTooLowError, ConclusionWithoutEndError),
    ),
    Route(
        method="GET",
        path="/api/v1/threads/{thread_id}/guests",
        handler=list_guests,
        summary="List the guests of a thread",
        tag="threads",
        operation_id="listGuests",
        access=Access.AUTHENTICATED,
        scope=Scope.THREADS_READ,
        responses={200: shapes.GuestsView},
        errors=(ThreadMissingError,),
    ),
    Route(
        method="PUT",
        path="/api/v1/threads/{thread_id}/guests/{person_id}",
        handler=put_guest,
        summary="Let a guest of the team into a thread",
        tag="threads",
        operation_id="putGuest",
        access=Access.AUTHENTICATED,
        scope=Scope.MEMBERS_WRITE,
        responses={204: None},
        errors=(ThreadMissingError, RoleTooLowError, GuestMissingError),
    ),
    Route(
        method="DELETE",
        path="/api/v1/threads/{thread_id}/guests/{person_id}",
        handler=delete_guest,
        summary="Take a guest out of a thread",
        tag="threads",
        operation_id="deleteGuest",
        access=Access.AUTHENTICATED,
        scope=Scope.MEMBERS_WRITE,
        responses={204: None},
        errors=(ThreadMissingError, RoleTooLowError, GuestMissingError),
    ),
)
