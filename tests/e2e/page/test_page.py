"""What people do on the page, in a real browser, with every process running."""

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.e2e.page.conftest import (
    PAGE,
    WAIT_MS,
    Api,
    click_word,
    picture,
    rare_word,
    violations,
)
from tests.support.speech import speech_file
from tests.support.stack import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
expect.set_options(timeout=WAIT_MS)

MEETING = (
    "We decided to ship the marmalade on Friday. Anna will tell the harbour by Thursday. "
    "Who will write the release notes?"
)


MEDIA = "document.querySelector('audio, video')"
HAS_MEDIA = f"() => {MEDIA}?.readyState > 0"
IS_AT_2 = f"() => {MEDIA}?.currentTime === 2"
IS_BEHIND = f"at => {MEDIA}?.currentTime > at"
IS_FASTER = f"() => {MEDIA}?.playbackRate === 1.25"
PLAYED = f"() => {MEDIA}?.currentTime > 0"


def test_a_file_sent_to_a_thread_becomes_text_without_a_reload(page: Page, spoken: str) -> None:
    page.goto(f"/updates/{spoken}")

    expect(page.locator(".state")).to_have_count(0)
    expect(page.locator(".transcript p").first).to_be_visible()
    said = set(re.findall(r"\w+", page.locator(".transcript").inner_text().lower()))
    expected = set(re.findall(r"\w+", (speech_file("en").text or "").lower()))
    assert len(said & expected) >= len(expected) / 2
    assert violations(page) == []
    picture(page, "update")


def test_a_click_on_a_word_plays_from_there(page: Page, spoken: str) -> None:
    page.goto(f"/updates/{spoken}")
    segments = page.request.get(f"/api/v1/updates/{spoken}/transcript").json()["segments"]
    words = [word for segment in segments for word in segment["words"]]
    texts = [word["word"].strip() for word in words]
    word = next(word for word in words[5:] if " ".join(texts).count(word["word"].strip()) == 1)
    click_word(page, word["word"].strip())

    page.wait_for_function(IS_BEHIND, arg=word["start"])
    page.wait_for_function("() => CSS.highlights.get('now')?.size === 1")


def test_a_gist_that_only_repeats_the_words_is_not_shown_beside_them(
    page: Page, api: Api, spoken: str
) -> None:
    wait_until(lambda: update_of(api, spoken)["summary"]["state"] == "complete", WAIT_MS / 1000)
    statements = api.call("GET", f"/updates/{spoken}/summary")["statements"]
    gist = " ".join(each["text"] for each in statements if each["kind"] == "gist")
    segments = api.call("GET", f"/updates/{spoken}/transcript")["segments"]
    said = " ".join(segment["text"] for segment in segments)

    page.goto(f"/threads/{update_of(api, spoken)['thread_id']}")
    expect(page.locator(".gist")).to_have_text(gist)
    page.goto(f"/updates/{spoken}")
    expect(page.locator(".transcript p").first).to_be_visible()
    expect(page.locator(".gist")).to_have_count(int(len(gist.split()) < len(said.split())))


def update_of(api: Api, update: str) -> Any:
    return api.call("GET", f"/updates/{update}")


def test_a_link_to_a_moment_opens_there(page: Page, spoken: str) -> None:
    for address in (f"/updates/{spoken}?t=0m2s", f"/updates/{spoken}#t=2,4"):
        page.goto("/")
        page.goto(address)
        page.wait_for_function(IS_AT_2)


def test_the_player_keeps_its_height_beside_much_that_is_said_of_it(
    page: Page, spoken: str
) -> None:
    """In a low window, or beside a long summary, nothing of it was left but its border."""
    page.set_viewport_size({"width": 1280, "height": 260})
    page.goto(f"/updates/{spoken}")
    page.wait_for_function(HAS_MEDIA)
    box = page.locator(".player").bounding_box()
    assert box is not None
    assert box["height"] > 100


