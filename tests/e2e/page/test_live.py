"""The open page is a snapshot plus events: whatever others do, it ends where a fresh one begins."""

import random
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from shared.contracts import messages as m
from tests.e2e.page.conftest import WAIT_MS, Api
from tests.support.media_samples import silent_opus
from tests.support.stack import Stack, wait_until
from tests.support.told import sent_recording, sentence_of, tell

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
expect.set_options(timeout=WAIT_MS)

SAID = "We ship the marmalade on Friday and then the harbour sleeps."
ACTIONS = 20
#: What a page says, without what depends on when it was opened.
TEXT = """() => {
  const shown = document.querySelector("main").cloneNode(true);
  for (const each of shown.querySelectorAll("time, .new-mark, .composer, .loading")) each.remove();
  return shown.textContent.replace(/\\s+/g, " ");
}"""


class Others:
    """Somebody with another program, who does one thing after another in a thread."""

    def __init__(self, api: Api, thread: str, spoken: str, chance: random.Random) -> None:
        self.api = api
        self.thread = thread
        self.spoken = spoken
        self.chance = chance
        self.updates: list[str] = []
        self.comments: list[str] = []
        self.corrections: list[str] = []

    def act(self) -> None:
        """Do something that can be done now."""
        acts: list[Callable[[], object]] = [
            self.write,
            self.comment,
            self.comment,
            self.correct,
            self.rename_thread,
            self.conclude_or_reopen,
            lambda: self.retitle(self.spoken),
        ]
        if self.updates:
            acts += [self.remove_update, lambda: self.retitle(self.chance.choice(self.updates))]
        if self.comments:
            acts += [self.reply, self.reword, self.remove_comment]
        if self.corrections:
            acts += [self.withdraw]
        self.chance.choice(acts)()

    def write(self) -> None:
        self.updates.append(self.api.write(self.thread, f"Crane {self._number()} is back."))

    def remove_update(self) -> None:
        self.api.call("DELETE", f"/updates/{self._taken(self.updates)}")

    def retitle(self, update: str) -> None:
        path = f"/updates/{update}"
        self.api.change(path, {"title": f"Title {self._number()}"})

    def comment(self, parent: str | None = None) -> None:
        body = {"text": f"Comment {self._number()}", "parent_id": parent}
        self.comments.append(
            str(self.api.call("POST", f"/updates/{self.spoken}/comments", body)["id"])
        )

    def reply(self) -> None:
        self.comment(self.chance.choice(self.comments))

    def reword(self) -> None:
        path = f"/comments/{self.chance.choice(self.comments)}"
        self.api.change(path, {"text": f"Reworded {self._number()}"})

    def remove_comment(self) -> None:
        self.api.call("DELETE", f"/comments/{self._taken(self.comments)}")

    def correct(self) -> None:
        path = f"/updates/{self.spoken}"
        segments = self.api.call("GET", f"{path}/transcript")["segments"]
        word = self.chance.choice([word for segment in segments for word in segment["words"]])
        body = {
            "start_ms": round(word["start"] * 1000),
            "end_ms": round(word["end"] * 1000),
            "original": word["word"].strip(),
            "replacement": f"word{self._number()}",
        }
        self.corrections.append(str(self.api.call("POST", f"{path}/corrections", body)["id"]))

    def withdraw(self) -> None:
        self.api.call("DELETE", f"/corrections/{self._taken(self.corrections)}")

    def rename_thread(self) -> None:
        self.api.change(f"/threads/{self.thread}", {"title": f"Thread {self._number()}"})

    def conclude_or_reopen(self) -> None:
        is_open = self.api.call("GET", f"/threads/{self.thread}")["concluded_at"] is None
        change = {"concluded": is_open, "conclusion": "All is well" if is_open else None}
        self.api.change(f"/threads/{self.thread}", change)

    def _number(self) -> int:
        return self.chance.randrange(1_000_000)

    def _taken(self, ids: list[str]) -> str:
        return ids.pop(self.chance.randrange(len(ids)))


