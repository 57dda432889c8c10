"""Kills every process of a running Tidings at random moments while a long recording is transcribed.

What was acknowledged before, between and after the kills must be there once, and the transcript
must equal that of an undisturbed run. `make test-chaos`; TIDINGS_TEST_KILLS says how many.
"""

import asyncio
import contextlib
import json
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from tests.support.client import ApiError, Json, Tidings, signed_in
from tests.support.speech import recording_named, speech_file
from tests.support.stack import Stack, running_stack

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(3000)]

KILLS = int(os.environ.get("TIDINGS_TEST_KILLS", "60"))
SEED = int(os.environ.get("TIDINGS_TEST_SEED", "7"))
PAUSE_S = (0.5, 4.0)
SPEAKERS_LIMIT_S = 300.0
ONCE_PER_UPDATE = ("update.posted", "recording.completed")
PART_BYTES = 256 * 1024
TRANSIENT = (aiohttp.ClientError, ApiError, TimeoutError, ConnectionError)


@dataclass
class Story:
    """What the outside was promised."""

    comments: set[str] = field(default_factory=set)
    updates: list[str] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)


def is_refusal(error: Exception) -> bool:
    """Return whether asking again is pointless. A killed first try may hold its key for a while."""
    if not isinstance(error, ApiError) or error.code == "idempotency-key-in-use":
        return False
    return error.status < 500 and error.status != 429


async def insist(call: Any, *arguments: Any, limit_s: float = 120.0, **options: Any) -> Any:
    """Repeat a call until the house answers it, as a patient client does."""
    deadline = time.monotonic() + limit_s
    while True:
        try:
            return await call(*arguments, **options)
        except TRANSIENT as error:
            if is_refusal(error) or time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)


async def upload_patiently(tidings: Tidings, thread: str, content: bytes, key: str) -> str:
    """Send a recording in small pieces, resuming wherever the server says it stands."""
    opened = await insist(tidings.open_update, thread, key=key, size_bytes=len(content))
    upload = opened["upload"]
    location = await insist(tidings.create_upload, upload, len(content))
    offset = 0
    while offset < len(content):
        try:
            piece = content[offset : offset + PART_BYTES]
            offset = await tidings.patch(upload, location, offset, piece)
        except TRANSIENT:
            await asyncio.sleep(0.1)
            offset = await insist(tidings.offset, upload, location)
    return str(opened["update"]["id"])


async def comment_steadily(tidings: Tidings, update_id: str, story: Story) -> None:
    """Post a numbered comment again and again; each must survive once."""
    number = 0
    while True:
        number += 1
        text = f"comment-{update_id[-6:]}-{number}"
        await insist(
            tidings.call,
            "POST",
            f"/api/v1/updates/{update_id}/comments",
            json={"text": text},
            headers={"Idempotency-Key": text},
        )
        story.comments.add(text)
        await asyncio.sleep(0.3)


async def kill_at_random(stack: Stack, story: Story, dice: random.Random) -> None:
    """Kill each process in turn, in a new order each round, until KILLS are done."""
    while story.kills.total() < KILLS:
        names = sorted(stack.pids())
        dice.shuffle(names)
        for name in names:
            await asyncio.sleep(dice.uniform(*PAUSE_S))
            # Whoever still comes back from the last kill is left in peace this round.
            if story.kills.total() < KILLS and name in stack.pids():
                stack.kill(name)
                story.kills[name] += 1


async def facts_of(tidings: Tidings) -> list[Json]:
    """Return every event of the log."""
    after, found = 0, []
    while True:
        page = await insist(tidings.call, "GET", f"/api/v1/events?after={after}&limit=500")
        found += [item["event"] for item in page["items"]]
        if not page["items"]:
            return found
        after = page["next_after"]


@pytest.fixture
async def stack() -> AsyncIterator[Stack]:
    with running_stack() as stack:
        yield stack
        log = stack.log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        print(*(line for line in log if "message buried" in line), sep="\n")


