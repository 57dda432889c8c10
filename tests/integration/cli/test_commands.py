import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.cli import events
from services.cli.exits import Exit
from shared.testing.waiting import until
from tests.integration.cli.shell import Shell
from tests.integration.cli.small_tidings import (
    THREADS,
    TOKEN,
    UPDATE_ID,
    running_tidings,
)

pytestmark = pytest.mark.integration

CONTENT = b"RIFF" + bytes(range(256)) * 4000


@pytest.fixture
async def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shell]:
    async with running_tidings() as tidings:
        yield Shell(tidings, tmp_path, monkeypatch)


@pytest.fixture
def recording(tmp_path: Path) -> str:
    path = tmp_path / "talk.wav"
    path.write_bytes(CONTENT)
    return str(path)


# --- send ------------------------------------------------------------------------------


async def test_a_file_goes_to_the_general_thread_and_its_link_is_told(
    shell: Shell, recording: str
) -> None:
    ended = await shell.run("send", recording, "--language", "de", "--title", "Plans")
    assert ended.status == Exit.DONE, ended.err
    assert ended.out.strip().endswith(f"/updates/{UPDATE_ID}")
    assert shell.tidings.received == CONTENT
    (posted,) = shell.tidings.posted
    assert posted == {
        "thread": THREADS[1]["id"],
        "kind": "recording",
        "language": "de",
        "title": "Plans",
        "size_bytes": len(CONTENT),
        "media_type": posted["media_type"],
    }
    assert "wav" in posted["media_type"]


async def test_json_tells_the_whole_story_in_one_line(shell: Shell, recording: str) -> None:
    shell.tidings.polls_until_done = 2
    ended = await shell.run("--json", "send", recording, "--wait", "summary")
    assert ended.status == Exit.DONE, ended.err
    assert ended.json["update_id"] == UPDATE_ID
    assert ended.json["size_bytes"] == len(CONTENT)
    assert ended.json["language"] == "de"
    assert 0 <= ended.json["transcript_s"] <= ended.json["summary_s"]
    assert ended.json["statements"][0]["kind"] == "gist"
    assert ended.err == ""


async def test_people_read_the_first_lines_and_the_gist(shell: Shell, recording: str) -> None:
    ended = await shell.run("send", recording, "--wait", "transcript")
    assert "Guten Morgen. [txt]" in ended.out
    assert "s after the last byte" in ended.out
    ended = await shell.run("send", recording, "--wait", "summary")
    assert "gist: Good [morning] to all." in ended.out


@pytest.mark.parametrize("thread", [THREADS[0]["id"], "Budget", "budget"])
async def test_a_thread_is_found_by_id_or_title(shell: Shell, recording: str, thread: str) -> None:
    assert (await shell.run("send", recording, "--thread", thread)).status == Exit.DONE
    assert shell.tidings.posted[0]["thread"] == THREADS[0]["id"]


async def test_a_new_thread_can_be_opened(shell: Shell, recording: str) -> None:
    assert (await shell.run("send", recording, "--new-thread", "Fresh")).status == Exit.DONE
    assert shell.tidings.posted[0]["thread"] == "new-thread"


async def test_an_unknown_or_ambiguous_thread_is_said(shell: Shell, recording: str) -> None:
    missing = await shell.run("send", recording, "--thread", "Nowhere")
    assert (missing.status, "“Nowhere”" in missing.err) == (Exit.MISSING, True)
    twice = await shell.run("send", recording, "--thread", "TWICE")
    assert (twice.status, "id instead" in twice.err) == (Exit.FAILED, True)
    assert shell.tidings.posted == []


async def test_of_several_teams_none_is_guessed(shell: Shell, recording: str) -> None:
    """What was meant for one team could be seen by another: the oldest was taken unasked."""
    shell.tidings.teams.append({"id": "0198a2f0-0000-7000-8000-00000000000b", "name": "Board"})
    unsaid = await shell.run("send", recording, "--json")
    assert unsaid.status == Exit.USAGE
    assert json.loads(unsaid.err)["error"]["code"] == "team-needed"
    assert shell.tidings.posted == []
    assert (await shell.run("send", recording, "--team", "Board")).status == Exit.DONE


