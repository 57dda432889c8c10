"""The search route: moments by thread."""

import html
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, cast
from uuid import UUID

from aiohttp import web
from pydantic import Field, StringConstraints

from services.workspace.domain import Scope
from services.workspace.search import usecases
from services.workspace.search.domain import (
    LONGEST_QUERY,
    Moment,
    Part,
    QueryRefusedError,
    parse_query,
)
from services.workspace.search.store import Filters
from services.workspace.search.usecases import Found
from services.workspace.visibility import TeamMissingError, ThreadMissingError
from services.workspace.web import Language, PageQuery, View, asker_of, workspace_of
from shared.contracts.messages import UpdateKind
from shared.errors import InvalidError
from shared.http.routes import (
    QUERY,
    Access,
    Page,
    Route,
    decode_cursor,
    encode_cursor,
    json_reply,
)

LIMIT_DEFAULT = 20
LIMIT_MAX = 100
DEEPEST = 1000


class SearchQuery(PageQuery):
    """What to look for and where."""

    q: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_QUERY)] = Field(
        description='Words; "a phrase"; -word for what must not be there.'
    )
    team_id: UUID | None = None
    thread_id: UUID | None = None
    author_id: UUID | None = None
    language: Language | None = Field(None, description="ISO 639-1, as spoken.")
    from_: date | None = Field(None, alias="from", description="Posted on this day or later.")
    to: date | None = Field(None, description="Posted on this day or earlier.")
    limit: int = Field(LIMIT_DEFAULT, ge=1, le=LIMIT_MAX, description="At most so many updates.")


class PartView(View):
    """A piece of a snippet."""

    text: str
    is_match: bool


class AuthorView(View):
    """Who posted the update."""

    id: UUID
    name: str


class MomentView(View):
    """A place that answers."""

    update_id: UUID
    update_title: str | None
    kind: UpdateKind
    author: AuthorView
    posted_at: datetime
    source: str = Field(description="`speech`, `title` or `comment`.")
    segment_id: int | None
    comment_id: UUID | None
    start_ms: int | None = Field(description="Null where there is no time.")
    url: str = Field(description="Where people see it.")
    snippet: str = Field(description="HTML: text escaped, matches in <mark>.")
    parts: list[PartView] = Field(description="The same as data.")


class ThreadView(View):
    """The thread of the moments."""

    id: UUID
    title: str


class ThreadMoments(View):
    """The moments of one thread, best updates first."""

    team_id: UUID
    thread: ThreadView
    moments: list[MomentView]


async def search(request: web.Request) -> web.Response:
    """Find moments in what the asker may see."""
    wanted = cast("SearchQuery", request[QUERY])
    workspace = workspace_of(request)
    offset = _offset(wanted.cursor)
    found = await usecases.find_moments(
        workspace.database,
        asker_of(request),
        parse_query(wanted.q),
        _filters(wanted),
        limit=wanted.limit + 1,
        offset=offset,
    )
    further = offset + wanted.limit
    more = len(found) > wanted.limit and further < DEEPEST
    page: Page[ThreadMoments] = Page(
        items=_by_thread(found[: wanted.limit], workspace.settings.public_url),
        next_cursor=encode_cursor({"offset": further}) if more else None,
    )
    return json_reply(page)


def _offset(cursor: str | None) -> int:
    """Return where the page begins. Ranks shift with every update, so a number has to do."""
    if cursor is None:
        return 0
    offset = decode_cursor(cursor).get("offset")
    if not isinstance(offset, int) or not 0 <= offset < DEEPEST:
        raise InvalidError("The cursor is not one we gave.", errors=(("cursor", "invalid"),))
    return offset


def _filters(wanted: SearchQuery) -> Filters:
    return Filters(
        team_id=wanted.team_id,
        thread_id=wanted.thread_id,
        author_id=wanted.author_id,
        language=wanted.language,
        posted_from=_midnight(wanted.from_),
        posted_before=_midnight(wanted.to + timedelta(days=1)) if wanted.to else None,
    )


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None


def _by_thread(found: Sequence[Found], public_url: str) -> list[ThreadMoments]:
    """Return the moments in groups; a thread stands where its best update does."""
    threads: dict[UUID, ThreadMoments] = {}
    for each in found:
        update = each.update
        group = threads.setdefault(
            update.thread_id,
            ThreadMoments(
                team_id=update.team_id,
                thread=ThreadView(id=update.thread_id, title=update.thread_title),
                moments=[],
            ),
        )
        group.moments.extend(_moment_view(each, moment, public_url) for moment in each.moments)
    return list(threads.values())


def _moment_view(found: Found, moment: Moment, public_url: str) -> MomentView:
    update = found.update
    address = f"{public_url}/updates/{update.update_id}"
    if moment.start_ms is not None:
        address += f"?t={moment.start_ms // 1000}"
    return MomentView(
        update_id=update.update_id,
        update_title=update.title,
        kind=UpdateKind(update.kind),
        author=AuthorView(id=update.author_id, name=update.author_name),
        posted_at=update.posted_at,
        source=moment.source,
        segment_id=moment.segment_id,
        comment_id=moment.comment_id,
        start_ms=moment.start_ms,
        url=address,
        snippet=as_html(moment.snippet),
        parts=[PartView(text=part.text, is_match=part.is_match) for part in moment.snippet],
    )


def as_html(parts: Sequence[Part]) -> str:
    """Return the snippet as HTML in which nothing spoken can become markup."""
    return "".join(
        f"<mark>{html.escape(part.text)}</mark>" if part.is_match else html.escape(part.text)
        for part in parts
    )


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/search",
        handler=search,
        summary="Find what was said, and land on the moment",
        tag="search",
        operation_id="search",
        access=Access.AUTHENTICATED,
        scope=Scope.SEARCH_READ,
        query=SearchQuery,
        responses={200: Page[ThreadMoments]},
        errors=(QueryRefusedError, TeamMissingError, ThreadMissingError),
    ),
)