async def test_killing_everything_loses_and_doubles_nothing(stack: Stack) -> None:
    recording = recording_named("derived/long_en_mixed-dev.opus") or speech_file("en")
    content = recording.path.read_bytes()
    story, dice = Story(), random.Random(SEED)  # noqa: S311 - a repeatable order of kills
    async with signed_in(stack.url, stack.token) as tidings:
        thread = await tidings.first_thread()

        began = time.monotonic()
        first = await upload_patiently(tidings, thread, content, "undisturbed")
        await tidings.wait(first, "summary", 300)
        undisturbed_s = time.monotonic() - began
        expected = words_of(await tidings.transcript(first))
        story.updates.append(first)

        killer = asyncio.create_task(kill_at_random(stack, story, dice))
        disturbed_s = 0.0
        while not killer.done():
            began = time.monotonic()
            key = f"disturbed-{len(story.updates)}"
            update_id = await upload_patiently(tidings, thread, content, key)
            story.updates.append(update_id)
            commenter = asyncio.create_task(comment_steadily(tidings, update_id, story))
            await insist(tidings.wait, update_id, "summary", 900, limit_s=900)
            commenter.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await commenter
            disturbed_s += time.monotonic() - began
            assert words_of(await insist(tidings.transcript, update_id)) == expected
        await killer

        await all_read_alike(tidings, story)
        await nothing_is_lost_or_doubled(tidings, thread, story)
        report(story, undisturbed_s, disturbed_s)


def words_of(transcript: Json) -> list[Json]:
    """Return the words with their times: who spoke them is told a little later."""
    return [word for segment in transcript["segments"] for word in segment["words"]]


async def all_read_alike(tidings: Tidings, story: Story) -> None:
    """Wait until every transcript is the same to the last label, whatever was killed meanwhile."""
    deadline = time.monotonic() + SPEAKERS_LIMIT_S
    undisturbed, *others = story.updates
    while True:
        expected = (await insist(tidings.transcript, undisturbed))["segments"]
        different = [
            update_id
            for update_id in others
            if (await insist(tidings.transcript, update_id))["segments"] != expected
        ]
        if not different:
            return
        assert time.monotonic() < deadline, different
        await asyncio.sleep(1.0)


async def nothing_is_lost_or_doubled(tidings: Tidings, thread: str, story: Story) -> None:
    listed = [item["id"] for item in await every_item(tidings, f"/api/v1/threads/{thread}/updates")]
    assert sorted(listed) == sorted(story.updates)

    comments = Counter[str]()
    for update_id in story.updates:
        posted = await every_item(tidings, f"/api/v1/updates/{update_id}/comments")
        comments.update(item["text"] for item in posted)
    # The comment that was under way when its writer stopped may stand there too, once.
    assert story.comments <= set(comments)
    assert set(comments.values()) <= {1}

    facts = await facts_of(tidings)
    assert max(Counter(fact["id"] for fact in facts).values()) == 1
    for kind in ONCE_PER_UPDATE:
        told = [f["data"]["update_id"] for f in facts if f["type"] == f"tidings.{kind}.v1"]
        assert sorted(told) == sorted(story.updates), kind
    revisions = {
        update_id: (await insist(tidings.update, update_id))["transcript"]["revision"]
        for update_id in story.updates
    }
    told = [
        (f["data"]["update_id"], f["data"]["revision"])
        for f in facts
        if f["type"] == "tidings.transcript.completed.v1"
    ]
    assert sorted(told) == sorted((u, n) for u, last in revisions.items() for n in range(last + 1))
    # A transcript that was replaced before it was summarised needs no summary.
    summed = Counter(
        f["data"]["update_id"] for f in facts if f["type"] == "tidings.summary.completed.v1"
    )
    assert summed.keys() == revisions.keys()
    assert all(summed[update_id] <= last + 1 for update_id, last in revisions.items())
    told = Counter(f["data"]["text"] for f in facts if f["type"] == "tidings.comment.posted.v1")
    assert told == comments


async def every_item(tidings: Tidings, path: str) -> list[Json]:
    """Follow the cursor to the end."""
    found: list[Json] = []
    cursor = ""
    while True:
        page = await insist(tidings.call, "GET", f"{path}?limit=100{cursor}")
        found += page["items"]
        if not page["next_cursor"]:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def report(story: Story, undisturbed_s: float, disturbed_s: float) -> None:
    runs = len(story.updates) - 1
    lost_s = disturbed_s - runs * undisturbed_s
    figures = {
        "kills": story.kills.total(),
        "by_process": dict(story.kills),
        "recordings_under_fire": runs,
        "undisturbed_s": round(undisturbed_s, 1),
        "disturbed_s_each": round(disturbed_s / runs, 1),
        "seconds_lost_per_kill": round(lost_s / story.kills.total(), 2),
        "comments": len(story.comments),
    }
    print("\n" + json.dumps(figures, indent=2))
