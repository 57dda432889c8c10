"""Reading and correcting in a real browser, on words that are known beforehand."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from shared.contracts import messages as m
from shared.contracts.summary import Evidence, Statement, StatementKind
from tests.e2e.page.conftest import WAIT_MS, Api, click_word, picture, violations
from tests.support.media_samples import browser_webm, silent_opus
from tests.support.stack import Stack
from tests.support.told import sent_recording, sentence_of, tell

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
expect.set_options(timeout=WAIT_MS)

LENGTH_S = 240
SEGMENTS = (
    sentence_of(0, "We ship the marmalade on Friday, said the open-minded captain.", start_ms=0),
    sentence_of(1, "Anna tells the harbour.", start_ms=30_000, speaker="Anna", confidence=0.3),
    sentence_of(2, "Danach reden wir über die Kosten.", start_ms=60_000, language="de"),
    sentence_of(3, "Then all of them went home.", start_ms=200_000),
)
CHAPTERS = tuple(
    Statement(
        kind=StatementKind.CHAPTER,
        text=title,
        evidence=(
            Evidence(
                segment_ids=(segment.id,),
                start_ms=segment.start_ms,
                end_ms=segment.end_ms,
                quote=segment.text,
            ),
        ),
    )
    for title, segment in (("The marmalade", SEGMENTS[0]), ("What it costs", SEGMENTS[2]))
)
MEDIA = "document.querySelector('audio, video')"
HAS_MEDIA = f"() => {MEDIA}?.readyState > 0"


def place_of(update: Any) -> m.UpdateFact:
    return m.UpdateFact(
        team_id=update["team_id"], thread_id=update["thread_id"], update_id=update["id"]
    )


@pytest.fixture(scope="module")
def recording(stack: Stack, api: Api, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Send a long silence, and tell the house what was said in it."""
    path = silent_opus(tmp_path_factory.mktemp("silence") / "silence.ogg", LENGTH_S)
    update = sent_recording(stack, path, api.open_thread("Captain's log"))
    tell(stack, place_of(update), UUID(update["recording"]["id"]), SEGMENTS, CHAPTERS)
    return update


@pytest.fixture
def told(recording: Any, api: Api) -> Iterator[str]:
    """Give an update with known words, which nobody has corrected."""
    update = str(recording["id"])
    yield update
    for correction in api.call("GET", f"/updates/{update}/corrections")["items"]:
        api.call("DELETE", f"/corrections/{correction['id']}")


def captions(page: Page, update: str) -> str:
    return page.request.get(f"/api/v1/updates/{update}/transcript?format=vtt").text()


