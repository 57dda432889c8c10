"""Supervision of real processes: they come back, they end in order, none is left behind."""

import asyncio
import errno
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from typing_extensions import override

from services.standalone.child import restart_delay
from services.standalone.leftovers import ProcessNotes, end_leftovers
from services.standalone.logview import LogView
from services.standalone.programs import Program
from services.standalone.supervisor import Rank, StartError, Supervisor

pytestmark = pytest.mark.integration

WAIT = "import signal, time; signal.signal(15, lambda *_: exit(0)); print('up', flush=True); {}"
FOREVER = "time.sleep(600)"


class FullDisk(io.StringIO):
    """A log nothing can be written to."""

    @override
    def write(self, text: str, /) -> int:
        raise OSError(errno.ENOSPC, text)


class House:
    """A supervisor with its log and its notes."""

    def __init__(self, folder: Path) -> None:
        self.log = io.StringIO()
        self.notes = ProcessNotes(folder / "processes.json")
        self.supervisor = Supervisor(LogView(self.log), self.notes)

    def start(self, name: str, code: str, rank: Rank = Rank.SERVICE, **options: float) -> None:
        program = Program(name=name, argv=(sys.executable, "-c", code), **options)  # type: ignore[arg-type]
        self.supervisor.start(program, rank)

    async def pid(self, name: str, other_than: int | None = None) -> int:
        await _until(lambda: self._pid(name) not in (None, other_than))
        pid = self._pid(name)
        assert pid is not None
        return pid

    async def said(self, text: str, times: int = 1) -> None:
        await _until(lambda: self.log.getvalue().count(text) >= times)

    def _pid(self, name: str) -> int | None:
        process = self.notes.running().get(name)
        return process.pid if process else None


