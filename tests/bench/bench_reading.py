"""How a two-hour transcript of 20 000 words reads, in a real browser on a slowed CPU.

Three pages are scrolled by the same gesture: the long transcript, one of 300 words, which soon
ends, and, as the baseline, a page that holds the same 20 000 words as plain paragraphs and nothing
else. In the transcripts a word is then looked for, letter by letter. Frames are dropped by whatever
else the machine does as well; `work` is the processor time of the page's main thread alone, and
`drawing` what the process that puts its layers together takes for the whole gesture. Until
`fetched` the words are the server's and the wire's. The words are put in through the database and
blobs, not through recognition.
"""

import argparse
import html
import itertools
import json
import shutil
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from shared.contracts import messages as m
from shared.contracts.summary import Evidence, Statement, StatementKind
from shared.contracts.transcript import Segment
from tests.e2e.page.conftest import ARGUMENTS
from tests.support.media_samples import silent_opus
from tests.support.stack import Stack, running_stack
from tests.support.told import sent_recording, sentence_of, tell

LONG_WORDS, SHORT_WORDS = 20_000, 300
WORDS_A_SENTENCE = 16
SLOWDOWN = 4
SCROLL_PX, SCROLL_PX_A_SECOND = 12_000, 3_000
LOOKED_FOR = "marmalade"
FRAME_MS = 1000 / 60
VOCABULARY = (
    *("harbour", "captain", "friday", "marmalade", "release", "the", "of", "and", "to", "crane"),
    *("schedule", "because", "question", "tide", "decided", "Anna", "invoice", "tomorrow", "a"),
    *("before", "we", "ship", "it", "in", "quay", "seventeen", "customers", "migration"),
)

#: Notes when the first words stand on the screen, and how long the page could not answer.
WATCH = """
  window.blockedMs = 0;
  new PerformanceObserver(list => list.getEntries().forEach(each => {
    window.blockedMs += Math.max(0, each.duration - 50);
  })).observe({type: "longtask", buffered: true});
  (function look() {
    if (document.querySelector(".transcript p")) window.readableMs = performance.now();
    else requestAnimationFrame(look);
  })();
"""
#: When the words had come.
FETCHED = """
  performance.getEntriesByType("resource")
    .find(each => each.name.endsWith("/transcript")).responseEnd
"""
#: Notes how long each frame took while something scrolls.
FRAMES = """
  window.frames_ = [];
  window.isWatching = true;
  (function look(at) {
    window.frames_.push(at);
    if (window.isWatching) requestAnimationFrame(look);
  })(performance.now());
"""


def segments_of(count: int) -> list[Segment]:
    """Return so many words, the same every time, with a pause now and then."""
    segments, start_ms = [], 0
    for first in range(0, count, WORDS_A_SENTENCE):
        numbers = range(first, min(first + WORDS_A_SENTENCE, count))
        words = [VOCABULARY[number * 7 % len(VOCABULARY)] for number in numbers]
        text = " ".join(words).capitalize() + "."
        confidence = 0.3 if first % 800 == 0 else 0.9
        segment = sentence_of(len(segments), text, start_ms=start_ms, confidence=confidence)
        segments.append(segment)
        start_ms = segment.end_ms + (2_500 if len(segments) % 12 == 0 else 100)
    return segments


def worked_ms(cdp: CDPSession) -> float:
    """Return the processor time that the page's main thread has taken until now."""
    told = cdp.send("Performance.getMetrics")["metrics"]
    return next(each["value"] * 1000 for each in told if each["name"] == "TaskDuration")


def drawn_ms(cdp: CDPSession) -> float:
    """Return the processor time that drawing the browser's windows has taken until now."""
    told = cdp.send("SystemInfo.getProcessInfo")["processInfo"]
    return sum(each["cpuTime"] * 1000 for each in told if each["type"] == "GPU")