def test_a_corrected_word_reaches_every_reader_and_can_be_taken_back(
    page: Page, context: BrowserContext, told: str
) -> None:
    other = context.new_page()
    for reader in (page, other):
        reader.goto(f"/updates/{told}")
        expect(reader.locator(".transcript")).to_contain_text("the marmalade on")

    click_word(page, "marmalade", times=2)
    area = page.get_by_label("Correct the words", exact=True)
    expect(area).to_be_focused()
    assert area.evaluate("a => a.value.slice(a.selectionStart, a.selectionEnd)") == "marmalade"
    assert violations(page) == []
    picture(page, "correcting")
    page.keyboard.type("Marmolada pamphlet")
    page.keyboard.press("Enter")

    for reader in (page, other):
        expect(reader.locator(".corrected")).to_have_text(["Marmolada", "pamphlet"])
        expect(reader.locator(".corrected").first).to_have_attribute(
            "title", re.compile("Heard as “marmalade”, corrected by .+")
        )
    assert "Marmolada pamphlet" in captions(page, told)
    assert violations(page) == []
    picture(page, "corrected")

    page.locator(".corrected").first.dblclick()
    expect(page.get_by_text("Heard as “marmalade”")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    for reader in (page, other):
        expect(reader.locator(".transcript")).to_contain_text("the marmalade on")
        expect(reader.locator(".corrected")).to_have_count(0)
    assert "marmalade" in captions(page, told)


def test_only_what_was_changed_is_corrected_with_the_keyboard_alone(
    page: Page, told: str, api: Api
) -> None:
    page.goto(f"/updates/{told}?t=30")
    page.wait_for_function(HAS_MEDIA)
    expect(page.locator(".transcript")).to_contain_text("Anna tells")
    page.keyboard.press("e")
    area = page.get_by_label("Correct the words", exact=True)
    expect(area).to_have_value("Anna tells the harbour.")
    expect(area).to_be_focused()
    page.keyboard.press("Escape")
    expect(area).to_have_count(0)

    page.get_by_role("button", name="Correct the words, 0:00").press("Enter")
    expect(area).to_be_focused()
    area.fill("We shipped marmalade on Friday, said the quite open-minded skipper.")
    page.keyboard.press("Control+s")

    expect(page.locator(".transcript")).to_contain_text("the quite open-minded skipper.")
    made = api.call("GET", f"/updates/{told}/corrections")["items"]
    assert [(each["original"], each["replacement"]) for each in made] == [
        ("ship the", "shipped"),
        ("the", "the quite"),
        ("captain.", "skipper."),
    ]


def test_words_that_others_changed_meanwhile_are_not_overwritten(
    page: Page, told: str, api: Api
) -> None:
    page.goto(f"/updates/{told}")
    click_word(page, "marmalade", times=2)
    body = {"start_ms": 1_200, "end_ms": 1_560, "original": "marmalade", "replacement": "mermaid"}
    api.call("POST", f"/updates/{told}/corrections", body)
    expect(page.get_by_text("Heard as “marmalade”")).to_be_visible()
    expect(page.get_by_label("Correct the words", exact=True)).to_be_focused()
    page.on("console", lambda _: None)
    page.keyboard.type("Marmolada")
    with page.expect_response("**/corrections") as refused:
        page.keyboard.press("Enter")

    assert refused.value.status == 409
    expect(page.get_by_role("alert")).to_contain_text("Somebody changed these words")
    page.keyboard.press("Escape")
    expect(page.locator(".corrected")).to_have_text(["mermaid"])


def test_a_correction_of_several_places_is_saved_again_after_one_failed(
    context: BrowserContext, told: str, api: Api
) -> None:
    page = context.new_page()
    page.goto(f"/updates/{told}")
    page.get_by_role("button", name="Correct the words, 0:00").press("Enter")
    area = page.get_by_label("Correct the words", exact=True)
    area.fill(" ")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("at least one word")

    area.fill("We ship the mermaid on Friday, said the open-minded skipper.")
    sent: list[Route] = []

    def fail_second(route: Route) -> None:
        sent.append(route)
        if len(sent) == 2:
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/corrections", fail_second)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("There is no connection")
    expect(page.get_by_text("Heard as “marmalade”")).to_be_visible()
    area.press("Enter")
    expect(page.locator(".corrected")).to_have_text(["mermaid", "skipper."])
    made = api.call("GET", f"/updates/{told}/corrections")["items"]
    assert [each["replacement"] for each in made] == ["mermaid", "skipper."]


def test_words_travel_compressed(page: Page, told: str) -> None:
    with page.expect_response("**/transcript") as words:
        page.goto(f"/updates/{told}")
    assert words.value.header_value("content-encoding") in ("gzip", "deflate")
    expect(page.locator(".transcript")).to_contain_text("marmalade")


def test_silence_is_skipped_on_request_and_so_next_time(page: Page, told: str) -> None:
    page.goto(f"/updates/{told}")
    page.wait_for_function(HAS_MEDIA)
    button = page.get_by_role("button", name="Skip silence")
    expect(button).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("s")
    expect(button).to_have_attribute("aria-pressed", "true")
    assert violations(page) == []

    click_word(page, "captain")
    page.wait_for_function(f"() => {MEDIA}.currentTime >= 29")
    page.reload()
    expect(button).to_have_attribute("aria-pressed", "true")


def test_playing_goes_on_with_another_address_when_the_old_one_has_run_out(
    page: Page, told: str
) -> None:
    page.goto(f"/updates/{told}")
    page.wait_for_function(HAS_MEDIA)
    page.evaluate(f"{MEDIA}.currentTime = 100")
    page.keyboard.press("k")
    page.wait_for_function(f"() => {MEDIA}.currentTime > 100.2")
    address = page.evaluate(f"{MEDIA}.src")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(f"**/api/v1/updates/{told}", hold, times=1)
    with page.expect_request(f"**/api/v1/updates/{told}"):
        asked_ms = page.evaluate(f"{MEDIA}.dispatchEvent(new Event('error')), performance.now()")
    # The answer takes longer than anybody would wait for it.
    page.wait_for_function("asked => performance.now() - asked > 1000", arg=asked_ms)
    held.pop().continue_()

    page.wait_for_function(
        f"""old => {MEDIA}.src !== old && {MEDIA}.currentTime > 100.2 && !{MEDIA}.paused""",
        arg=address,
    )


def test_playing_goes_on_when_the_sound_gets_its_picture(
    page: Page, stack: Stack, api: Api, tmp_path: Path
) -> None:
    clip = browser_webm(tmp_path / "clip.webm", 20)
    update = sent_recording(stack, clip, api.open_thread("First heard, then seen"))["id"]
    shown = {"audio"}

    def answer(route: Route) -> None:
        told = route.fetch().json()
        media = told["recording"]["media"]
        told["recording"]["media"] = [each for each in media if each["kind"] in shown]
        route.fulfill(json=told)

    page.route(f"**/api/v1/updates/{update}", answer)
    page.goto(f"/updates/{update}?t=5")
    page.wait_for_function("() => document.querySelector('audio')?.currentTime === 5")
    page.keyboard.press("k")
    page.wait_for_function("() => document.querySelector('audio').currentTime > 5")
    shown.update(("video", "poster"))
    api.change(f"/updates/{update}", {"title": "Now with its picture"})

    page.wait_for_function(
        """() => {
          const video = document.querySelector("video");
          return video?.currentTime > 5 && !video.paused;
        }"""
    )


def test_a_word_clicked_while_the_player_loads_is_where_it_plays(page: Page, told: str) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/media/**", hold)
    page.goto(f"/updates/{told}?t=200")
    page.wait_for_function(f"() => {MEDIA} !== null")
    click_word(page, "harbour")
    while held:
        held.pop().continue_()
    page.unroute("**/media/**")

    # Where it was told to begin is 31.2, and it plays on.
    page.wait_for_function(f"() => {MEDIA}.currentTime > 31.5 && {MEDIA}.currentTime < 60")


def test_chapters_are_there_for_the_player_and_the_reader(page: Page, told: str) -> None:
    page.goto(f"/updates/{told}")
    page.wait_for_function(HAS_MEDIA)
    page.wait_for_function(
        f"""() => [...({MEDIA}?.textTracks ?? [])].find(track => track.kind === "chapters")
            ?.cues?.length === 2"""
    )
    cues = page.evaluate(
        f"""() => [...[...{MEDIA}.textTracks].find(track => track.kind === "chapters").cues]
            .map(cue => [cue.startTime, cue.endTime, cue.text])"""
    )
    length_s = page.evaluate(f"{MEDIA}.duration")
    assert cues[0] == [0, 60, "The marmalade"]
    assert cues[1][0] == 60
    assert cues[1][1] == pytest.approx(length_s, abs=1)
    expect(page.get_by_role("heading", name="Chapters")).to_be_visible()


def test_speaker_and_other_languages_are_named(page: Page, told: str) -> None:
    page.goto(f"/updates/{told}")
    german = page.locator(".paragraph[lang=de]")
    expect(german.locator(".speaker")).to_have_text("German")
    expect(page.locator(".speaker strong")).to_have_text(["Anna"])
    expect(page.locator(".byline").first).to_contain_text("4 min to listen")
    expect(page.locator(".byline").first).to_contain_text("5 s to read")
    expect(page.locator(".doubtful").first).to_have_text("Anna")
    picture(page, "speaker-and-language")


def test_every_key_does_what_the_list_says(page: Page, told: str, api: Api) -> None:
    page.goto(f"/updates/{told}")
    page.wait_for_function(HAS_MEDIA)
    page.evaluate(f"{MEDIA}.currentTime = 100")

    def becomes(condition: str) -> None:
        page.wait_for_function(f"() => {{ const media = {MEDIA}; return {condition}; }}")

    for key, condition in (
        ("ArrowRight", "media.currentTime === 105"),
        ("ArrowLeft", "media.currentTime === 100"),
        ("l", "media.currentTime === 110"),
        ("j", "media.currentTime === 100"),
        ("5", "Math.abs(media.currentTime - media.duration / 2) < 0.1"),
        (">", "media.playbackRate === 1.25"),
        ("<", "media.playbackRate === 1"),
        ("m", "media.muted"),
        ("m", "!media.muted"),
        ("k", "!media.paused"),
        ("k", "media.paused"),
        ("Space", "!media.paused"),
        ("Space", "media.paused"),
    ):
        page.keyboard.press(key)
        becomes(condition)
    expect(page.locator(".transcript")).to_contain_text("marmalade")
    page.keyboard.press("t")
    expect(page.get_by_role("heading", name="Transcript")).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Find in this transcript")).to_be_focused()
    page.locator("h1").click()
    following = api.write(str(api.call("GET", f"/updates/{told}")["thread_id"]), "And then.")
    page.keyboard.press("n")
    page.wait_for_url(f"**/updates/{following}")
