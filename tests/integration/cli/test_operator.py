"""Commands for the operator: dead letters on a real message bus, examination, backups."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.cli.exits import Exit
from shared.bus.bus import Bus
from shared.bus.provision import provision
from shared.contracts.registry import CONSUMER_BY_DURABLE
from tests.integration.cli.shell import Shell
from tests.integration.cli.small_tidings import SmallTidings
from tests.support.nats_server import TestNats

pytestmark = pytest.mark.integration

CONSUMER = CONSUMER_BY_DURABLE["summary-forget"]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(SmallTidings(url="http://127.0.0.1:1"), tmp_path, monkeypatch)


@pytest.fixture
async def bus(nats_server: TestNats) -> AsyncIterator[Bus]:
    connected = await Bus.connect(
        nats_server.url, service="admin", credentials_file=nats_server.credentials("admin")
    )
    await provision(connected)
    # Other tests of this worker use the same server and leave their dead letters.
    await connected.jetstream.purge_stream("DEAD")
    yield connected
    await connected.jetstream.purge_stream("DEAD")
    await connected.close()


async def bury(bus: Bus, payload: bytes) -> None:
    headers = {
        "Tidings-Dead-Consumer": CONSUMER.durable,
        "Tidings-Dead-Code": "message-unreadable",
        "Tidings-Dead-Detail": "The message is not an envelope.",
        "Tidings-Dead-Attempts": "1",
        "Tidings-Dead-Subject": "tidings.fact.x.update.removed.v1",
        "Tidings-Dead-Time": "2026-01-01T00:00:00+00:00",
    }
    await bus.publish(CONSUMER.dead_subject, payload, message_id=payload.hex(), headers=headers)


def on(nats_server: TestNats) -> dict[str, str]:
    return {
        "TIDINGS_NATS_URL": nats_server.url,
        "TIDINGS_NATS_CREDENTIALS_FILE": str(nats_server.credentials("admin")),
    }


async def test_dead_letters_are_listed_shown_and_replayed(
    shell: Shell, bus: Bus, nats_server: TestNats
) -> None:
    await bury(bus, b'{"rubbish": 1}')
    await bury(bus, b"\xffrubbish")
    listed = await shell.run("dead", "list", "--json", env=on(nats_server))
    first, second = (json.loads(line) for line in listed.out.splitlines())
    assert (first["consumer"], first["code"]) == (CONSUMER.durable, "message-unreadable")
    shown = await shell.run("dead", "show", str(first["seq"]), "--json", env=on(nats_server))
    assert shown.json["payload"] == {"rubbish": 1}
    table = await shell.run("dead", "list", env=on(nats_server))
    assert "summary-forget" in table.out
    replayed = await shell.run("dead", "replay", str(second["seq"]), env=on(nats_server))
    assert (replayed.status, "summary-forget again" in replayed.out) == (Exit.DONE, True)
    left = await shell.run("dead", "list", "--json", env=on(nats_server))
    assert [json.loads(line)["seq"] for line in left.out.splitlines()] == [first["seq"]]


async def test_a_letter_that_is_not_there_is_missing(
    shell: Shell, bus: Bus, nats_server: TestNats
) -> None:
    assert bus.is_healthy
    ended = await shell.run("dead", "show", "4711", "--json", env=on(nats_server))
    assert ended.status == Exit.MISSING
    assert json.loads(ended.err)["error"]["code"] == "dead-letter-not-found"


async def test_a_service_may_not_look_after_dead_letters(
    shell: Shell, bus: Bus, nats_server: TestNats
) -> None:
    await bury(bus, b"{}")
    env = {
        **on(nats_server),
        "TIDINGS_NATS_CREDENTIALS_FILE": str(nats_server.credentials("summary")),
    }
    ended = await shell.run("dead", "list", env=env)
    assert ended.status != Exit.DONE
    assert ended.err


async def test_a_bus_without_credentials_is_not_tried(shell: Shell, nats_server: TestNats) -> None:
    env = {"TIDINGS_NATS_URL": nats_server.url}
    ended = await shell.run("dead", "list", env=env)
    assert (ended.status, "admin.creds" in ended.err) == (Exit.DENIED, True)


async def test_an_examination_names_each_thing_and_its_state(shell: Shell) -> None:
    ended = await shell.run("doctor", "--json", env={"TIDINGS_PORT": "38080"})
    verdicts = {each["name"]: each["verdict"] for each in ended.json["findings"]}
    assert verdicts["python"] == "ok"
    assert verdicts["running"] == "warn"
    assert ended.json["healthy"] == (ended.status == Exit.DONE)


async def test_what_needs_mending_is_said_and_fails_the_command(shell: Shell) -> None:
    (shell.folder / "home").write_text("a file where the folder should be")
    ended = await shell.run("doctor")
    assert ended.status == Exit.FAILED
    assert "FAIL" in ended.out
    assert "mending" in ended.err


async def test_nothing_runs_so_nothing_is_copied(shell: Shell) -> None:
    target = shell.folder / "copy.tar"
    ended = await shell.run("backup", str(target), "--json")
    assert ended.status != Exit.DONE
    assert json.loads(ended.err)["error"]["detail"]
    assert not target.exists()


async def test_a_copy_is_not_restored_over_something(shell: Shell) -> None:
    (shell.folder / "home").mkdir()
    (shell.folder / "home" / "precious").touch()
    (shell.folder / "copy.tar").write_bytes(b"rubbish")
    ended = await shell.run("restore", str(shell.folder / "copy.tar"))
    assert (ended.status, "not empty" in ended.err) == (Exit.FAILED, True)
    assert (shell.folder / "home" / "precious").exists()


async def test_a_missing_copy_is_missing_and_an_unreadable_one_a_sentence(shell: Shell) -> None:
    missing = await shell.run("restore", str(shell.folder / "copy.tar"))
    assert (missing.status, "no backup" in missing.err) == (Exit.MISSING, True)
    # A file whose first byte nobody may read, not even root.
    unreadable = await shell.run("restore", "/proc/self/mem")
    assert (unreadable.status, "could not be restored" in unreadable.err) == (Exit.FAILED, True)
    assert list((shell.folder / "home").iterdir()) == []
