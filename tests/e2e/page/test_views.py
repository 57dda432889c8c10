"""Every view and state, examined by axe; with TIDINGS_PICTURES in every look, for people to see."""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.e2e.page.conftest import WAIT_MS, Api, picture, violations

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
expect.set_options(timeout=WAIT_MS)

LOOKS = [
    (locale, scheme, width)
    for locale in ("en-GB", "de-DE", "nl-NL")
    for scheme in ("light", "dark")
    for width in (390, 1440)
]
#: Both schemes, both widths and all languages; the others look alike to axe.
EXAMINED = [("en-GB", "dark", 1440), ("de-DE", "dark", 390), ("nl-NL", "light", 390)]

#: Questions that are not answered yet.
HELD: list[Route] = []

View = tuple[str, Callable[[Page], object]]


@pytest.mark.parametrize(
    ("locale", "scheme", "width"), LOOKS if os.environ.get("TIDINGS_PICTURES") else EXAMINED
)
def test_every_view_and_state_is_accessible(
    browser: Browser,
    signed_in: Any,
    site: str,
    api: Api,
    spoken: str,
    *,
    locale: str,
    scheme: Any,
    width: int,
) -> None:
    def visitor(state: Any) -> BrowserContext:
        context = browser.new_context(
            base_url=site,
            storage_state=state,
            locale=locale,
            color_scheme=scheme,
            viewport={"width": width, "height": 800},
        )
        context.set_default_timeout(WAIT_MS)
        return context

    faults: dict[str, list[str]] = {}
    for context, views in (
        (visitor(None), views_of_strangers(api)),
        (visitor(signed_in), views_of_people(api, spoken)),
    ):
        for name, show in views:
            page = context.new_page()
            show(page)
            picture(page, f"{name}-{locale[:2]}-{scheme}-{width}")
            found = violations(page)
            if page.evaluate("document.documentElement.lang") != locale[:2]:
                found.append("another language")
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found.append("wider than the screen")
            if found:
                faults[name] = found
            while HELD:
                HELD.pop().abort()
            page.close()
        context.close()
    assert not faults, json.dumps(faults, indent=1)


def views_of_strangers(api: Api) -> Iterator[View]:
    """What is drawn for those who are not signed in."""
    made = api.call("POST", f"/teams/{api.team()}/invitations", {"role": "member"})
    yield "sign-in", at("/sign-in", "form")
    yield "sign-in-refused", refused_sign_in
    yield "join", at(f"/join/{made['token']}", "form")
    yield "join-over", at("/join/nothing", "h1")
    yield "link-over", at("/sign-in/link/nothing", "h1")


def views_of_people(api: Api, spoken: str) -> Iterator[View]:
    """What members see, in every state."""
    thread, empty = api.open_thread("Marmalade"), api.open_thread("Nothing yet")
    written = api.write(
        thread, "We decided to ship the marmalade on Friday. Who tells the harbour?"
    )
    settings = f"/teams/{api.team()}/settings"
    yield "threads", at("/", ".threads li")
    yield (
        "threads-loading",
        answered("/", "**/threads?*", hold, ".loading"),
    )
    yield "threads-failing", answered("/", "**/threads?*", fail, ".blank button")
    yield "threads-offline", offline
    yield "no-team", answered("/", "**/api/v1/teams", no_teams, ".blank")
    yield "menu", opened_menu
    yield "thread", at(f"/threads/{thread}", ".card .statements")
    yield "thread-empty", at(f"/threads/{empty}", ".blank")
    yield "thread-concluding", concluding(empty)
    yield "thread-concluded", concluded(empty)
    yield "missing", at(f"/threads/{uuid4()}", ".blank a")
    yield "update", at(f"/updates/{spoken}", ".transcript p")
    yield "update-written", at(f"/updates/{written}", ".comments")
    yield "search", at("/search?q=marmalade", ".hit")
    yield "search-empty", at("/search", ".blank")
    yield "search-filters", at("/search?q=marmalade&language=en&from=2020-01-01", ".clear")
    yield "search-none", at("/search?q=xylophonist", ".blank")
    yield "settings", at("/settings", ".rows li")
    yield "settings-tokens", chosen_scopes
    yield "team", at(settings, ".rows select")
    yield "team-invited", invited(settings)
    yield "team-question", asked(settings)
    yield "link", one_time_link


def at(address: str, shown: str) -> Callable[[Page], object]:
    def show(page: Page) -> None:
        page.goto(address)
        expect(page.locator(shown).first).to_be_visible()

    return show


def answered(
    address: str, pattern: str, answer: Callable[[Route], object], shown: str
) -> Callable[[Page], object]:
    """Show an address while some of its questions are answered otherwise, or never."""

    def show(page: Page) -> None:
        page.route(pattern, answer)
        at(address, shown)(page)

    return show


def hold(route: Route) -> None:
    HELD.append(route)


def fail(route: Route) -> None:
    problem = {"code": "unavailable", "detail": "Not now.", "status": 503}
    route.fulfill(status=503, body=json.dumps(problem), content_type="application/problem+json")


def no_teams(route: Route) -> None:
    route.fulfill(json={"items": []})


def refused_sign_in(page: Page) -> None:
    page.goto("/sign-in")
    # Its own address for each look: ten failures lock one.
    page.locator("[name=email]").fill(f"{uuid4()}@example.org")
    page.locator("[name=password]").fill("not the password")
    page.locator("button").click()
    expect(page.locator("[role=alert]")).to_be_visible()


def offline(page: Page) -> None:
    at("/", ".threads li")(page)
    page.evaluate("dispatchEvent(new Event('offline'))")
    expect(page.locator(".connection")).to_be_visible()


def opened_menu(page: Page) -> None:
    at("/", ".threads li")(page)
    page.locator(".menu > button").click()
    expect(page.locator("#menu")).to_be_visible()


def concluding(thread: str) -> Callable[[Page], object]:
    def show(page: Page) -> None:
        at(f"/threads/{thread}", ".thread-acts")(page)
        page.locator(".thread-acts button").nth(1).click()
        expect(page.locator(".line-form input")).to_be_focused()

    return show


def concluded(thread: str) -> Callable[[Page], object]:
    def show(page: Page) -> None:
        concluding(thread)(page)
        page.locator(".line-form input").fill("We ship on Friday.")
        page.keyboard.press("Enter")
        expect(page.locator(".outcome")).to_be_visible()

    return show


def chosen_scopes(page: Page) -> None:
    at("/settings", ".choices")(page)
    page.locator(".choices input").nth(2).check()
    expect(page.locator(".checks")).to_be_visible()
    page.locator(".checks").scroll_into_view_if_needed()


def invited(settings: str) -> Callable[[Page], object]:
    def show(page: Page) -> None:
        at(settings, ".rows select")(page)
        page.locator("form:has([name=uses]) button").click()
        expect(page.locator(".once input")).to_be_focused()

    return show


def asked(settings: str) -> Callable[[Page], object]:
    def show(page: Page) -> None:
        at(settings, ".rows select")(page)
        page.locator(".rows li > button").first.click()
        expect(page.locator("dialog[open]")).to_be_visible()

    return show


def one_time_link(page: Page) -> None:
    at("/settings", ".rows li")(page)
    page.goto(page.evaluate(MAKE_LINK))
    expect(page.locator("form")).to_be_visible()


MAKE_LINK = """async () => {
  const reply = await fetch("/api/v1/me/sign-in-links", { method: "POST" });
  return (await reply.json()).url;
}"""
