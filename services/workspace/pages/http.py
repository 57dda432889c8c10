"""Routes of the pages the server draws. They ask nothing of other servers and run no script."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial, wraps
from pathlib import Path
from typing import cast
from urllib.parse import parse_qsl, urlencode

from aiohttp import web
from pydantic import BaseModel, Field, ValidationError

from services.workspace.accounts import cookies, oidc, usecases
from services.workspace.accounts.authentication import SESSION_COOKIE, Authentication
from services.workspace.accounts.domain import (
    LinkOverError,
    ProviderMissingError,
    ProviderRefusedError,
    TooManySignInsError,
    WrongSignInError,
)
from services.workspace.accounts.http import LINK_PATH, address_of, client_of
from services.workspace.accounts.shapes import SignInBody
from services.workspace.accounts.store import Person
from services.workspace.context import Workspace
from services.workspace.domain import Asker
from services.workspace.pages import site, views
from services.workspace.pages.texts import Texts, texts_for
from services.workspace.teams import invitations
from services.workspace.teams.domain import InvitationOverError
from services.workspace.teams.invitations_http import JOIN_PATH
from services.workspace.teams.shapes import NewcomerBody
from services.workspace.web import workspace_of
from shared.errors import ConflictError, MalformedError, TidingsError, UnauthenticatedError
from shared.http.errors import UnsupportedMediaTypeError
from shared.http.routes import QUERY, Access, RateClass, Route

HTML = "text/html"
FORM = "application/x-www-form-urlencoded"
POLICY = (
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
FIELDS_MAX = 20
_STYLE = Path(__file__).with_name("style.css").read_bytes()
_SEE_OTHER = 303

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SignInQuery(BaseModel):
    """Where to go afterwards."""

    next: str = Field("/", max_length=2000, description="An address of this site.")


class CallbackQuery(BaseModel):
    """What the provider sends back."""

    state: str = Field("", max_length=200)
    code: str = Field("", max_length=4096)
    error: str | None = Field(None, max_length=200)


def _answers_people(handler: Handler) -> Handler:
    """Show people a page instead of a problem document."""

    @wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except TidingsError as error:
            texts = _texts_of(request)
            return _page(
                texts, views.problem_page(texts, texts.explain(error)), status=error.status
            )

    return answer


async def get_style(_: web.Request) -> web.Response:
    """Give the style sheet."""
    headers = {"Cache-Control": "public, max-age=3600"}
    return web.Response(body=_STYLE, content_type="text/css", charset="utf-8", headers=headers)


@_answers_people
async def get_page(request: web.Request) -> web.Response:
    """Give the page, or send strangers to sign in and back."""
    if await _asker_of(request) is None:
        onward = "" if request.path_qs == "/" else "?" + urlencode({"next": request.path_qs})
        return _see_other(f"/sign-in{onward}")
    return site.document_reply(workspace_of(request).settings.upload_public_url)


async def get_asset(request: web.Request) -> web.FileResponse:
    """Give a script or style of the page."""
    return site.asset_reply(request.match_info["name"])


@_answers_people
async def get_sign_in(request: web.Request) -> web.Response:
    """Show the sign-in form."""
    onward = site.local_path(cast("SignInQuery", request[QUERY]).next)
    provider = _provider_name(workspace_of(request))
    texts = _texts_of(request)
    return _page(texts, views.sign_in_page(texts, provider=provider, onward=onward))


@_answers_people
async def post_sign_in(request: web.Request) -> web.Response:
    """Sign in by form."""
    workspace = workspace_of(request)
    form = await _form_of(request)
    onward = site.local_path(form.pop("next", "/"))
    try:
        body = SignInBody.model_validate(form)
        session = await usecases.sign_in(
            workspace,
            email=body.email,
            password=body.password,
            client=client_of(request),
            address=address_of(request),
        )
    except (ValidationError, WrongSignInError, TooManySignInsError) as error:
        refusal = error if isinstance(error, TooManySignInsError) else WrongSignInError()
        texts = _texts_of(request)
        page = views.sign_in_page(
            texts,
            provider=_provider_name(workspace),
            onward=onward,
            email=form.get("email"),
            problem=texts.explain(refusal),
        )
        return _page(texts, page, status=refusal.status)
    return _signed_in(workspace, session, onward)


@_answers_people
async def get_link(request: web.Request) -> web.Response:
    """Ask to confirm a one-time link; looking does not use it up."""
    secret = request.match_info["token"]
    if not await usecases.link_is_good(workspace_of(request), secret):
        raise LinkOverError
    texts = _texts_of(request)
    return _page(texts, views.confirm_page(texts, f"{LINK_PATH}/{secret}"))


@_answers_people
async def post_link(request: web.Request) -> web.Response:
    """Sign in by a one-time link, which is used up."""
    workspace = workspace_of(request)
    session = await usecases.sign_in_by_link(
        workspace, secret=request.match_info["token"], client=client_of(request)
    )
    return _signed_in(workspace, session)


@_answers_people
async def get_provider(request: web.Request) -> web.Response:
    """Send the browser to the sign-in provider."""
    workspace = workspace_of(request)
    onward = site.local_path(cast("SignInQuery", request[QUERY]).next)
    departure = await oidc.depart(workspace)
    response = _see_other(departure.url)
    cookies.set_trip(workspace, response, state=departure.state, onward=onward)
    return response


@_answers_people
async def get_provider_callback(request: web.Request) -> web.Response:
    """Take the browser back from the provider."""
    workspace = workspace_of(request)
    query = cast("CallbackQuery", request[QUERY])
    if query.error is not None or not query.code:
        raise ProviderRefusedError
    session = await oidc.arrive(
        workspace,
        state=query.state,
        cookie_state=request.cookies.get(cookies.STATE_COOKIE, ""),
        code=query.code,
        client=client_of(request),
    )
    response = _signed_in(workspace, session, site.local_path(cookies.onward_of(request)))
    cookies.clear_trip(workspace, response)
    return response


@_answers_people
async def post_sign_out(request: web.Request) -> web.Response:
    """End the session."""
    workspace = workspace_of(request)
    asker = await _asker_of(request)
    if asker is not None and asker.session_id is not None:
        await usecases.end_session(workspace, asker, asker.session_id)
    response = _see_other("/sign-in")
    cookies.clear_session(workspace, response)
    return response


@_answers_people
async def get_join(request: web.Request) -> web.Response:
    """Show what an invitation offers."""
    return await _join_page(request)


@_answers_people
async def post_join(request: web.Request) -> web.Response:
    """Join a team: with the account one is signed in to, or with a new one."""
    workspace = workspace_of(request)
    secret = request.match_info["token"]
    asker = await _asker_of(request)
    form = await _form_of(request)
    try:
        if asker is not None:
            await invitations.accept(workspace, asker, secret)
            return _see_other("/")
        body = NewcomerBody.model_validate(form)
        accepted = await invitations.accept_as_newcomer(
            workspace, secret, name=body.name, email=body.email, password=body.password
        )
    except ValidationError:
        problem = _texts_of(request).form_incomplete
        return await _join_page(request, given=form, problem=problem, status=422)
    except ConflictError as refusal:
        problem = _texts_of(request).explain(refusal)
        return await _join_page(request, given=form, problem=problem, status=refusal.status)
    session = await usecases.sign_in_newcomer(workspace, accepted.person_id, client_of(request))
    return _signed_in(workspace, session)


async def _join_page(
    request: web.Request,
    *,
    given: Mapping[str, str] | None = None,
    problem: str | None = None,
    status: int = 200,
) -> web.Response:
    workspace = workspace_of(request)
    secret = request.match_info["token"]
    offer = await invitations.look(workspace, secret)
    asker = await _asker_of(request)
    person: Person | None = await usecases.get_me(workspace, asker) if asker else None
    texts, action = _texts_of(request), f"{JOIN_PATH}/{secret}"
    page = views.join_page(
        texts, offer, action=action, person=person, given=given or {}, problem=problem
    )
    return _page(texts, page, status=status)


async def _form_of(request: web.Request) -> dict[str, str]:
    """Return the fields of a plain form, each once; nothing else is read."""
    if request.can_read_body and request.content_type != FORM:
        raise UnsupportedMediaTypeError(f"The body must be {FORM}.")
    body = (await request.read()).decode("utf-8", "replace")
    try:
        return dict(parse_qsl(body, keep_blank_values=True, max_num_fields=FIELDS_MAX))
    except ValueError as exc:
        raise MalformedError("The form has too many fields.") from exc


async def _asker_of(request: web.Request) -> Asker | None:
    """Return who is signed in; tokens are for programs and open no page."""
    if SESSION_COOKIE not in request.cookies or "Authorization" in request.headers:
        return None
    workspace = workspace_of(request)
    try:
        return await Authentication(workspace.database, workspace.clock)(request)
    except UnauthenticatedError:
        return None


def _provider_name(workspace: Workspace) -> str | None:
    settings = workspace.settings
    return settings.oidc_name if settings.oidc_issuer is not None else None


def _signed_in(
    workspace: Workspace, session: usecases.NewSession, onward: str = "/"
) -> web.Response:
    response = _see_other(onward)
    cookies.set_session(workspace, response, session.secret)
    return response


def _see_other(target: str) -> web.Response:
    return web.Response(status=_SEE_OTHER, headers={"Location": target})


def _texts_of(request: web.Request) -> Texts:
    return texts_for(request.headers.get("Accept-Language", ""))


def _page(texts: Texts, text: str, status: int = 200) -> web.Response:
    headers = {
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",
        "Content-Language": texts.language,
        "Vary": "Accept-Language",
    }
    return web.Response(text=text, status=status, content_type=HTML, headers=headers)


_page_route = partial(Route, tag="pages", access=Access.PUBLIC)
_sign_in_route = partial(_page_route, rate=RateClass.SIGN_IN)

ROUTES: tuple[Route, ...] = (
    _page_route(
        method="GET",
        path="/style.css",
        handler=get_style,
        summary="How the server's own pages look",
        operation_id="getStyle",
        rate=RateClass.UNLIMITED,
        responses={200: "text/css"},
    ),
    *(
        _page_route(
            method="GET",
            path=path,
            handler=get_page,
            summary=summary,
            operation_id=operation_id,
            responses={200: HTML, 303: None},
            errors=(site.PageMissingError,),
        )
        for path, summary, operation_id in (
            ("/", "The page: threads", "getHomePage"),
            ("/threads/{thread_id}", "The page: a thread", "getThreadPage"),
            ("/updates/{update_id}", "The page: an update", "getUpdatePage"),
            ("/search", "The page: search", "getSearchPage"),
            ("/settings", "The page: your own settings", "getSettingsPage"),
            ("/teams/{team_id}/settings", "The page: a team's settings", "getTeamSettingsPage"),
        )
    ),
    _page_route(
        method="GET",
        path="/assets/{name}",
        handler=get_asset,
        summary="A script or style of the page",
        operation_id="getAsset",
        rate=RateClass.UNLIMITED,
        responses={200: tuple(site.MEDIA_TYPES.values())},
        errors=(site.AssetMissingError,),
    ),
    _page_route(
        method="GET",
        path="/sign-in",
        handler=get_sign_in,
        summary="The sign-in form",
        operation_id="getSignInPage",
        query=SignInQuery,
        responses={200: HTML},
    ),
    _sign_in_route(
        method="POST",
        path="/sign-in",
        handler=post_sign_in,
        summary="Sign in by form",
        operation_id="postSignInPage",
        raw_body=FORM,
        responses={303: None, 401: HTML},
    ),
    _sign_in_route(
        method="GET",
        path=LINK_PATH + "/{token}",
        handler=get_link,
        summary="Confirm a one-time link",
        operation_id="getLinkPage",
        responses={200: HTML},
        errors=(LinkOverError,),
    ),
    _sign_in_route(
        method="POST",
        path=LINK_PATH + "/{token}",
        handler=post_link,
        summary="Sign in by a one-time link",
        operation_id="postLinkPage",
        responses={303: None},
        errors=(LinkOverError,),
    ),
    _sign_in_route(
        method="GET",
        path="/sign-in/provider",
        handler=get_provider,
        summary="Go to the sign-in provider",
        operation_id="getProviderPage",
        query=SignInQuery,
        responses={303: None},
        errors=(ProviderMissingError, oidc.ProviderUnavailableError),
    ),
    _sign_in_route(
        method="GET",
        path=oidc.CALLBACK_PATH,
        handler=get_provider_callback,
        summary="Come back from the sign-in provider",
        operation_id="getProviderCallbackPage",
        query=CallbackQuery,
        responses={303: None},
        errors=(ProviderRefusedError, ProviderMissingError, oidc.ProviderUnavailableError),
    ),
    _page_route(
        method="POST",
        path="/sign-out",
        handler=post_sign_out,
        summary="Sign out",
        operation_id="postSignOutPage",
        responses={303: None},
    ),
    _sign_in_route(
        method="GET",
        path=JOIN_PATH + "/{token}",
        handler=get_join,
        summary="What an invitation offers, as a page",
        operation_id="getJoinPage",
        responses={200: HTML},
        errors=(InvitationOverError,),
    ),
    _sign_in_route(
        method="POST",
        path=JOIN_PATH + "/{token}",
        handler=post_join,
        summary="Join a team by form",
        operation_id="postJoinPage",
        raw_body=FORM,
        responses={303: None, 422: HTML},
        errors=(InvitationOverError,),
    ),
)
