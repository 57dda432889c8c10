"""A real browser on the page of a running Tidings."""

import json
import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from shared.media.settings import ffmpeg_path
from tests.support.speech import REPOSITORY, speech_file
from tests.support.stack import Stack, wait_until

PAGE = REPOSITORY / "services/workspace/page"
AXE = PAGE / "node_modules/axe-core/axe.min.js"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]
WAIT_MS = 30_000
#: Words need a recogniser, which shares the machine with the browser's encoders.
WORDS_MS = 60_000
#: The first words of a transcript may be announced a moment before they can be read; a refusal that
#: a person is told of is written here too. None is a mistake.
EXPECTED = re.compile(
    r"404 \(Not Found\).*/transcript$"
    r"|409 \(Conflict\).*/(corrections$|members/)|422 \(Unprocessable.*/invitations$"
)


@dataclass(frozen=True)
class Api:
    """The owner's programs, to put things into threads."""

    url: str
    token: str

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return self._ask(method, path, body, {})[0]

    def change(self, path: str, body: Any) -> Any:
        """Change what nobody else changed since it was looked at."""
        etag = self._ask("GET", path, None, {})[1]
        return self._ask("PATCH", path, body, {"If-Match": etag})[0]

    def _ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[Any, str]:
        request = urllib.request.Request(  # noqa: S310 - our own stack
            f"{self.url}/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                **headers,
            },
        )
        with urllib.request.urlopen(request, timeout=20) as reply:  # noqa: S310 - likewise
            told = reply.read()
            return json.loads(told) if told else None, reply.headers.get("ETag", "")

    def open_thread(self, title: str) -> str:
        return str(self.call("POST", f"/teams/{self.team()}/threads", {"title": title})["id"])

    def team(self) -> str:
        return str(self.call("GET", "/teams")["items"][0]["id"])

    def finds(self, word: str, thread: str) -> bool:
        """Return whether a search of the thread finds it by now; a page searches once."""
        return bool(self.call("GET", f"/search?q={word}&thread_id={thread}")["items"])

    def newcomer(self, name: str, role: str = "owner") -> dict[str, str]:
        """Let somebody new into the team; return how they sign in."""
        made = self.call("POST", f"/teams/{self.team()}/invitations", {"role": role})
        person = {"email": f"{name.lower()}@example.org", "password": "correct horse"}
        self.call("POST", f"/invitations/{made['token']}/newcomer", {"name": name, **person})
        return person

    def write(self, thread: str, text: str) -> str:
        body = {"kind": "text", "text": text}
        return str(self.call("POST", f"/threads/{thread}/updates", body)["update"]["id"])


@pytest.fixture(scope="session")
def site(stack: Stack) -> str:
    """Return the address people use; uploads allow calls from it."""
    return f"http://localhost:{stack.port}"


@pytest.fixture(scope="session")
def api(stack: Stack) -> Api:
    return Api(stack.url, stack.token)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None and not os.environ.get("CI"):
        pytest.skip("there is no chromium here; install it to run the page's tests")
    assert chromium is not None, "chromium is needed for the page's tests"
    folder = tmp_path_factory.mktemp("browser")
    voice = spoken_wav(folder / "voice.wav")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[*ARGUMENTS, f"--use-file-for-fake-audio-capture={voice}"],
            downloads_path=folder,
        )
        yield browser
        browser.close()


def spoken_wav(path: Path) -> Path:
    """Return real speech as the browser's microphone wants it."""
    command = [ffmpeg_path(), "-v", "error", "-i", speech_file("en").path, "-ar", "48000", path]
    subprocess.run(command, check=True)
    return path


@pytest.fixture(scope="session")
def states() -> list[Any]:
    """Keep the state of a browser that signed in: the link works once, browsers come and go."""
    return []