def frames_while_scrolling(page: Page, cdp: CDPSession) -> dict[str, float]:
    """Scroll by a gesture like a finger's and return what became of the frames."""
    browser = cast("Browser", page.context.browser).new_browser_cdp_session()
    page.evaluate(FRAMES)
    drawn_before_ms = drawn_ms(browser)
    worked_before_ms = worked_ms(cdp)
    cdp.send(
        "Input.synthesizeScrollGesture",
        {
            "x": 900,
            "y": 500,
            "yDistance": -SCROLL_PX,
            "speed": SCROLL_PX_A_SECOND,
            "gestureSourceType": "mouse",
        },
    )
    page.evaluate("window.isWatching = false")
    work_ms = worked_ms(cdp) - worked_before_ms
    drawing_ms = drawn_ms(browser) - drawn_before_ms
    browser.detach()
    at: list[float] = page.evaluate("window.frames_")
    gaps = [later - earlier for earlier, later in itertools.pairwise(at)]
    dropped = sum(max(0, round(gap / FRAME_MS) - 1) for gap in gaps)
    return {
        "frames": len(gaps),
        "dropped": dropped,
        "dropped_share": round(dropped / (dropped + len(gaps)), 4),
        "longest_frame_ms": round(max(gaps), 1),
        "work_ms_a_frame": round(work_ms / len(gaps), 1),
        "drawing_ms": round(drawing_ms),
        "scrolled_px": page.evaluate("scrollY"),
    }


def slowed(page: Page, times: float) -> CDPSession:
    cdp = page.context.new_cdp_session(page)
    cdp.send("Emulation.setCPUThrottlingRate", {"rate": times})
    cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
    return cdp


def work_ms_a_letter(page: Page, cdp: CDPSession) -> float:
    """Look for a word in the transcript; return what each letter costs until marks are drawn."""
    page.locator(".finder input").focus()
    before_ms = worked_ms(cdp)
    for letter in LOOKED_FOR:
        page.keyboard.press(letter)
        page.evaluate("() => new Promise(drawn => requestAnimationFrame(() => setTimeout(drawn)))")
    return round((worked_ms(cdp) - before_ms) / len(LOOKED_FOR), 1)


def read(browser: Browser, state: Any, address: str, slowdown: float) -> dict[str, float]:
    """Open a transcript as somebody with a cold cache does, and scroll through it."""
    context = browser.new_context(storage_state=state, viewport={"width": 1280, "height": 860})
    page = context.new_page()
    page.add_init_script(WATCH)
    cdp = slowed(page, slowdown)
    page.goto(address)
    page.wait_for_function("() => window.readableMs > 0", timeout=60_000)
    page.locator(".finder").wait_for()
    page.wait_for_function("() => document.querySelector('audio')?.readyState > 0", timeout=60_000)
    found = {
        "fetched_ms": round(page.evaluate(FETCHED)),
        "readable_ms": round(page.evaluate("window.readableMs")),
        "blocked_ms": round(page.evaluate("window.blockedMs")),
        "words": len(page.locator(".transcript").text_content().split()),
        **frames_while_scrolling(page, cdp),
        "work_ms_a_letter": work_ms_a_letter(page, cdp),
    }
    context.close()
    return found


def read_plain(browser: Browser, segments: list[Segment], slowdown: float) -> dict[str, float]:
    """Scroll a page that has the same words and does nothing."""
    page = browser.new_page(viewport={"width": 1280, "height": 860})
    cdp = slowed(page, slowdown)
    paragraphs = [
        " ".join(segment.text for segment in segments[at : at + 6])
        for at in range(0, len(segments), 6)
    ]
    lines = "".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in paragraphs)
    page.set_content(f"<body style='font: 17px/1.6 sans-serif; width: 42rem'>{lines}")
    found = frames_while_scrolling(page, cdp)
    page.close()
    return found


