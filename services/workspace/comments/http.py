"""Routes of comments."""

from typing import cast

from aiohttp import web

from services.workspace.comments import shapes, usecases
from services.workspace.comments.domain import MomentOutsideError, ParentElsewhereError
from services.workspace.comments.store import Comment
from services.workspace.domain import NotYoursError, Scope
from services.workspace.visibility import CommentMissingError, UpdateMissingError
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


async def list_comments(request: web.Request) -> web.Response:
    """List comments of an update in the order they were written."""
    after, limit = position_of(request)
    comments = await usecases.list_comments(
        workspace_of(request),
        asker_of(request),
        path_id(request, "update_id"),
        after=after,
        limit=limit + 1,
    )
    return json_reply(page_of(comments, limit, view=_view, position=lambda comment: comment.id))


async def create_comment(request: web.Request) -> web.Response:
    """Post a comment."""
    body = cast("shapes.CommentBody", request[BODY])
    comment = await usecases.post_comment(
        workspace_of(request),
        asker_of(request),
        path_id(request, "update_id"),
        text=body.text,
        at_ms=body.at_ms,
        reply_to=body.parent_id,
        request_key=request.get(IDEMPOTENCY_KEY),
    )
    return _reply(comment, status=201)


async def get_comment(request: web.Request) -> web.Response:
    """Return a comment."""
    comment_id = path_id(request, "comment_id")
    return _reply(await usecases.get_comment(workspace_of(request), asker_of(request), comment_id))


async def change_comment(request: web.Request) -> web.Response:
    """Reword a comment."""
    body = cast("shapes.CommentPatch", request[BODY])
    workspace, asker = workspace_of(request), asker_of(request)
    comment = await usecases.get_comment(workspace, asker, path_id(request, "comment_id"))
    require_if_match(request, _etag(comment))
    changed = await usecases.reword_comment(
        workspace, asker, comment.id, text=body.text, version=comment.version
    )
    return _reply(changed)


async def delete_comment(request: web.Request) -> web.Response:
    """Remove a comment."""
    comment_id = path_id(request, "comment_id")
    await usecases.remove_comment(workspace_of(request), asker_of(request), comment_id)
    return no_content()


def _view(comment: Comment) -> shapes.CommentView:
    return shapes.CommentView(
        id=comment.id,
        update_id=comment.update_id,
        author=shapes.CommentAuthorView(id=comment.author_id, name=comment.author_name),
        parent_id=comment.parent_id,
        at_ms=comment.at_ms,
        text=comment.text,
        is_removed=comment.removed_at is not None,
        posted_at=comment.posted_at,
        changed_at=comment.changed_at,
    )


def _etag(comment: Comment) -> str:
    return etag_of(comment.id, comment.version)


def _reply(comment: Comment, status: int = 200) -> web.Response:
    return json_reply(_view(comment), status=status, headers={"ETag": _etag(comment)})


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/updates/{update_id}/comments",
        handler=list_comments,
        summary="List comments of an update in the order they were written",
        tag="comments",
        operation_id="listComments",
        access=Access.AUTHENTICATED,
        scope=Scope.COMMENTS_READ,
        query=PageQuery,
        responses={200: Page[shapes.CommentView]},
        errors=(UpdateMissingError,),
    ),
    Route(
        method="POST",
        path="/api/v1/updates/{update_id}/comments",
        handler=create_comment,
        summary="Comment on an update, at a moment of it or in reply",
        tag="comments",
        operation_id="createComment",
        access=Access.AUTHENTICATED,
        scope=Scope.COMMENTS_WRITE,
        body=shapes.CommentBody,
        responses={201: shapes.CommentView},
        errors=(UpdateMissingError, MomentOutsideError, ParentElsewhereError),
        idempotent=True,
    ),
    Route(
        method="GET",
        path="/api/v1/comments/{comment_id}",
        handler=get_comment,
        summary="Read a comment",
        tag="comments",
        operation_id="getComment",
        access=Access.AUTHENTICATED,
        scope=Scope.COMMENTS_READ,
        responses={200: shapes.CommentView},
        errors=(CommentMissingError,),
    ),
    Route(
        method="PATCH",
        path="/api/v1/comments/{comment_id}",
        handler=change_comment,
        summary="Reword your comment",
        tag="comments",
        operation_id="changeComment",
        access=Access.AUTHENTICATED,
        scope=Scope.COMMENTS_WRITE,
        body=shapes.CommentPatch,
        if_match=True,
        responses={200: shapes.CommentView},
        errors=(CommentMissingError, NotYoursError),
    ),
    Route(
        method="DELETE",
        path="/api/v1/comments/{comment_id}",
        handler=delete_comment,
        summary="Remove a comment",
        tag="comments",
        operation_id="deleteComment",
        access=Access.AUTHENTICATED,
        scope=Scope.COMMENTS_WRITE,
        responses={204: None},
        errors=(CommentMissingError, NotYoursError),
    ),
)
