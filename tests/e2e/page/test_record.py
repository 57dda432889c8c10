"""The studio: people record in a real browser, and nothing they said is lost."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.e2e.page.conftest import WAIT_MS, WORDS_MS, Api, picture, violations
from tests.support.speech import speech_file
from tests.support.stack import Stack, wait_until
from tests.support.told import expire

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
expect.set_options(timeout=WAIT_MS)

#: What may lie between the time shown and the time recorded.
SLACK_S = 1.5
PLAYED = "() => document.querySelector('audio, video')?.currentTime > 0"
STOP = """button => {
  const shown = document.querySelector(".record-time").textContent;
  button.click();
  return shown;
}"""
PIECES = """async () => {
  const open = indexedDB.open("tidings");
  await new Promise((resolve) => { open.onsuccess = resolve; });
  const all = open.result.transaction("pieces").objectStore("pieces").getAllKeys();
  await new Promise((resolve) => { all.onsuccess = resolve; });
  open.result.close();
  return all.result.length;
}"""


@pytest.fixture
def cut_page(context: BrowserContext) -> Iterator[Page]:
    """Give a page whose browser may complain, as it does without a network."""
    page = context.new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    yield page
    page.close()


def record(page: Page, mode: str, *, opened_by: str = "Record") -> None:
    """Go into the studio and begin without waiting for the count."""
    page.get_by_role("button", name=opened_by, exact=True).click()
    page.get_by_role("radio", name=mode, exact=True).check()
    if "Screen" in mode:
        page.get_by_role("button", name="Choose what to share").click()
    begin_now(page)


def begin_now(page: Page) -> None:
    page.get_by_role("button", name="Start recording").click()
    begun = page.get_by_role("button", name="Stop and post")
    expect(page.get_by_role("button", name="Start now").or_(begun)).to_be_visible()
    # On a slow machine the count may have come to its end by itself.
    page.evaluate("document.querySelector('.countdown button')?.click()")
    expect(begun).to_be_visible()


def wait_recorded(page: Page, seconds: int) -> None:
    page.wait_for_function(
        "s => { const shown = document.querySelector('.record-time')?.textContent ?? '0:0';"
        " const [m, n] = shown.split(':');"
        " return m * 60 + +n >= s; }",
        arg=seconds,
        timeout=(seconds + 30) * 1000,
    )


def shown_s(page: Page) -> int:
    minutes, seconds = page.locator(".record-time").inner_text().split(":")
    return int(minutes) * 60 + int(seconds)


def stop(page: Page) -> int:
    """Post it; return the seconds it said to have recorded."""
    # Both at once: between two steps of a test a slow machine would record on.
    shown = page.get_by_role("button", name="Stop and post").evaluate(STOP)
    minutes, seconds = shown.split(":")
    return int(minutes) * 60 + int(seconds)


def ready_update(api: Api, thread: str, *, is_said: bool = True) -> Any:
    """Wait for the thread's only update to be playable, and in words."""
    found: list[Any] = []

    def is_there() -> bool:
        found[:] = api.call("GET", f"/threads/{thread}/updates")["items"]
        return bool(
            len(found) == 1
            and found[0]["recording"]["state"] == "ready"
            and (found[0]["transcript"]["state"] == "complete" or not is_said)
        )

    wait_until(is_there, WORDS_MS / 1000)
    return found[0]


def assert_whole(api: Api, update: Any, seconds: float) -> None:
    """As long as what was recorded, and with the words of the source as often as they were said."""
    assert update["recording"]["duration_ms"] / 1000 >= seconds - SLACK_S
    source = speech_file("en")
    said = words_of(api, update)
    expected = seconds / source.seconds * len((source.text or "").split())
    assert len(said) >= 0.6 * expected, (len(said), expected)


def words_of(api: Api, update: Any) -> list[str]:
    segments = api.call("GET", f"/updates/{update['id']}/transcript")["segments"]
    return re.findall(r"\w+", " ".join(part["text"] for part in segments).lower())