async def test_without_general_no_other_thread_is_guessed(shell: Shell, recording: str) -> None:
    shell.tidings.threads = [THREADS[0]]
    ended = await shell.run("send", recording)
    assert (ended.status, "“General”" in ended.err) == (Exit.MISSING, True)
    assert shell.tidings.posted == []


async def test_standard_input_is_sent_as_it_comes(shell: Shell) -> None:
    process = await shell.start("send", "-")
    async with asyncio.timeout(30):
        _, err = await process.communicate(CONTENT)
    assert process.returncode == Exit.DONE, err
    assert shell.tidings.received == CONTENT
    assert shell.tidings.length == len(CONTENT)
    assert "size_bytes" not in shell.tidings.posted[0]


async def test_an_interrupted_send_goes_on_where_it_stopped(shell: Shell, recording: str) -> None:
    # The server takes the first bytes and never answers, so the sender is killed in the middle.
    shell.tidings.stall_after = 300_000
    first = await shell.start("send", recording)
    async with asyncio.timeout(30):
        await shell.tidings.stalled.wait()
    first.kill()
    await first.wait()
    ended = await shell.run("send", recording)
    assert ended.status == Exit.DONE, ended.err
    assert shell.tidings.received == CONTENT
    assert (shell.tidings.created, len(shell.tidings.posted)) == (1, 1)
    assert list((shell.folder / "state" / "uploads").iterdir()) == []


async def test_what_cannot_be_remembered_is_sent_all_the_same(shell: Shell, recording: str) -> None:
    (shell.folder / "full").touch()
    env = {"TIDINGS_CLI_STATE_DIR": str(shell.folder / "full" / "state")}
    ended = await shell.run("send", recording, env=env)
    assert ended.status == Exit.DONE, ended.err
    assert shell.tidings.received == CONTENT


async def test_a_forgotten_upload_is_begun_afresh(shell: Shell, recording: str) -> None:
    shell.tidings.refusals = [401]
    await shell.run("send", recording)
    (note,) = (shell.folder / "state" / "uploads").iterdir()
    assert note.stat().st_mode & 0o077 == 0
    kept = json.loads(note.read_text())
    note.write_text(json.dumps({**kept, "location": f"{shell.tidings.url}/files/1"}))
    ended = await shell.run("send", recording)
    assert ended.status == Exit.DONE, ended.err
    assert len(shell.tidings.posted) == 2
    assert len(set(shell.tidings.post_keys)) == 2


async def test_a_token_that_ran_out_on_the_way_is_renewed(shell: Shell, recording: str) -> None:
    shell.tidings.refusals = [401]
    await shell.run("send", recording)
    shell.tidings.upload_token = "the next one"
    shell.tidings.recording_state = "arriving"
    ended = await shell.run("send", recording)
    assert ended.status == Exit.DONE, ended.err
    assert shell.tidings.received == CONTENT
    assert len(shell.tidings.posted) == 1


@pytest.mark.parametrize(
    ("recording_state", "posts"), [("expired", 2), ("removed", 2), ("ready", 1), ("refused", 1)]
)
async def test_what_expects_no_recording_any_more_is_sent_afresh_or_there_already(
    shell: Shell, recording: str, recording_state: str, posts: int
) -> None:
    """After a day both token and upload had expired, and every repeat failed for a week."""
    shell.tidings.refusals = [401]
    await shell.run("send", recording)
    shell.tidings.upload_token = "the next one"
    shell.tidings.recording_state = recording_state
    ended = await shell.run("send", recording)
    assert ended.status == Exit.DONE, ended.err
    assert UPDATE_ID in ended.out
    assert len(shell.tidings.posted) == posts
    assert bool(shell.tidings.received) is (posts == 2)
    assert list((shell.folder / "state" / "uploads").iterdir()) == []