@pytest.fixture(scope="module")
def silence(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return silent_opus(tmp_path_factory.mktemp("silence") / "silence.ogg", 30)


@pytest.fixture
def spoken(stack: Stack, api: Api, silence: Any) -> Any:
    """Give an update of a thread of its own, with words to correct."""
    update = sent_recording(stack, silence, api.open_thread("Thread"))
    place = m.UpdateFact(
        team_id=update["team_id"], thread_id=update["thread_id"], update_id=update["id"]
    )
    sentence = sentence_of(0, SAID, start_ms=0)
    tell(stack, place, UUID(update["recording"]["id"]), [sentence])
    return update


@pytest.mark.parametrize("history", [1, 2])
def test_any_history_leaves_the_open_page_as_a_fresh_one(
    context: BrowserContext, api: Api, spoken: Any, history: int
) -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    print(f"history {history} is that of seed {seed}")
    thread, update = spoken["thread_id"], spoken["id"]
    addresses = (f"/threads/{thread}", f"/updates/{update}")
    opened = [context.new_page() for _ in addresses]
    for page, address in zip(opened, addresses, strict=True):
        page.goto(address)
        expect(page.locator("h1")).to_be_visible()
    expect(opened[1].locator(".transcript")).to_contain_text("marmalade")

    others = Others(api, thread, update, random.Random(seed))  # noqa: S311 - a history, no secret
    for _ in range(ACTIONS):
        others.act()

    for page, address in zip(opened, addresses, strict=True):
        fresh = context.new_page()
        fresh.goto(address)
        expect(fresh.locator("h1")).to_be_visible()
        wait_until(lambda: same(page, fresh), WAIT_MS / 1000)  # noqa: B023 - called at once
        fresh.close()


def same(page: Page, fresh: Page) -> bool:
    return bool(page.evaluate(TEXT) == fresh.evaluate(TEXT))


def test_what_one_does_the_other_sees(context: BrowserContext, spoken: Any) -> None:
    """Print how long it took; the machine decides, so it is not judged."""
    update = spoken["id"]
    writer, reader = context.new_page(), context.new_page()
    for page in (writer, reader):
        page.goto(f"/updates/{update}")
        expect(page.locator(".transcript")).to_contain_text("marmalade")
    seconds = []
    for number in range(5):
        writer.get_by_label("Write a comment").fill(f"Number {number}")
        began = time.monotonic()
        writer.get_by_role("button", name="Post", exact=True).click()
        expect(reader.get_by_text(f"Number {number}")).to_be_visible()
        seconds.append(time.monotonic() - began)
    print("seconds until the other sees a comment:", [round(each, 2) for each in seconds])


#: Keeps every stream of events, to see which are open.
KEEP_STREAMS = """
globalThis.streams = [];
globalThis.EventSource = class extends EventSource {
  constructor(address) {
    super(address);
    streams.push(this);
  }
};
"""
OPEN_STREAMS = "streams.filter((each) => each.readyState !== EventSource.CLOSED).length"


def test_a_network_that_comes_back_three_times_leaves_one_stream(context: BrowserContext) -> None:
    page = context.new_page()
    page.add_init_script(KEEP_STREAMS)
    page.goto("/")
    page.wait_for_function("() => streams.at(-1)?.readyState === EventSource.OPEN")
    asked: list[str] = []
    page.on("requestfinished", lambda request: asked.append(request.url))
    page.evaluate("for (const _ of [1, 2, 3]) dispatchEvent(new Event('online'))")
    wait_until(
        lambda: page.evaluate("true") and sum("after=newest" in url for url in asked) == 3,
        WAIT_MS / 1000,
    )
    page.wait_for_function("() => streams.at(-1).readyState === EventSource.OPEN")
    assert page.evaluate(OPEN_STREAMS) == 1