def test_from_the_first_word_to_a_spoken_reply(page: Page, api: Api) -> None:
    thread = api.open_thread("Spoken here")
    page.goto(f"/threads/{thread}")
    page.get_by_role("button", name="Record", exact=True).click()
    page.get_by_role("radio", name="Voice only").check()
    expect(page.get_by_role("button", name="Start recording")).to_be_enabled()
    assert violations(page) == []
    picture(page, "record-1-setup")
    page.get_by_role("button", name="Start recording").click()
    expect(page.locator(".countdown, .record-time").first).to_be_visible()
    assert violations(page) == []
    picture(page, "record-2-countdown")

    words = page.locator(".live-text")
    expect(words).to_be_visible(timeout=WORDS_MS)
    heard_s = shown_s(page)
    picture(page, "record-3-captions")
    assert violations(page) == []
    wait_recorded(page, 8)
    stop(page)
    stopped = time.monotonic()

    card = page.locator("article")
    expect(card).to_have_count(1)
    picture(page, "record-4-posted")
    update = ready_update(api, thread)
    print(f"first words after {heard_s} s, Stop to text {time.monotonic() - stopped:.1f} s")
    expect(card.get_by_role("button", name="Play")).to_be_visible()
    expect(card.locator(".state")).to_have_count(0)
    card.locator("h2 a").click()
    expect(page.locator(".transcript p").first).to_be_visible()
    picture(page, "record-5-update")

    # The source repeats itself from anywhere in it, so the word comes from what was heard.
    word = max(words_of(api, update), key=len)
    wait_until(lambda: api.finds(word, thread), WAIT_MS / 1000)
    page.goto(f"/search?q={word}&thread_id={thread}")
    hit = page.locator(".hit", has=page.locator(f'a[href*="{update["id"]}"]')).first
    hit.locator(".chip").click()
    page.wait_for_function(PLAYED)
    picture(page, "record-6-found")

    page.goto(f"/updates/{update['id']}")
    page.get_by_role("region", name="Replies").get_by_role(
        "button", name="Reply with an update"
    ).click()
    record(page, "Voice only")
    wait_recorded(page, 3)
    stop(page)
    reply = page.get_by_role("region", name="Replies").locator("li a")
    expect(reply).to_have_count(1)
    picture(page, "record-7-replied")
    assert violations(page) == []
    reply.click()
    back = page.locator(".replied a")
    expect(back).to_have_attribute("href", f"/updates/{update['id']}")
    back.click()
    expect(page).to_have_url(re.compile(update["id"]))


def test_a_network_cut_for_20_seconds_and_a_killed_upload_service_cost_nothing(
    cut_page: Page, context: BrowserContext, api: Api, stack: Stack
) -> None:
    page = cut_page
    thread = api.open_thread("Cut off")
    page.goto(f"/threads/{thread}")
    record(page, "Voice only")
    wait_recorded(page, 3)
    old = stack.kill("upload")
    stack.wait_restarted("upload", old)
    context.set_offline(True)
    cut_at = shown_s(page)
    expect(page.get_by_text("The connection is gone")).to_be_visible()
    picture(page, "record-offline")
    assert violations(page) == []
    wait_recorded(page, cut_at + 20)
    context.set_offline(False)
    expect(page.get_by_text("It is sent while you speak")).to_be_visible()
    seconds = stop(page)

    assert_whole(api, ready_update(api, thread), seconds)


def test_a_reload_finds_the_recording_again_with_all_that_was_not_sent(
    cut_page: Page, api: Api
) -> None:
    page = cut_page
    thread = api.open_thread("Reloaded")
    page.goto(f"/threads/{thread}")
    record(page, "Voice only")
    wait_recorded(page, 2)
    page.route("**/files/**", cut)
    wait_recorded(page, 9)
    seconds = shown_s(page)
    page.unroute("**/files/**", cut)
    page.goto("/search")

    expect(page.get_by_text("It is complete up to there, and posted")).to_be_visible()
    picture(page, "record-rescued")
    assert violations(page) == []
    assert_whole(api, ready_update(api, thread), seconds)
    wait_until(lambda: page.evaluate(PIECES) == 0, WAIT_MS / 1000)
    page.get_by_role("link", name="Open it").click()
    expect(page.locator(".transcript p").first).to_be_visible()


def cut(route: Route) -> None:
    route.abort("connectionreset")


