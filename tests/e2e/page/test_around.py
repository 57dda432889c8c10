"""What people do around their updates: settings, invitations, concluding; and by keyboard alone."""

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.page.conftest import WAIT_MS, Api, picture, violations
from tests.support.stack import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
expect.set_options(timeout=WAIT_MS)

#: Every thread of the team lies on the way, those of other tests as well.
MOST_TABS = 200


def section(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def row(page: Page, name: str) -> Locator:
    return page.locator(".rows > li", has_text=name)


def test_an_owner_founds_a_team_names_it_and_lets_people_in_and_out(
    page: Page, browser: Browser, site: str
) -> None:
    page.goto("/settings")
    found = section(page, "Found a team")
    found.get_by_label("Name of the team").fill("Lighthouse")
    found.get_by_role("button", name="Found a team").click()
    page.wait_for_url("**/teams/*/settings")

    name = section(page, "Name")
    name.get_by_label("Name of the team").fill("Lighthouse keepers")
    name.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Lighthouse keepers")

    invite = section(page, "Invite by link")
    invite.get_by_role("button", name="Make a link").click()
    link = invite.get_by_label("Invitation link").input_value()
    expect(row(page, "one person can still join")).to_be_visible()

    newcomer = browser.new_context(base_url=site, locale="en-GB").new_page()
    newcomer.goto(link)
    newcomer.get_by_label("Your name").fill("Nina")
    newcomer.get_by_label("E-mail").fill("nina@example.org")
    newcomer.get_by_label("A password").fill("correct horse")
    newcomer.get_by_role("button", name="Join").click()
    expect(newcomer.get_by_role("heading", name="Lighthouse keepers")).to_be_visible()

    expect(row(page, "Nina")).to_be_visible()
    page.get_by_label("Role of Nina").select_option("Owner")
    expect(page.get_by_text("Nina is now: Owner")).to_be_visible()
    page.get_by_role("button", name="Remove Nina").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(row(page, "Nina")).to_have_count(0)
    newcomer.reload()
    expect(newcomer.get_by_text("You are in no team yet")).to_be_visible()
    newcomer.context.close()

    # The last owner stays, and is told why.
    page.get_by_role("button", name="Leave the team").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave the team").click()
    expect(page.get_by_text("Make somebody else an owner first")).to_be_visible()


def test_a_team_says_what_it_speaks_and_which_names_to_expect(page: Page, api: Api) -> None:
    page.goto(f"/teams/{api.team()}/settings")
    speech = section(page, "Languages and names")
    speech.get_by_label("Dutch").check()
    speech.get_by_label("Names, products, jargon").fill("Tidings\n\nJetStream\nTidings")
    speech.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved")).to_be_visible()

    team = api.call("GET", f"/teams/{api.team()}")
    assert (team["languages"], team["glossary"]) == (["nl"], ["Tidings", "JetStream"])
    speech.get_by_label("Dutch").uncheck()
    speech.get_by_label("Names, products, jargon").fill("")
    with page.expect_response(lambda reply: reply.request.method == "PATCH") as saved:
        speech.get_by_role("button", name="Save").click()
    assert saved.value.ok


def test_an_owner_chooses_which_threads_a_guest_sees(page: Page, api: Api) -> None:
    first, second = api.open_thread("For the client"), api.open_thread("Not yet")
    page.goto(f"/teams/{api.team()}/settings")
    invite = section(page, "Invite by link")
    invite.get_by_label("As").select_option("Guest")
    invite.get_by_role("button", name="Make a link").click()
    expect(page.get_by_text("Choose at least one thread")).to_be_visible()
    invite.get_by_label("For the client").check()
    invite.get_by_role("button", name="Make a link").click()
    token = invite.get_by_label("Invitation link").input_value().rsplit("/", 1)[1]
    guest = {"name": "Gil", "email": "gil@example.org", "password": "correct horse"}
    api.call("POST", f"/invitations/{token}/newcomer", guest)

    gil = row(page, "Gil")
    gil.get_by_text("sees 1 thread").click()
    gil.get_by_label("Not yet").check()
    expect(gil.get_by_text("sees 2 threads")).to_be_visible()
    for thread in (first, second):
        guests = api.call("GET", f"/threads/{thread}/guests")["items"]
        assert [each["name"] for each in guests] == ["Gil"]


def test_a_token_is_shown_once_and_ends_when_it_is_revoked(page: Page, api: Api, site: str) -> None:
    page.goto("/settings")
    tokens = section(page, "API tokens")
    tokens.get_by_label("What is it for?").fill("Report")
    tokens.get_by_label("Choose").check()
    tokens.get_by_label("Read teams and who is in them").check()
    tokens.get_by_role("button", name="Make token").click()
    made = Api(api.url, tokens.get_by_label("Your new token").input_value())
    assert made.call("GET", "/teams")["items"]
    page.reload()
    expect(row(page, "Report")).to_be_visible()
    expect(page.get_by_label("Your new token")).to_have_count(0)

    page.get_by_role("button", name="Revoke Report").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(row(page, "Report")).to_have_count(0)
    assert page.request.get(f"{site}/api/v1/teams", headers=bearer(made)).status == 401


def bearer(api: Api) -> dict[str, str]:
    return {"Authorization": f"Bearer {api.token}", "Cookie": ""}


def test_credentials_for_events_are_made_and_revoked(page: Page, api: Api) -> None:
    page.goto(f"/teams/{api.team()}/settings")
    events = section(page, "Event credentials")
    events.get_by_role("button", name="Make credentials").click()
    assert "BEGIN NATS USER JWT" in events.get_by_label("Content of the .creds").input_value()
    events.get_by_role("button", name="Revoke the credentials").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()

    expect(events.get_by_text("No credentials are in use.")).to_be_visible()
    expect(events.get_by_label("Content of the .creds")).to_have_count(0)


def test_a_new_password_signs_out_everywhere_else(browser: Browser, api: Api, site: str) -> None:
    person = api.newcomer("Pia")
    here, there = (browser.new_context(base_url=site, locale="en-GB").new_page() for _ in "12")
    for page in (here, there):
        sign_in(page, person)
    here.goto("/settings")
    here.get_by_label("Current password").fill("wrong")
    here.get_by_label("New password").fill("a better horse")
    here.get_by_role("button", name="Set password").click()
    expect(here.get_by_text("The current password is missing or wrong.")).to_be_visible()
    here.get_by_label("Current password").fill(person["password"])
    here.get_by_label("New password").fill("a better horse")
    here.get_by_role("button", name="Set password").click()
    expect(here.get_by_text("you are signed out everywhere else")).to_be_visible()

    there.goto("/settings")
    there.wait_for_url("**/sign-in?next=*")
    sign_in(there, {**person, "password": "a better horse"})
    here.reload()
    here.get_by_role("button", name="Sign out Chrome").click()
    here.get_by_role("dialog").get_by_role("button", name="Sign out").click()
    expect(here.get_by_role("button", name="Sign out Chrome")).to_have_count(0)
    there.goto("/settings")
    there.wait_for_url("**/sign-in?next=*")
    for page in (here, there):
        page.context.close()


def test_who_is_signed_out_elsewhere_keeps_what_is_half_written(
    browser: Browser, api: Api, site: str
) -> None:
    person = api.newcomer("Noor")
    page = browser.new_context(base_url=site, locale="en-GB").new_page()
    sign_in(page, person)
    update = api.write(api.open_thread("Half-written"), "The buoy is out.")
    page.goto(f"/updates/{update}#comments")
    draft = page.get_by_label("Write a comment")
    draft.fill("Since when?")
    assert page.request.delete("/api/v1/sessions/this").ok
    page.get_by_role("button", name="Post", exact=True).click()
    expect(page.get_by_text("You are signed out. What you see")).to_be_visible()
    expect(draft).to_have_value("Since when?")
    assert violations(page) == []
    picture(page, "signed-out")

    with page.expect_popup() as opened:
        page.get_by_role("button", name="Sign in").click()
    opened.value.wait_for_url("**/sign-in?next=*")
    sign_in(opened.value, person)
    assert opened.value.url.endswith(f"/updates/{update}#comments")
    page.get_by_role("button", name="Post", exact=True).click()
    expect(page.locator(".comment", has_text="Since when?")).to_be_visible()
    expect(page.get_by_text("You are signed out")).to_have_count(0)
    page.context.close()


def sign_in(page: Page, person: dict[str, str]) -> None:
    if "/sign-in" not in page.url:
        page.goto("/sign-in")
    page.get_by_label("E-mail").fill(person["email"])
    page.get_by_label("Password").fill(person["password"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "/sign-in" not in address)


def test_a_thread_is_renamed_concluded_and_reopened(page: Page, api: Api) -> None:
    thread = api.open_thread("Which crane?")
    other = page.context.new_page()
    for reader in (page, other):
        reader.goto(f"/threads/{thread}")
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("Title of the thread").fill("Which crane do we buy?")
    page.get_by_role("button", name="Save").click()
    expect(other.get_by_role("heading", level=1)).to_have_text("Which crane do we buy?")

    page.get_by_role("button", name="Conclude").click()
    page.get_by_label("What came of it?").fill("We rent one.")
    page.locator("form").get_by_role("button", name="Conclude").click()
    for reader in (page, other):
        expect(reader.get_by_text("We rent one.")).to_be_visible()

    page.get_by_role("button", name="Reopen").click()
    page.get_by_role("dialog").get_by_role("button", name="Reopen").click()
    expect(page.get_by_role("button", name="Conclude")).to_be_visible()
    expect(other.get_by_text("We rent one.")).to_have_count(0)


def test_an_address_of_a_search_says_where_was_looked(page: Page, api: Api) -> None:
    thread = api.open_thread("Paint")
    api.write(thread, "The lighthouse gets a vermilion stripe.")
    wait_until(lambda: api.finds("vermilion", thread), WAIT_MS / 1000)
    language = page.locator("select[name=language]")
    page.goto("/search?q=vermilion")
    expect(page.locator(".hit mark").first).to_have_text("vermilion")
    page.locator("summary", has_text="Filters").click()
    page.get_by_label("Thread").select_option("Paint")
    page.wait_for_url(f"**thread_id={thread}*")
    expect(page.locator(".hit mark").first).to_have_text("vermilion")
    language.select_option("nl")
    expect(page.get_by_text("Nothing was found")).to_be_visible()
    assert f"team_id={api.team()}" in page.url

    page.reload()
    expect(language).to_have_value("nl")
    page.get_by_role("link", name="Clear filters").click()
    expect(page.locator(".hit mark").first).to_have_text("vermilion")


def test_the_main_flows_need_no_mouse(browser: Browser, api: Api, site: str, spoken: str) -> None:
    person = api.newcomer("Kim")
    page = browser.new_context(base_url=site, locale="en-GB").new_page()
    page.context.set_default_timeout(WAIT_MS)
    keys = page.keyboard

    page.goto("/sign-in")
    tab_to(page, page.get_by_label("E-mail"))
    keys.type(person["email"])
    keys.press("Tab")
    keys.type(person["password"])
    keys.press("Enter")

    tab_to(page, page.get_by_role("link", name="Sent from a browser").first)
    keys.press("Enter")
    tab_to(page, page.get_by_role("button", name="Write"))
    keys.press("Enter")
    tab_to(page, page.get_by_label("Your update"))
    keys.type("The keeper never touches a mouse.")
    tab_to(page, page.get_by_role("button", name="Post update"))
    keys.press("Enter")
    card = page.locator("article", has_text="never touches a mouse")
    tab_to(page, card.get_by_role("link", name="Read", exact=True))
    keys.press("Enter")
    tab_to(page, page.get_by_label("Write a comment"))
    keys.type("Nor do I.")
    keys.press("Control+Enter")
    expect(page.locator(".comment", has_text="Nor do I.")).to_be_visible()

    transcript = page.request.get(f"/api/v1/updates/{spoken}/transcript?format=json").json()
    words = transcript["segments"][0]["text"].split()
    tab_to(page, page.get_by_role("searchbox"))
    keys.type(max(words, key=len).strip(".,"))
    keys.press("Enter")
    hit = page.locator(".hit", has=page.locator(f'a[href*="{spoken}"]')).first
    tab_to(page, hit.get_by_role("button", name="Play from"))
    keys.press("Enter")
    page.wait_for_function("() => document.querySelector('audio, video')?.currentTime > 0")

    tab_to(page, page.get_by_role("button", name="Settings"))
    keys.press("Enter")
    tab_to(page, page.get_by_role("link", name="Team and people"))
    keys.press("Enter")
    tab_to(page, section(page, "Invite by link").get_by_role("button", name="Make a link"))
    keys.press("Enter")
    expect(page.get_by_label("Invitation link")).to_be_focused()
    page.context.close()


def test_focus_goes_where_one_goes_and_stays_where_one_is(page: Page, api: Api) -> None:
    thread = api.open_thread("Focus")
    page.goto("/")
    link = page.get_by_role("link", name="Focus").first
    link.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Focus")
    expect(page.locator("main")).to_be_focused()

    page.get_by_role("button", name="Write").press("Enter")
    expect(page.get_by_label("Your update")).to_be_focused()
    cancel = page.get_by_role("button", name="Cancel")
    cancel.focus()
    api.write(thread, "Somebody else writes.")
    expect(page.get_by_text("Somebody else writes.")).to_be_visible()
    expect(cancel).to_be_focused()


def tab_to(page: Page, wanted: Locator) -> None:
    """Reach what is wanted by the tab key alone, as far as it takes."""
    expect(wanted).to_be_visible()
    for _ in range(MOST_TABS):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the tab key does not lead to {wanted}")