@pytest.mark.parametrize(
    ("recording_state", "transcript_state", "code"),
    [("ready", "failed", "no-speech-found"), ("refused", "none", "media-has-no-audio")],
)
async def test_refused_content_has_its_own_exit_status(
    shell: Shell, recording: str, recording_state: str, transcript_state: str, code: str
) -> None:
    shell.tidings.recording_state = recording_state
    shell.tidings.transcript_state = transcript_state
    shell.tidings.problem = {"code": code, "detail": "Nothing was said in this recording."}
    ended = await shell.run("send", recording, "--wait", "transcript", "--json")
    assert ended.status == Exit.REFUSED
    assert json.loads(ended.err)["error"]["code"] == code


async def test_an_empty_file_is_not_even_announced(shell: Shell) -> None:
    (shell.folder / "empty.wav").touch()
    ended = await shell.run("send", str(shell.folder / "empty.wav"))
    assert (ended.status, "empty" in ended.err) == (Exit.REFUSED, True)
    assert shell.tidings.posted == []


async def test_waiting_ends_at_the_time_limit(shell: Shell, recording: str) -> None:
    shell.tidings.polls_until_done = 10_000
    ended = await shell.run("send", recording, "--wait", "transcript", "--timeout", "0.5")
    assert (ended.status, "--timeout" in ended.err) == (Exit.FAILED, True)


async def test_the_upload_never_sees_the_persons_token(shell: Shell, recording: str) -> None:
    await shell.run("send", recording)
    assert shell.tidings.upload_headers
    assert TOKEN not in str(shell.tidings.upload_headers)


# --- usage and refusals -----------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("send",),
        ("send", "/nowhere/talk.wav"),
        ("send", "/"),
        ("nonsense",),
        ("get", UPDATE_ID, "--format", "docx"),
    ],
)
async def test_wrong_usage_has_its_own_exit_status(
    shell: Shell, arguments: tuple[str, ...]
) -> None:
    assert (await shell.run(*arguments)).status == Exit.USAGE


async def test_two_wishes_for_the_thread_are_one_too_many(shell: Shell, recording: str) -> None:
    ended = await shell.run("send", recording, "--thread", "a", "--new-thread", "b")
    assert ended.status == Exit.USAGE


async def test_a_wrong_setting_is_named(shell: Shell) -> None:
    ended = await shell.run("get", UPDATE_ID, env={"TIDINGS_URL": "nonsense"})
    assert (ended.status, "TIDINGS_URL" in ended.err) == (Exit.USAGE, True)


async def test_a_missing_token_says_what_to_set(shell: Shell) -> None:
    ended = await shell.run("get", UPDATE_ID, env={"TIDINGS_TOKEN": ""})
    assert (ended.status, "TIDINGS_TOKEN" in ended.err) == (Exit.DENIED, True)


async def test_the_owners_token_is_shown_to_the_installation_here_alone(shell: Shell) -> None:
    (shell.folder / "home").mkdir()
    (shell.folder / "home" / "owner-token").write_text(f"{TOKEN}\n")
    port = shell.tidings.url.rpartition(":")[2]
    here = {"TIDINGS_TOKEN": "", "TIDINGS_URL": "", "TIDINGS_PORT": port}
    assert (await shell.run("get", UPDATE_ID, env=here)).status == Exit.DONE
    named = {**here, "TIDINGS_URL": shell.tidings.url}
    assert (await shell.run("get", UPDATE_ID, env=named)).status == Exit.DENIED


async def test_the_token_may_stand_in_a_file(shell: Shell) -> None:
    (shell.folder / "token").write_text(f"{TOKEN}\n")
    env = {"TIDINGS_TOKEN": "", "TIDINGS_TOKEN_FILE": str(shell.folder / "token")}
    assert (await shell.run("get", UPDATE_ID, env=env)).status == Exit.DONE
    missing = await shell.run("get", UPDATE_ID, env={**env, "TIDINGS_TOKEN_FILE": "/nowhere"})
    assert (missing.status, "TIDINGS_TOKEN_FILE" in missing.err) == (Exit.USAGE, True)


async def test_a_server_that_does_not_answer_is_said(shell: Shell) -> None:
    ended = await shell.run("get", UPDATE_ID, env={"TIDINGS_URL": "http://127.0.0.1:1"})
    assert (ended.status, "127.0.0.1:1" in ended.err) == (Exit.UNREACHABLE, True)