def test_another_window_leaves_a_recording_alone_and_finishes_it_after_a_crash(
    cut_page: Page, context: BrowserContext, api: Api
) -> None:
    page = cut_page
    thread = api.open_thread("Crashed")
    page.goto(f"/threads/{thread}")
    record(page, "Voice only")
    wait_recorded(page, 2)
    page.route("**/files/**", cut)
    other = context.new_page()
    other.goto("/")
    expect(other.get_by_role("button", name="New thread")).to_be_visible()
    wait_recorded(page, 6)
    expect(other.get_by_text("was interrupted")).to_have_count(0)
    seconds = shown_s(page)
    page.close(run_before_unload=False)

    expect(other.get_by_text("It is complete up to there, and posted")).to_be_visible()
    assert_whole(api, ready_update(api, thread), seconds)
    other.get_by_role("button", name="Close").click()
    expect(other.get_by_text("was interrupted")).to_have_count(0)


def crash_unsent(page: Page, api: Api, thread: str) -> tuple[Any, int]:
    """Record while nothing gets through, and lose the window; return the update and seconds."""
    page.goto(f"/threads/{thread}")
    page.route("**/files/**", cut)
    record(page, "Voice only")
    wait_recorded(page, 5)
    seconds = shown_s(page)
    (update,) = api.call("GET", f"/threads/{thread}/updates")["items"]
    page.close(run_before_unload=False)
    return update, seconds


def test_a_recording_that_came_too_late_is_posted_anew_from_what_is_kept(
    cut_page: Page, context: BrowserContext, api: Api, stack: Stack
) -> None:
    thread = api.open_thread("Offline over the weekend")
    left, seconds = crash_unsent(cut_page, api, thread)
    expire(stack, left)
    page = context.new_page()
    page.goto("/")

    expect(page.get_by_text("It is complete up to there, and posted")).to_be_visible()
    api.call("DELETE", f"/updates/{left['id']}")
    update = ready_update(api, thread)
    assert_whole(api, update, seconds)
    expect(page.get_by_role("link", name="Open it")).to_have_attribute(
        "href", f"/updates/{update['id']}"
    )


def test_a_recording_nobody_takes_any_more_can_be_saved_before_it_is_forgotten(
    cut_page: Page, context: BrowserContext, api: Api
) -> None:
    left, _ = crash_unsent(cut_page, api, api.open_thread("Removed meanwhile"))
    api.call("DELETE", f"/updates/{left['id']}")
    page = context.new_page()
    page.goto("/")

    expect(page.get_by_text("could not be posted. The update is gone")).to_be_visible()
    assert violations(page) == []
    picture(page, "record-refused")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save it as a file").click()
    assert saved.value.suggested_filename.endswith(".webm")
    assert saved.value.path().stat().st_size > 1_000
    assert page.evaluate(PIECES) > 0
    page.get_by_role("button", name="Forget it").click()
    wait_until(lambda: page.evaluate(PIECES) == 0, WAIT_MS / 1000)


def test_a_recording_of_which_the_server_lost_the_beginning_says_so(
    cut_page: Page, context: BrowserContext, api: Api, stack: Stack
) -> None:
    page = cut_page
    thread = api.open_thread("Half of it sent")
    page.goto(f"/threads/{thread}")
    record(page, "Voice only")
    wait_recorded(page, 4)
    page.route("**/files/**", cut)
    wait_recorded(page, 6)
    (left,) = api.call("GET", f"/threads/{thread}/updates")["items"]
    page.close(run_before_unload=False)
    expire(stack, left)
    page = context.new_page()
    page.goto("/")

    expect(page.get_by_text("could not be posted. The server waited")).to_be_visible()
    expect(page.get_by_role("button", name="Save it as a file")).to_have_count(0)
    assert page.evaluate(PIECES) > 0
    page.get_by_role("button", name="Forget it").click()
    wait_until(lambda: page.evaluate(PIECES) == 0, WAIT_MS / 1000)


def test_a_recording_goes_on_when_the_disk_is_full(
    page: Page, context: BrowserContext, api: Api, site: str
) -> None:
    thread = api.open_thread("Full disk")
    page.goto(f"/threads/{thread}")
    disk = context.new_cdp_session(page)
    disk.send("Storage.overrideQuotaForOrigin", {"origin": site, "quotaSize": 1})
    record(page, "Voice only")
    expect(page.get_by_text("The disk is full")).to_be_visible()
    picture(page, "record-full")
    wait_recorded(page, 5)
    seconds = stop(page)

    assert_whole(api, ready_update(api, thread), seconds)