def test_keys_play_find_and_explain_themselves(page: Page, spoken: str) -> None:
    page.goto(f"/updates/{spoken}")
    page.wait_for_function(HAS_MEDIA)
    page.locator("h1").click()

    page.keyboard.press(">")
    page.keyboard.press("5")
    page.wait_for_function(IS_FASTER)
    page.wait_for_function(PLAYED)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.type(page.locator(".transcript p").first.inner_text().split()[0].strip(" ,."))
    expect(page.locator(".finder [role=status]")).to_contain_text("1 of")
    page.reload()
    page.wait_for_function(IS_FASTER)


def test_words_are_copied_with_a_link_to_their_moment(page: Page, spoken: str, site: str) -> None:
    page.goto(f"/updates/{spoken}")
    page.get_by_role("button", name="Copy with link").first.click()
    expect(page.get_by_text("Copied, with a link")).to_be_visible()

    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.search(rf"^“.+”\n{site}/updates/{spoken}\?t=\d+$", copied, re.DOTALL)


#: What browsers keep from pages that come over plain HTTP from another machine.
PLAIN_HTTP = """() => {
  delete Crypto.prototype.randomUUID;
  Object.defineProperty(Navigator.prototype, "clipboard", { get: () => undefined });
}"""


def test_over_plain_http_one_comments_and_copies_what_is_selected(
    page: Page, api: Api, spoken: str
) -> None:
    page.add_init_script(f"({PLAIN_HTTP})()")
    page.goto(f"/updates/{api.write(api.open_thread('Plain'), 'No padlock.')}")
    page.get_by_label("Write a comment").fill("Seen from another machine.")
    page.get_by_role("button", name="Post", exact=True).click()
    expect(page.locator(".comment", has_text="Seen from another machine.")).to_be_visible()

    page.goto(f"/updates/{spoken}")
    page.get_by_role("button", name="Copy with link").first.click()
    expect(page.get_by_text("copy it yourself")).to_be_visible()
    assert page.evaluate("String(getSelection()).trim()") == (
        page.locator(".paragraph-words > p").first.inner_text().strip()
    )


def test_what_one_writes_the_other_sees_with_its_summary(
    page: Page, context: BrowserContext, api: Api
) -> None:
    thread = api.open_thread("Marmalade")
    page.goto(f"/threads/{thread}")
    expect(page.get_by_text("Nothing here yet")).to_be_visible()
    assert violations(page) == []
    other = context.new_page()
    other.goto(f"/threads/{thread}")
    expect(other.get_by_text("Nothing here yet")).to_be_visible()

    page.get_by_role("button", name="Write").click()
    page.get_by_label("Your update").fill(MEETING)
    page.get_by_role("button", name="Post update").click()

    for reader in (page, other):
        expect(reader.get_by_text(MEETING)).to_be_visible()
        expect(reader.get_by_role("heading", name="Decisions")).to_be_visible()
        expect(reader.get_by_role("heading", name="Questions")).to_be_visible()
    assert violations(page) == []
    picture(page, "thread")


def test_a_comment_at_a_moment_and_its_reply_reach_the_other_reader(
    page: Page, context: BrowserContext, spoken: str
) -> None:
    other = context.new_page()
    for reader in (page, other):
        reader.goto(f"/updates/{spoken}?t=2")
        reader.wait_for_function(IS_AT_2)

    page.get_by_label("Write a comment").fill("Which harbour?")
    expect(page.get_by_label("At 0:02")).to_be_checked()
    page.get_by_role("button", name="Post", exact=True).click()
    expect(other.get_by_text("Which harbour?")).to_be_visible()
    other.locator(".comments").get_by_role("button", name="Reply").click()
    other.locator(".comments li textarea").fill("The old one.")
    other.keyboard.press("Control+Enter")

    expect(page.get_by_text("The old one.")).to_be_visible()
    expect(page.locator(".comment .chip", has_text="0:02")).to_be_visible()
    assert violations(page) == []