async def _until(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    async with asyncio.timeout(timeout_s):
        # Other processes cannot set an event of ours.
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def test_the_delay_grows_from_a_tenth_of_a_second_to_ten() -> None:
    assert [restart_delay(failures) for failures in (1, 2, 3, 7, 8, 1000)] == [
        0.1,
        0.2,
        0.4,
        6.4,
        10.0,
        10.0,
    ]


async def test_a_killed_program_comes_back(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.start("worker", WAIT.format(FOREVER))
    first = await house.pid("worker")
    os.kill(first, signal.SIGKILL)
    second = await house.pid("worker", other_than=first)
    assert "was ended by SIGKILL; starting it again in 0.1 s" in house.log.getvalue()
    await house.supervisor.stop()
    assert not psutil.pid_exists(first)
    assert not psutil.pid_exists(second)


async def test_a_program_that_ends_at_once_is_given_up_before_we_were_ready(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.start("worker", "print('no such table'); raise SystemExit(3)")
    with pytest.raises(StartError, match="worker ends as soon as it starts: no such table"):
        await asyncio.wait_for(house.supervisor.trouble, 30)
    assert "ended with status 3; starting it again in 0.8 s" in house.log.getvalue()
    await house.supervisor.stop()


async def test_a_program_with_a_wrong_setting_is_not_started_again(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.start("worker", "print('TIDINGS_X is wrong'); raise SystemExit(78)")
    with pytest.raises(StartError, match="worker cannot work as it is set up: TIDINGS_X is wrong"):
        await asyncio.wait_for(house.supervisor.trouble, 20)
    assert "starting it again" not in house.log.getvalue()
    await house.supervisor.stop()


async def test_once_settled_a_failing_program_is_waited_for(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.supervisor.settle()
    house.start("worker", "raise SystemExit(1)")
    await house.said("starting it again", times=6)
    assert not house.supervisor.trouble.done()
    await house.supervisor.stop()


async def test_a_program_comes_back_though_neither_notes_nor_log_can_be_written(
    tmp_path: Path,
) -> None:
    """A full disk ended supervision for good: the program was not started again, nor heard."""
    (tmp_path / "full").touch()
    starts = tmp_path / "starts"
    # More than the pipe holds: it ends only while somebody reads.
    code = f"open({str(starts)!r}, 'a').write('.'); print('x\\n' * 200_000); raise SystemExit(1)"
    notes = ProcessNotes(tmp_path / "full" / "processes.json")
    supervisor = Supervisor(LogView(FullDisk()), notes)
    supervisor.settle()
    supervisor.start(Program(name="worker", argv=(sys.executable, "-c", code)), Rank.SERVICE)
    await _until(lambda: starts.exists() and starts.stat().st_size >= 3)
    await supervisor.stop()


async def test_a_program_that_cannot_be_started_yet_is_tried_again(tmp_path: Path) -> None:
    house = House(tmp_path)
    place = tmp_path / "later"
    program = Program(name="worker", argv=(sys.executable, "-c", WAIT.format(FOREVER)), cwd=place)
    house.supervisor.start(program, Rank.SERVICE)
    await house.said("cannot be started: No such file or directory; starting it again in 0.2 s")
    place.mkdir()
    await house.said(" up")
    await house.supervisor.stop()


async def test_programs_end_before_those_they_need(tmp_path: Path) -> None:
    house = House(tmp_path)
    code = (
        "import signal, time, sys\n"
        "def end(*_):\n"
        "    time.sleep(0.2); print('ended', sys.argv[0], flush=True); raise SystemExit\n"
        "signal.signal(15, end); print('up', flush=True); time.sleep(600)"
    )
    house.start("postgres", code, Rank.DATABASE)
    house.start("nats", code, Rank.BUS)
    house.start("upload", code, Rank.SERVICE)
    await house.said(" up", times=3)
    await house.supervisor.stop()
    ended = [line.split()[1] for line in house.log.getvalue().splitlines() if "ended" in line]
    assert ended == ["upload", "nats", "postgres"]


async def test_a_program_that_will_not_end_is_killed(tmp_path: Path) -> None:
    house = House(tmp_path)
    code = WAIT.format(FOREVER).replace("lambda *_: exit(0)", "signal.SIG_IGN")
    house.start("worker", code, stop_timeout_s=0.3)
    await house.said(" up")
    pid = await house.pid("worker")
    await house.supervisor.stop()
    assert not psutil.pid_exists(pid)
    assert "worker        did not end in 0.3 s; ended by force" in house.log.getvalue()


@pytest.mark.parametrize("is_settled", [False, True])
async def test_only_what_was_ready_is_given_time_to_finish(
    tmp_path: Path, *, is_settled: bool
) -> None:
    house = House(tmp_path)
    code = WAIT.format(FOREVER).replace("exit(0)", "(time.sleep(4), exit(0))")
    house.start("worker", code, stop_timeout_s=60)
    await house.said(" up")
    if is_settled:
        house.supervisor.settle()
    await house.supervisor.stop()
    said = house.log.getvalue()
    assert ("finishes its work, for 57 s at most" in said) is is_settled
    assert ("did not end in 3.0 s; ended by force" in said) is not is_settled


async def test_a_second_wish_to_stop_ends_everything_at_once(tmp_path: Path) -> None:
    house = House(tmp_path)
    code = WAIT.format(FOREVER).replace("lambda *_: exit(0)", "signal.SIG_IGN")
    house.start("worker", code, stop_timeout_s=60)
    house.start("nats", code, Rank.BUS, stop_timeout_s=60)
    await house.said(" up", times=2)
    stopping = asyncio.create_task(house.supervisor.stop())
    await asyncio.sleep(0.1)
    assert not stopping.done()
    house.supervisor.kill()
    await asyncio.wait_for(stopping, 10)
    assert house.notes.running() == {}
    assert "starting it again" not in house.log.getvalue()


async def test_stopping_does_not_wait_for_a_restart_that_is_due(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.supervisor.settle()
    house.start("worker", "raise SystemExit(1)")
    await house.said("in 0.8 s")
    began = time.monotonic()
    await house.supervisor.stop()
    assert time.monotonic() - began < 0.5


async def test_hushed_lines_and_endless_ones_do_not_spoil_the_log(tmp_path: Path) -> None:
    house = House(tmp_path)
    code = f"print('x' * 3_000_000); print('[INF] noise'); {WAIT.format(FOREVER)}"
    program = Program(name="nats", argv=(sys.executable, "-c", code), hushed=("[INF]",))
    house.supervisor.start(program, Rank.BUS)
    await house.said(" up")
    await house.supervisor.stop()
    assert "noise" not in house.log.getvalue()
    assert len(house.log.getvalue()) < 1_000_000


def test_children_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from tests.integration.standalone.test_supervisor import FOREVER, House, WAIT\n"
        "async def main():\n"
        "    house = House(Path(sys.argv[1]))\n"
        "    house.start('worker', WAIT.format(FOREVER))\n"
        "    await house.said(' up')\n"
        "    print('ready', flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent.stdout:
        assert parent.stdout.readline() == "ready\n"
        worker = ProcessNotes(tmp_path / "processes.json").running()["worker"]
        parent.kill()
        parent.wait()
    worker.wait(10)
    assert not worker.is_running()


def test_what_was_left_running_is_ended_at_the_next_start(tmp_path: Path) -> None:
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    notes = ProcessNotes(tmp_path / "processes.json")
    notes.write({"upload": left.pid})
    (tmp_path / "postgres").mkdir()
    assert end_leftovers(notes, tmp_path / "postgres") == ["upload"]
    assert left.poll() is not None


def test_a_stranger_who_got_an_old_process_id_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        notes = ProcessNotes(tmp_path / "processes.json")
        notes.write({"upload": stranger.pid})
        noted = (tmp_path / "processes.json").read_text(encoding="ascii")
        created = psutil.Process(stranger.pid).create_time()
        (tmp_path / "processes.json").write_text(
            noted.replace(str(created), str(created - 1)), encoding="ascii"
        )
        (tmp_path / "postgres").mkdir()
        (tmp_path / "postgres" / "postmaster.pid").write_text(f"{stranger.pid}\n", encoding="ascii")
        assert end_leftovers(notes, tmp_path / "postgres") == []
        assert stranger.poll() is None
        # PostgreSQL would take the stranger for itself and refuse to start.
        assert not (tmp_path / "postgres" / "postmaster.pid").exists()
    finally:
        stranger.kill()
        stranger.wait()