@pytest.fixture(scope="module")
def signed_in(browser: Browser, stack: Stack, site: str, states: list[Any]) -> Any:
    """Sign in once by the first start's link, as its reader does; return the browser's state."""
    if states:
        return states[0]
    context = browser.new_context()
    page = context.new_page()
    page.goto(stack.sign_in_url)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"{site}/")
    states.append(context.storage_state())
    context.close()
    return states[0]


@pytest.fixture(scope="module")
def spoken(api: Api, signed_in: Any, browser: Any, site: str) -> str:
    """Send a recording as people do, by choosing a file; return its update."""
    thread = api.open_thread("Sent from a browser")
    context = browser.new_context(base_url=site, storage_state=signed_in)
    page = context.new_page()
    page.goto(f"/threads/{thread}")
    page.locator("input[type=file]").set_input_files(speech_file("en").path)
    link = page.locator("article h2 a")
    expect(link).to_have_count(1, timeout=WAIT_MS)
    page.locator("article", has=page.get_by_role("button", name="Play")).wait_for()
    address = link.get_attribute("href")
    context.close()
    assert address
    update = address.rsplit("/", 1)[1]
    # Whoever reads or searches it must not come before its words.
    word = rare_word(speech_file("en").text or "")
    wait_until(lambda: api.finds(word, thread), WORDS_MS / 1000)
    return update


def rare_word(text: str) -> str:
    return max(re.findall(r"[a-z]+", text.lower()), key=len)


@pytest.fixture
def context(browser: Browser, signed_in: Any, site: str) -> Iterator[BrowserContext]:
    context = browser.new_context(
        base_url=site,
        storage_state=signed_in,
        locale="en-GB",
        viewport={"width": 1280, "height": 860},
    )
    context.set_default_timeout(WAIT_MS)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """Give a page that must not complain: no error, nothing refused by the policy."""
    complaints: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def listen(message: ConsoleMessage) -> None:
        said = f"{message.text} {message.location['url']}"
        is_of_axe = page in _EXAMINED and "inline style" in said
        if message.type == "error" and not EXPECTED.search(said) and not is_of_axe:
            complaints.append(said)

    page.on("console", listen)
    yield page
    assert not complaints


#: What fades in has less contrast until it is there; what never ends is no text.
SETTLED = """() => Promise.allSettled(document.getAnimations()
  .filter(each => each.effect.getComputedTiming().endTime !== Infinity)
  .map(each => each.finished))"""
#: Pages axe was let into; it tries inline styles there, which the policy refuses.
_EXAMINED: WeakSet[Page] = WeakSet()


#: Words of a transcript are text without elements of their own: where does one stand?
_WORD = """word => {
  const transcript = document.querySelector(".transcript");
  const texts = document.createTreeWalker(transcript, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const at = texts.currentNode.data.indexOf(word);
    if (at < 0 || texts.currentNode.parentElement.closest("p") === null) continue;
    const range = document.createRange();
    range.setStart(texts.currentNode, at);
    range.setEnd(texts.currentNode, at + word.length);
    texts.currentNode.parentElement.scrollIntoView({block: "center"});
    const {left, top, width, height} = range.getBoundingClientRect();
    return [left + width / 2, top + height / 2];
  }
}"""


def click_word(page: Page, word: str, times: int = 1) -> None:
    """Click where a word of the transcript stands."""
    expect(page.locator(".transcript")).to_contain_text(word)
    page.mouse.click(*page.evaluate(_WORD, word), click_count=times)


def violations(page: Page) -> list[str]:
    """Return what axe finds wrong with what is shown now."""
    _EXAMINED.add(page)
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE.read_text(encoding="utf-8"))
    page.evaluate(SETTLED)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']}: {node['html'][:200]} ({node['failureSummary'][:300]})"
        for each in found["violations"]
        for node in each["nodes"][:1]
    ]


def picture(page: Page, name: str) -> None:
    """Keep a picture where TIDINGS_PICTURES says, for people to look at."""
    folder = os.environ.get("TIDINGS_PICTURES")
    if folder:
        page.evaluate(SETTLED)
        page.screenshot(path=Path(folder) / f"{name}.png")
