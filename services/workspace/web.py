"""What the http rooms of all areas share: who asks, text that is checked on the way in, pages."""

from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar, cast
from uuid import UUID

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from services.workspace.accounts.domain import PASSWORD_MAX, PASSWORD_MIN, clean_email
from services.workspace.context import WORKSPACE, Workspace
from services.workspace.domain import Asker, clean_line, clean_text
from shared.errors import InvalidError
from shared.http.routes import PRINCIPAL, QUERY, Page, decode_cursor, encode_cursor

PAGE_DEFAULT = 50
PAGE_MAX = 200

ItemT = TypeVar("ItemT")
ViewT = TypeVar("ViewT", bound=BaseModel)


def _checked(clean: Callable[[str], str]) -> AfterValidator:
    def check(text: str) -> str:
        try:
            return clean(text)
        except ValueError as exc:
            raise PydanticCustomError(str(exc), "The text is not acceptable.") from exc

    return AfterValidator(check)


Line = Annotated[str, _checked(clean_line)]
Text = Annotated[str, _checked(clean_text)]
Name = Annotated[Line, StringConstraints(min_length=1, max_length=120)]
Title = Annotated[Line, StringConstraints(min_length=1, max_length=200)]
Email = Annotated[str, StringConstraints(min_length=3, max_length=254), _checked(clean_email)]
NewPassword = Annotated[str, StringConstraints(min_length=PASSWORD_MIN, max_length=PASSWORD_MAX)]
Password = Annotated[str, StringConstraints(max_length=PASSWORD_MAX)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]


class Body(BaseModel):
    """What a client sends. A field we do not know is a mistake worth telling."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class View(BaseModel):
    """What a client gets, made from a row."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class PageQuery(BaseModel):
    """Which part of a list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: int = Field(PAGE_DEFAULT, ge=1, le=PAGE_MAX, description="At most so many.")
    cursor: str | None = Field(
        None, max_length=1024, description="``next_cursor`` of the part before."
    )


def workspace_of(request: web.Request) -> Workspace:
    """Return the running workspace."""
    return request.app[WORKSPACE]


def asker_of(request: web.Request) -> Asker:
    """Return who asks; only on routes that need to know."""
    return cast("Asker", request[PRINCIPAL])


def position_of(request: web.Request) -> tuple[UUID | None, int]:
    """Return after which id the wanted part of a list begins, and how long it may be."""
    query = cast("PageQuery", request[QUERY])
    if query.cursor is None:
        return None, query.limit
    position = decode_cursor(query.cursor)
    try:
        return UUID(str(position.get("id"))), query.limit
    except ValueError as exc:
        raise InvalidError(
            "The cursor is not one we gave.", errors=(("cursor", "invalid"),)
        ) from exc


def page_of(
    items: Sequence[ItemT],
    limit: int,
    *,
    view: Callable[[ItemT], ViewT],
    position: Callable[[ItemT], UUID],
) -> Page[ViewT]:
    """Return one part of a list from ``limit + 1`` items; the extra one says that there is more."""
    shown = items[:limit]
    more = len(items) > limit
    return Page(
        items=[view(item) for item in shown],
        next_cursor=encode_cursor({"id": position(shown[-1])}) if more else None,
    )