async def test_the_installation_here_is_found_by_its_port(shell: Shell) -> None:
    port = shell.tidings.url.rpartition(":")[2]
    ended = await shell.run("get", UPDATE_ID, env={"TIDINGS_URL": "", "TIDINGS_PORT": port})
    assert ended.status == Exit.DONE


# --- get and search ----------------------------------------------------------------------


async def test_a_transcript_goes_to_standard_output_or_a_file(shell: Shell) -> None:
    ended = await shell.run("get", UPDATE_ID, "--format", "vtt")
    assert ended.out == "Guten Morgen. [vtt]\n"
    target = shell.folder / "talk.srt"
    await shell.run("get", UPDATE_ID, "--format", "srt", "-o", str(target))
    assert target.read_text() == "Guten Morgen. [srt]\n"


async def test_an_unknown_update_leaves_no_file(shell: Shell) -> None:
    target = shell.folder / "talk.srt"
    ended = await shell.run("get", "nothing", "-o", str(target))
    assert (ended.status, target.exists()) == (Exit.MISSING, False)


async def test_a_file_that_cannot_be_written_is_said(shell: Shell) -> None:
    ended = await shell.run("get", UPDATE_ID, "-o", "/nowhere/talk.txt")
    assert (ended.status, "/nowhere/talk.txt" in ended.err) == (Exit.FAILED, True)


async def test_search_shows_moments_with_their_links(shell: Shell) -> None:
    ended = await shell.run("search", "budget", "of", "ten")
    assert "Budget" in ended.out
    assert "1:23  Ada: a budget of [ten]" in ended.out
    assert f"{shell.tidings.url}/updates/{UPDATE_ID}?t=83" in ended.out
    found = await shell.run("search", "budget", "--json")
    assert found.json["moments"][0]["start_ms"] == 83_000


async def test_finding_nothing_is_no_failure(shell: Shell) -> None:
    ended = await shell.run("search", "nothing")
    assert (ended.status, ended.out, "Nothing found" in ended.err) == (Exit.DONE, "", True)


# --- events ------------------------------------------------------------------------------


async def test_events_follow_each_other_without_gap_over_a_cut(shell: Shell) -> None:
    shell.tidings.events = [{"type": f"event-{number}", "time": "now"} for number in range(1, 7)]
    shell.tidings.cut_events = {3}
    ended = await shell.run("events", "tail", "--since", "1", "--limit", "5", "--json")
    assert ended.status == Exit.DONE, ended.err
    told = [json.loads(line) for line in ended.out.splitlines()]
    assert [each["seq"] for each in told] == [2, 3, 4, 5, 6]
    assert [each["event"]["type"] for each in told][-1] == "event-6"
    assert shell.tidings.event_requests == [("1", None), ("3", "3")]


async def test_patience_begins_when_the_server_stops_answering(shell: Shell) -> None:
    """After five quiet minutes the first refused connection ended it."""
    shell.patch.setattr(events, "FIRST_PAUSE_S", 0.01)
    shell.tidings.longest_quiet_s = 0.6
    shell.tidings.events_away = 2
    following = asyncio.create_task(
        shell.run("events", "tail", "--patience", "0.3", "--limit", "1", "--json")
    )
    await until(lambda: len(shell.tidings.event_requests) > 1)
    shell.tidings.events = [{"type": "at-last", "time": "now"}]
    ended = await following
    assert ended.status == Exit.DONE, ended.err
    assert ended.json["event"]["type"] == "at-last"


async def test_events_are_not_followed_without_a_token(shell: Shell) -> None:
    ended = await shell.run("events", "tail", env={"TIDINGS_TOKEN": "wrong"})
    assert ended.status == Exit.DENIED


async def test_the_patience_with_a_dead_server_ends(shell: Shell) -> None:
    env = {"TIDINGS_URL": "http://127.0.0.1:1"}
    ended = await shell.run("events", "tail", "--patience", "0.5", env=env)
    assert ended.status == Exit.UNREACHABLE


async def test_without_an_installation_there_are_no_dead_letters_to_see(shell: Shell) -> None:
    ended = await shell.run("dead", "list")
    assert (ended.status, "TIDINGS_HOME" in ended.err) == (Exit.UNREACHABLE, True)
