"""What people do with Tidings, from outside, with every process running."""

import asyncio
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Cli
from tests.support.client import ApiError, Tidings, signed_in
from tests.support.media_samples import phone_mp4
from tests.support.speech import speech_file
from tests.support.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PLACE = ("--team", "Team", "--thread", "General")
"""Other tests found further teams for the owner."""


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_sent_recording_is_read_searched_and_fetched(cli: Cli, language: str) -> None:
    speech = speech_file(language)
    sent = cli.run("send", speech.path, *PLACE, "--wait", "summary", "--json")
    assert sent.status == 0, sent.err
    update = sent.json["update_id"]

    told = cli.run("get", update, "--format", "txt").out
    assert speech.text is not None
    assert len(words(told) & words(speech.text)) >= len(words(speech.text)) / 2
    assert cli.run("get", update, "--format", "vtt").out.startswith("WEBVTT")
    assert " --> " in cli.run("get", update, "--format", "srt").out
    assert update in cli.run("get", update, "--format", "md").out
    assert cli.run("get", update, "--format", "json").json["language"] == language

    longest = max(words(told), key=len)
    found = cli.run("search", longest, "--json").lines
    assert update in {moment["update_id"] for hit in found for moment in hit["moments"]}


def test_words_come_before_playing(stack: Stack) -> None:
    """Both begin when the last byte is there."""
    pids = stack.pids()
    niceness = {name: os.getpriority(os.PRIO_PROCESS, pids[name]) for name in pids}
    assert niceness["media"] > niceness["recogniser"] == niceness["upload"]


async def test_a_video_whose_index_comes_last_plays_and_is_transcribed(
    tidings: Tidings, tmp_path: Path
) -> None:
    video = phone_mp4(tmp_path / "phone.mp4", sound=speech_file("en").path)
    update_id = await tidings.send(video, await tidings.first_thread())
    await tidings.wait(update_id, "transcript")
    update = await tidings.wait(update_id, "recording")

    assert update["transcript"]["state"] == "complete"
    media = {item["kind"]: item for item in update["recording"]["media"]}
    assert set(media) == {"video", "audio", "poster", "peaks"}
    async with tidings.http.get(media["video"]["url"], headers={"Range": "bytes=0-99"}) as answer:
        assert answer.status == 206
        assert len(await answer.read()) == 100
        assert answer.headers["Content-Range"].startswith("bytes 0-99/")


def test_what_is_no_recording_is_refused_with_a_sentence(cli: Cli, tmp_path: Path) -> None:
    letter = tmp_path / "letter.mp4"
    letter.write_text("<html>not a recording</html>")
    sent = cli.run("send", letter, *PLACE, "--wait", "transcript")
    assert sent.status == 5
    assert "not an audio or video file" in sent.err
    sent = cli.run("send", letter, *PLACE, "--wait", "transcript", "--json")
    assert json.loads(sent.err)["error"]["code"] == "media-unreadable"


def test_a_written_update_is_summarised_and_found(cli: Cli, stack: Stack) -> None:
    async def write() -> tuple[str, Any]:
        async with signed_in(stack.url, stack.token) as tidings:
            text = "We decided to ship the marmalade on Friday. Who will call the harbour?"
            opened = await tidings.open_update(await tidings.first_thread(), kind="text", text=text)
            update = opened["update"]["id"]
            await tidings.wait(update, "summary")
            return update, await tidings.call("GET", f"/api/v1/updates/{update}/summary")

    update, summary = asyncio.run(write())
    kinds = {statement["kind"] for statement in summary["statements"]}
    assert {"decision", "question"} <= kinds
    found = cli.run("search", "marmalade", "--json").lines
    assert found[0]["moments"][0]["update_id"] == update


async def test_a_killed_upload_service_costs_no_acknowledged_byte(
    tidings: Tidings, stack: Stack
) -> None:
    content = speech_file("en").path.read_bytes()
    half = len(content) // 2
    opened = await tidings.open_update(await tidings.first_thread(), size_bytes=len(content))
    location = await tidings.create_upload(opened["upload"], len(content))
    assert await tidings.patch(opened["upload"], location, 0, content[:half]) == half

    stack.wait_restarted("upload", stack.kill("upload"))
    stack.wait_ready()
    assert await tidings.offset(opened["upload"], location) == half
    await tidings.patch(opened["upload"], location, half, content[half:])
    update = await tidings.wait(opened["update"]["id"], "transcript")
    assert update["transcript"]["state"] == "complete"


async def test_what_was_uploaded_comes_back_bit_for_bit(tidings: Tidings, stack: Stack) -> None:
    speech = speech_file("en").path
    update_id = await tidings.send(speech, await tidings.first_thread())
    recording = (await tidings.wait(update_id, "recording"))["recording"]["id"]
    parts = sorted((stack.home.blobs / "recordings" / recording / "parts").iterdir())
    stored = hashlib.sha256(b"".join(part.read_bytes() for part in parts))
    assert stored.hexdigest() == hashlib.sha256(speech.read_bytes()).hexdigest()


async def test_a_removed_update_leaves_nothing_behind(tidings: Tidings, stack: Stack) -> None:
    update_id = await tidings.send(speech_file("en").path, await tidings.first_thread())
    recording = (await tidings.wait(update_id, "summary"))["recording"]["id"]
    folder = stack.home.blobs / "recordings" / recording
    assert folder.exists()
    await tidings.call("DELETE", f"/api/v1/updates/{update_id}")
    with pytest.raises(ApiError) as refused:
        await tidings.update(update_id)
    assert refused.value.status in {404, 410}
    deadline = asyncio.get_running_loop().time() + 30
    words = stack.home.blobs / "transcripts" / recording
    while any(folder.rglob("*")) or any(words.rglob("*")):
        assert asyncio.get_running_loop().time() < deadline, "blobs stay behind"
        await asyncio.sleep(0.2)


def test_doctor_finds_a_healthy_house_healthy(cli: Cli, stack: Stack) -> None:
    said = cli.run("doctor", "--json", TIDINGS_PORT=str(stack.port))
    assert said.status == 0, said.out
    assert said.json["healthy"]
