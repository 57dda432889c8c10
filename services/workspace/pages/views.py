"""The few pages the server draws itself: sign in, confirm a link, join a team."""

from collections.abc import Mapping
from urllib.parse import urlencode

from services.workspace.accounts.domain import PASSWORD_MIN
from services.workspace.accounts.store import Person
from services.workspace.pages.html import Markup, document, element
from services.workspace.pages.texts import Texts
from services.workspace.teams.store import Offer


def sign_in_page(
    texts: Texts,
    *,
    provider: str | None,
    onward: str = "/",
    email: str | None = None,
    problem: str | None = None,
) -> str:
    """Ask for e-mail address and password, or offer the provider; go on to ``onward`` then."""
    return _document(
        texts,
        texts.sign_in,
        _sheet(
            element("h1", texts.sign_in),
            _alarm(problem),
            element(
                "form",
                _email_field(texts, email),
                _field(
                    texts.fields.password,
                    name="password",
                    type="password",
                    autocomplete="current-password",
                ),
                element("input", type="hidden", name="next", value=onward),
                element("button", texts.sign_in),
                method="post",
                action="/sign-in",
            ),
        ),
        _provider_sheet(texts, provider, onward),
    )


def confirm_page(texts: Texts, action: str) -> str:
    """Ask whoever holds a one-time link to confirm, so that a link scanner does not use it up."""
    return _document(
        texts,
        texts.welcome,
        _sheet(
            element("h1", texts.welcome),
            element("p", texts.link_help),
            element("form", element("button", texts.go_on), method="post", action=action),
        ),
    )


def join_page(
    texts: Texts,
    offer: Offer,
    *,
    action: str,
    person: Person | None,
    given: Mapping[str, str],
    problem: str | None,
) -> str:
    """Offer a place in a team: to somebody signed in, or to a newcomer, with what they gave."""
    invited = texts.invited.format(
        name=offer.invited_by, team=offer.team_name, role=texts.roles[offer.role]
    )
    if person is not None:
        button = element("button", texts.join_as.format(name=person.name))
        form = element("form", button, method="post", action=action)
    else:
        form = element(
            "form",
            _field(texts.fields.name, name="name", autocomplete="name", value=given.get("name")),
            _email_field(texts, given.get("email")),
            _field(
                texts.fields.new_password,
                name="password",
                type="password",
                autocomplete="new-password",
                minlength=str(PASSWORD_MIN),
            ),
            element("button", texts.join),
            element(
                "p",
                f"{texts.have_account} ",
                element("a", texts.sign_in_first, href=f"/sign-in?{urlencode({'next': action})}"),
                class_="faint",
            ),
            method="post",
            action=action,
        )
    return _document(
        texts,
        offer.team_name,
        _sheet(element("h1", offer.team_name), element("p", invited), _alarm(problem), form),
    )


def problem_page(texts: Texts, sentence: str) -> str:
    """Say what went wrong, and where to go."""
    return _document(
        texts,
        texts.failed,
        _sheet(
            element("h1", texts.failed),
            element("p", sentence),
            element("a", texts.go_home, href="/", class_="button"),
        ),
    )


def _document(texts: Texts, title: str, *content: str) -> str:
    return document(title, _brand(), *content, language=texts.language)


def _brand() -> Markup:
    ground = element("rect", width="32", height="32", rx="9", class_="mark-ground")
    lines = element("path", d="M8 14v4M13 10v12M18 7v18M23 12v8", class_="mark-lines")
    mark = element(
        "svg", ground, lines, viewBox="0 0 32 32", width="34", height="34", aria_hidden="true"
    )
    return element("p", mark, "Tidings", class_="brand")


def _sheet(*content: str) -> Markup:
    return element("section", *content, class_="sheet")


def _provider_sheet(texts: Texts, provider: str | None, onward: str) -> Markup:
    if provider is None:
        return Markup()
    label = texts.sign_in_with.format(provider=provider)
    address = f"/sign-in/provider?{urlencode({'next': onward})}"
    return _sheet(element("a", label, href=address, class_="button"))


def _field(label: str, **attributes: str | None) -> Markup:
    return element("label", label, element("input", required="", **attributes))


def _email_field(texts: Texts, given: str | None) -> Markup:
    return _field(
        texts.fields.email, name="email", type="email", autocomplete="username", value=given
    )


def _alarm(problem: str | None) -> Markup:
    return element("p", problem, class_="alarm", role="alert") if problem else Markup()