@pytest.mark.parametrize("mode", ["Camera", "Screen", "Screen and camera"])
def test_a_video_is_as_long_as_it_was_recorded_without_its_pause(
    page: Page, api: Api, mode: str
) -> None:
    thread = api.open_thread(mode)
    page.goto(f"/threads/{thread}")
    record(page, mode)
    picture(page, f"record-{mode}")
    wait_recorded(page, 2)
    page.get_by_role("button", name="Pause").click()
    paused = time.monotonic()
    expect(page.get_by_role("status").get_by_text("Paused")).to_be_visible()
    assert violations(page) == []
    wait_until(lambda: time.monotonic() - paused > 3, 10)
    page.get_by_role("button", name="Resume").click()
    wait_recorded(page, 4)
    seconds = stop(page)

    update = ready_update(api, thread, is_said=False)
    assert update["recording"]["has_video"]
    length = update["recording"]["duration_ms"] / 1000
    assert seconds - SLACK_S <= length <= seconds + SLACK_S + 1
    page.locator("article .poster").click()
    page.wait_for_function(PLAYED)
    picture(page, f"record-{mode}-played")


def test_what_is_redone_or_discarded_leaves_nothing(page: Page, api: Api) -> None:
    thread = api.open_thread("Never mind")
    page.goto(f"/threads/{thread}")
    record(page, "Voice only")
    wait_recorded(page, 1)
    page.get_by_role("button", name="Start over").click()
    begin_now(page)
    wait_recorded(page, 1)
    page.get_by_role("button", name="Discard").click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text("Nothing here yet")).to_be_visible()
    wait_until(lambda: not api.call("GET", f"/threads/{thread}/updates")["items"], WAIT_MS / 1000)
    wait_until(lambda: page.evaluate(PIECES) == 0, WAIT_MS / 1000)


def test_what_cannot_be_discarded_says_so_in_the_studio(
    cut_page: Page, context: BrowserContext, api: Api
) -> None:
    page = cut_page
    thread = api.open_thread("Cannot take it back")
    page.goto(f"/threads/{thread}")
    record(page, "Voice only")
    wait_recorded(page, 2)
    context.set_offline(True)
    page.get_by_role("button", name="Discard").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_contain_text("There is no connection")
    assert violations(page) == []
    picture(page, "record-not-discarded")
    context.set_offline(False)

    # Whoever removed it elsewhere has discarded it.
    (update,) = api.call("GET", f"/threads/{thread}/updates")["items"]
    api.call("DELETE", f"/updates/{update['id']}")
    page.get_by_role("button", name="Discard").click()
    expect(dialog).to_have_count(0)


def test_a_studio_that_records_stays_whatever_asks_it_to_close(page: Page, api: Api) -> None:
    page.goto(f"/threads/{api.open_thread('Escape')}")
    record(page, "Voice only")
    for _ in range(3):
        page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_visible()
    # As Android's way back does.
    page.evaluate("document.querySelector('dialog').close()")
    expect(page.get_by_role("dialog")).to_be_visible()
    wait_recorded(page, 2)
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


#: Remembers which devices the browser gave.
REMEMBER = """(() => {
  const ask = MediaDevices.prototype.getUserMedia;
  globalThis.given = [];
  MediaDevices.prototype.getUserMedia = async function (wanted) {
    const stream = await ask.call(this, wanted);
    given.push(...stream.getTracks());
    return stream;
  };
})()"""
#: What a browser does when somebody pulls them out.
UNPLUG = """() => {
  for (const track of given.filter((each) => each.readyState === "live")) {
    track.stop();
    track.dispatchEvent(new Event("ended"));
  }
}"""


def test_a_microphone_that_goes_away_ends_the_recording_and_says_so(page: Page, api: Api) -> None:
    page.add_init_script(REMEMBER)
    thread = api.open_thread("Unplugged")
    page.goto(f"/threads/{thread}")
    page.get_by_role("button", name="Record", exact=True).click()
    page.get_by_role("radio", name="Voice only").check()
    expect(page.get_by_role("button", name="Start recording")).to_be_enabled()
    page.evaluate(UNPLUG)
    expect(page.get_by_text("No camera or microphone was found")).to_be_visible()

    page.get_by_role("button", name="Try again").click()
    begin_now(page)
    wait_recorded(page, 3)
    page.evaluate(UNPLUG)
    expect(page.get_by_text("The microphone or camera is gone")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    ready_update(api, thread)