def correction_ms(stack: Stack, update: str, segment: Segment) -> float:
    """Correct a word by the API; return how long the answer took."""
    word = segment.words[3]
    body = {
        "start_ms": word.start_ms,
        "end_ms": word.end_ms,
        "original": word.text.strip(),
        "replacement": "Marmolada",
    }
    request = urllib.request.Request(  # noqa: S310 - our own stack
        f"{stack.url}/api/v1/updates/{update}/corrections",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {stack.token}", "Content-Type": "application/json"},
    )
    began = time.perf_counter()
    urllib.request.urlopen(request, timeout=60).close()  # noqa: S310 - likewise
    return round((time.perf_counter() - began) * 1000)


def put_in(stack: Stack, folder: Path, segments: list[Segment]) -> str:
    """Send a silence, and say that these words were heard in it, and what they come to."""
    update = sent_recording(stack, silent_opus(folder / "silence.ogg", 60))
    place = m.UpdateFact(
        team_id=update["team_id"], thread_id=update["thread_id"], update_id=update["id"]
    )
    # Without a summary the page would say, with a dot that breathes, that one is being made.
    said = Evidence(
        segment_ids=(segments[0].id,),
        start_ms=segments[0].start_ms,
        end_ms=segments[0].end_ms,
        quote=segments[0].text,
    )
    gist = Statement(kind=StatementKind.GIST, text="What the harbour decided.", evidence=(said,))
    tell(stack, place, UUID(update["recording"]["id"]), segments, [gist])
    return str(update["id"])


def sign_in(browser: Browser, stack: Stack) -> Any:
    context = browser.new_context()
    page = context.new_page()
    page.goto(stack.sign_in_url)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"http://localhost:{stack.port}/")
    state = context.storage_state()
    context.close()
    return state


def run(rounds: int, slowdown: float) -> dict[str, Any]:
    """Measure every page so often, one after the other in each round."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    segments = {"long": segments_of(LONG_WORDS), "short": segments_of(SHORT_WORDS)}
    found: dict[str, list[dict[str, float]]] = {"long": [], "short": [], "plain": []}
    with (
        tempfile.TemporaryDirectory(prefix="tidings-bench-") as folder,
        running_stack() as stack,
        sync_playwright() as playwright,
    ):
        updates = {name: put_in(stack, Path(folder), each) for name, each in segments.items()}
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        state = sign_in(browser, stack)
        for _ in range(rounds):
            for name, update in updates.items():
                address = f"http://localhost:{stack.port}/updates/{update}"
                found[name].append(read(browser, state, address, slowdown))
            found["plain"].append(read_plain(browser, segments["long"], slowdown))
        corrections = [
            correction_ms(stack, updates["long"], segments["long"][place])
            for place in range(0, 1_000, 200)
        ]
        browser.close()
    return {
        "cpu_slowed_times": slowdown,
        "scroll_px_a_second": SCROLL_PX_A_SECOND,
        "correction_ms": statistics.median(corrections),
        "pages": found,
    }


def table(result: dict[str, Any]) -> str:
    """Return the medians for people."""
    names = (
        *("words", "fetched_ms", "readable_ms", "blocked_ms", "frames", "dropped"),
        *("longest_frame_ms", "work_ms_a_frame", "drawing_ms", "work_ms_a_letter"),
    )
    lines = [f"{'':8}" + "".join(f"{name:>18}" for name in names)]
    for page, rounds in result["pages"].items():
        cells = (
            f"{statistics.median(each[name] for each in rounds):18g}"
            if name in rounds[0]
            else f"{'':18}"
            for name in names
        )
        lines.append(f"{page:8}" + "".join(cells))
    lines.append(f"a word of {LONG_WORDS} is corrected in {result['correction_ms']:g} ms")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print a table, and JSON where asked for."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--slowdown", type=float, default=SLOWDOWN)
    arguments.add_argument("--json", type=Path)
    asked = arguments.parse_args()
    result = run(asked.rounds, asked.slowdown)
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=2))
    sys.stdout.write(table(result))


if __name__ == "__main__":
    main()