def test_a_comment_whose_answer_was_lost_is_posted_once_and_another_one_as_well(
    context: BrowserContext, api: Api
) -> None:
    update = api.write(api.open_thread("Bad line"), "The line is bad today.")
    page = context.new_page()
    page.goto(f"/updates/{update}")

    def lose(route: Route) -> None:
        route.fetch()
        route.abort("connectionreset")

    page.route("**/comments", lose, times=1)
    draft, post = page.get_by_label("Write a comment"), page.get_by_role("button", name="Post")
    draft.fill("Hello?")
    post.click()
    expect(page.get_by_text("There is no connection. Try again")).to_be_visible()
    post.click()
    expect(draft).to_have_value("")
    page.route("**/comments", lose, times=1)
    draft.fill("Can you hear me?")
    post.click()
    expect(page.locator(".comment", has_text="Can you hear me?")).to_be_visible()
    draft.fill("Can you hear me now?")
    post.click()
    expect(page.locator(".comment", has_text="Can you hear me now?")).to_be_visible()
    said = [each["text"] for each in api.call("GET", f"/updates/{update}/comments")["items"]]
    assert said == ["Hello?", "Can you hear me?", "Can you hear me now?"]


@pytest.mark.parametrize(
    ("posted_at", "read_at", "said"),
    [
        # On Monday at 22:00, on Wednesday at 9:00.
        ("2026-03-03T03:00:00Z", "2026-03-04T14:00:00Z", "2 days ago"),
        # At 1:00 and at 20:00 of one day.
        ("2026-03-04T06:00:00Z", "2026-03-05T01:00:00Z", "19 hours ago"),
        # At 20:00 and at 9:00 of the next.
        ("2026-03-04T01:00:00Z", "2026-03-04T14:00:00Z", "yesterday"),
    ],
)
def test_days_are_those_of_the_readers_calendar(
    browser: Browser,
    signed_in: Any,
    site: str,
    api: Api,
    *,
    posted_at: str,
    read_at: str,
    said: str,
) -> None:
    thread = api.open_thread("Calendar")
    api.write(thread, "Tell the harbour by the sixth.")
    context = browser.new_context(
        base_url=site, storage_state=signed_in, locale="en-GB", timezone_id="America/New_York"
    )
    page = context.new_page()
    page.clock.set_fixed_time(read_at)

    def answer_update(route: Route) -> None:
        told = route.fetch().json()
        told["items"][0]["posted_at"] = posted_at
        told["items"][0]["summary"]["state"] = "complete"
        route.fulfill(json=told)

    action = {"kind": "action", "text": "Tell the harbour", "due": "2026-03-06", "evidence": []}
    page.route(f"**/threads/{thread}/updates?*", answer_update)
    page.route("**/summary", lambda route: route.fulfill(json={"statements": [action]}))
    page.goto(f"/threads/{thread}")
    expect(page.locator(".card time")).to_have_text(said)
    expect(page.locator(".statements")).to_contain_text("by Mar 6")
    context.close()


def test_search_finds_the_moment_and_plays_it_among_the_results(page: Page, spoken: str) -> None:
    word = rare_word(speech_file("en").text or "")
    page.goto("/search")
    expect(page.get_by_text("What are you looking for?")).to_be_visible()
    page.get_by_role("searchbox").fill(word)

    hit = page.locator(".hit", has=page.locator(f'a[href*="{spoken}"]')).first
    expect(hit.locator("mark").first).to_be_visible()
    assert f"q={word}" in page.url
    hit.locator(".chip").click()
    page.wait_for_function(PLAYED)
    assert "/search" in page.url
    assert violations(page) == []
    picture(page, "search")


def test_a_thread_with_news_is_marked_until_it_is_read(page: Page, api: Api) -> None:
    page.goto("/")
    expect(page.get_by_role("button", name="New thread")).to_be_visible()
    thread = api.open_thread("Quay news")
    api.write(thread, "The crane is back.")

    line = page.locator(".threads li", has_text="Quay news")
    expect(line).to_have_class("is-new")
    assert violations(page) == []
    line.get_by_role("link").click()
    expect(page.get_by_text("The crane is back.")).to_be_visible()
    page.get_by_role("link", name="Threads", exact=True).click()
    expect(line).not_to_have_class("is-new")


#: What a browser says of a window that others cover, or that comes back.
SHOWN = """is => {
  Object.defineProperty(document, "visibilityState", { value: is, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_what_comes_into_a_window_nobody_looks_at_stays_new(
    page: Page, context: BrowserContext, api: Api
) -> None:
    thread = api.open_thread("Behind other windows")
    page.goto(f"/threads/{thread}")
    expect(page.get_by_text("Nothing here yet")).to_be_visible()
    page.evaluate(SHOWN, "hidden")
    api.write(thread, "The lamp is out.")
    expect(page.get_by_text("The lamp is out.")).to_be_visible()

    other = context.new_page()
    line = other.locator(".threads li", has_text="Behind other windows")
    other.goto("/")
    expect(line).to_have_class("is-new")
    page.evaluate(SHOWN, "visible")
    other.reload()
    expect(line).not_to_have_class("is-new")


def test_a_thread_is_opened_once_however_often_it_is_asked_for(
    context: BrowserContext, api: Api
) -> None:
    page = context.new_page()

    def lose(route: Route) -> None:
        route.fetch()
        route.abort("connectionreset")

    page.route("**/threads", lose, times=1)
    page.goto("/")
    page.get_by_role("button", name="New thread").click()
    page.get_by_label("What is it about?").fill("Only one of it")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("There is no connection")
    assert violations(page) == []
    picture(page, "thread-not-opened")
    page.locator(".new-thread").evaluate("form => [1, 2].forEach(() => form.requestSubmit())")
    expect(page.get_by_role("heading", level=1)).to_have_text("Only one of it")
    threads = api.call("GET", f"/teams/{api.team()}/threads?limit=200")["items"]
    assert [each["title"] for each in threads].count("Only one of it") == 1


def test_a_reply_being_written_stays_when_a_file_beside_it_was_sent(
    page: Page, api: Api, tmp_path: Path
) -> None:
    letter = tmp_path / "letter.mp4"
    letter.write_text("<html>not a recording</html>")
    page.goto(f"/updates/{api.write(api.open_thread('Replies'), 'Who answers?')}")
    replies = page.get_by_role("region", name="Replies")
    replies.get_by_role("button", name="Reply with an update").click()
    replies.locator("input[type=file]").set_input_files(letter)
    replies.get_by_role("button", name="Write").click()
    words = replies.get_by_label("Your update")
    words.fill("I do, in writing as well.")
    expect(replies.locator("li a")).to_have_count(1)
    expect(words).to_have_value("I do, in writing as well.")
    replies.get_by_role("button", name="Post update").click()
    expect(replies.locator("li a")).to_have_count(2)


def test_what_is_no_recording_is_told_in_a_sentence(page: Page, api: Api, tmp_path: Path) -> None:
    letter = tmp_path / "letter.mp4"
    letter.write_text("<html>not a recording</html>")
    page.goto(f"/threads/{api.open_thread('Letters')}")
    page.locator("input[type=file]").set_input_files(letter)

    expect(page.get_by_text("not a recording we can read")).to_be_visible()


def test_the_number_of_comments_leads_to_them(page: Page, api: Api) -> None:
    thread = api.open_thread("Long and discussed")
    update = api.write(thread, "The crane, again and again.\n" * 60)
    api.call("POST", f"/updates/{update}/comments", {"text": "Which one?"})
    page.goto(f"/threads/{thread}")
    page.get_by_role("link", name="1 comment").click()
    heading = page.get_by_role("heading", name="Comments")
    expect(heading).to_be_focused()
    expect(heading).to_be_in_viewport()


#: So often a client that counts its tries would have given up, after more than a minute.
MANY_TRIES = 9


@pytest.mark.parametrize("outage", ["no answer", "a proxy's answer"])
def test_a_file_is_sent_however_long_the_server_was_away(
    context: BrowserContext, api: Api, outage: str
) -> None:
    page = context.new_page()
    page.clock.install()
    thread = api.open_thread(f"Away with {outage}")
    page.goto(f"/threads/{thread}")
    tries: list[str] = []

    def be_away(route: Route) -> None:
        if route.request.method == "POST":
            route.continue_()
            return
        tries.append(route.request.url)
        if outage == "no answer":
            route.abort("connectionrefused")
        else:
            headers = {"Access-Control-Allow-Origin": "*"}
            route.fulfill(status=502, headers=headers, body="<h1>Bad gateway</h1>")

    def is_tried_again() -> bool:
        page.clock.fast_forward(30_000)
        return len(tries) > MANY_TRIES

    def has_arrived() -> bool:
        page.clock.fast_forward(30_000)
        (update,) = api.call("GET", f"/threads/{thread}/updates")["items"]
        return update["recording"]["state"] in ("arrived", "ready")

    page.route("**/files/**", be_away)
    page.locator("input[type=file]").set_input_files(speech_file("en").path)
    expect(page.get_by_text("Interrupted; goes on by itself")).to_be_visible()
    wait_until(is_tried_again, WAIT_MS / 1000)
    page.unroute("**/files/**")
    wait_until(has_arrived, WAIT_MS / 1000)


def test_nothing_that_is_not_ours_is_shown_or_broken(page: Page) -> None:
    missing = "01a20000-0000-7000-8000-000000000000"
    page.goto("/")
    page.evaluate("history.pushState(null, '', '/nowhere'); dispatchEvent(new Event('popstate'))")
    expect(page.get_by_text("This is not here")).to_be_visible()
    # A browser writes every 404 into its console.
    page.route(f"**/api/v1/threads/{missing}*", lambda route: route.fulfill(json={}, status=200))
    page.get_by_role("link", name="To all threads").click()
    expect(page.get_by_role("button", name="New thread")).to_be_visible()


def test_a_session_that_ended_leads_to_sign_in_and_back(browser: Any, site: str) -> None:
    context = browser.new_context(base_url=site)
    page = context.new_page()
    page.goto("/search?q=crane")
    page.wait_for_url("**/sign-in?next=*")
    assert page.locator("input[name=next]").get_attribute("value") == "/search?q=crane"
    assert violations(page) == []
    context.close()


def test_a_page_opened_without_a_network_tries_again_by_itself(context: BrowserContext) -> None:
    page = context.new_page()
    page.route("**/api/v1/me", lambda route: route.abort("internetdisconnected"))
    page.goto("/")
    expect(page.get_by_text("this page tries again by itself")).to_be_visible()
    page.unroute("**/api/v1/me")
    expect(page.get_by_role("button", name="New thread")).to_be_visible()


def test_more_results_that_do_not_come_say_so(context: BrowserContext, api: Api) -> None:
    thread = api.open_thread("Mandolins")
    api.write(thread, "The mandolin is out of tune.")
    wait_until(lambda: api.finds("mandolin", thread), WAIT_MS / 1000)
    page = context.new_page()

    def answer(route: Route) -> None:
        if "cursor=" in route.request.url:
            route.abort("internetdisconnected")
        else:
            route.fulfill(json={**route.fetch().json(), "next_cursor": "further"})

    page.route("**/api/v1/search?*", answer)
    page.goto(f"/search?q=mandolin&thread_id={thread}")
    page.get_by_role("button", name="More results").click()
    expect(page.get_by_text("There is no connection")).to_be_visible()


def test_a_thread_loads_little_before_somebody_plays(page: Page, api: Api) -> None:
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    page.goto(f"/threads/{api.open_thread('Weight')}")
    expect(page.get_by_text("Nothing here yet")).to_be_visible()

    names = {url.rsplit("/", 1)[1] for url in loaded if "/assets/" in url}
    files = [PAGE / "dist/assets" / name for name in names]
    total = sum(len(gzip.compress(file.read_bytes(), 9)) for file in files)
    assert total < 50_000, f"{total} bytes in {sorted(names)}"


def test_a_part_of_the_page_that_is_gone_says_to_reload(
    context: BrowserContext, api: Api, spoken: str
) -> None:
    page = context.new_page()
    missing = {"code": "asset-missing", "status": 404}
    page.route(
        re.compile(r"/assets/(Player|Settings|Studio)-"),
        lambda route: route.fulfill(status=404, json=missing),
    )
    for address in (f"/updates/{spoken}", "/settings"):
        page.goto(address)
        expect(page.get_by_text("A part of this page did not load")).to_be_visible()
        expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.goto(f"/threads/{api.open_thread('Older than the server')}")
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_text("A part of this page did not load")).to_be_visible()
