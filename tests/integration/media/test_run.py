"""Limits of `run_media`, tripped with small programs that misbehave on purpose."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvloop

from shared.media import (
    Limits,
    MediaOutputTooLargeError,
    MediaTookTooLongError,
    run_media,
    started,
)

pytestmark = pytest.mark.integration

MIB = 1 << 20


def python(script: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", script, *arguments]


async def until(condition: Callable[[], bool], within_s: float = 5.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not become true in time"
        await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open(sys.argv[1], "w").write(str(child.pid))
time.sleep(60)
"""


async def test_output_and_exit_status_are_returned() -> None:
    done = await run_media(python("import sys; print('out'); sys.stderr.write('err'); sys.exit(3)"))
    assert (done.returncode, done.stdout, done.stderr_tail) == (3, b"out\n", b"err")


async def test_only_the_end_of_a_long_complaint_is_kept() -> None:
    done = await run_media(python("import sys; sys.stderr.write('x' * 300000 + 'end')"))
    assert len(done.stderr_tail) == 4096
    assert done.stderr_tail.endswith(b"end")


async def test_a_run_that_takes_too_long_is_stopped_with_all_its_children(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with pytest.raises(MediaTookTooLongError):
        await run_media(python(FAMILY, str(note)), timeout_s=1.0)
    await until(lambda: not is_alive(int(note.read_text())))


async def test_a_cancelled_run_leaves_no_process(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    running = asyncio.create_task(run_media(python(FAMILY, str(note))))
    await until(lambda: note.exists() and note.read_text() != "")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: not is_alive(int(note.read_text())))


async def test_more_output_than_allowed_ends_the_run() -> None:
    with pytest.raises(MediaOutputTooLargeError):
        await run_media(
            python("import sys\nwhile True: sys.stdout.write('x' * 65536)"), output_limit_bytes=MIB
        )


async def test_a_file_larger_than_allowed_ends_the_run(tmp_path: Path) -> None:
    script = (
        "import sys, signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
        "sys.stdin.read()\n"
        "with open(sys.argv[1], 'wb') as out:\n"
        "    while True: out.write(b'x' * 65536)"
    )
    with pytest.raises(MediaOutputTooLargeError):
        await run_media(
            python(script, str(tmp_path / "big")), output_limit_bytes=MIB, stdin=parts(b"go")
        )
    assert (tmp_path / "big").stat().st_size <= MIB


async def test_a_greedy_program_gets_no_more_memory() -> None:
    script = "import sys; sys.stdin.read(); x = bytearray(1 << 30); print('got it')"
    done = await run_media(python(script), memory_bytes=512 * MIB, stdin=parts(b"go"))
    assert done.returncode == 1
    assert b"MemoryError" in done.stderr_tail


async def test_processor_time_is_bounded_by_the_kernel() -> None:
    spin = python("import sys; sys.stdin.read()\nwhile True: pass")
    with pytest.raises(MediaTookTooLongError):
        async with started(spin, Limits(cpu_s=1), parts(b"go")) as running:
            _ = [data async for data in running.output()]


async def test_a_program_that_takes_nothing_in_is_stopped() -> None:
    deaf = python("import time; time.sleep(60)")
    source = parts(*(bytes(MIB) for _ in range(4)))
    with pytest.raises(MediaTookTooLongError):
        async with started(deaf, Limits(stall_s=0.3), source) as running:
            _ = [data async for data in running.output()]


async def test_waiting_for_a_slow_source_is_no_stall() -> None:
    async def slowly() -> AsyncIterator[bytes]:
        yield b"one "
        await asyncio.sleep(0.5)
        yield b"two"

    echo = python("import sys; sys.stdout.write(sys.stdin.read())")
    async with started(echo, Limits(stall_s=0.2), slowly()) as running:
        assert b"".join([data async for data in running.output()]) == b"one two"


async def test_a_source_that_fails_does_not_look_like_one_that_ended() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionAbortedError("the store went away")

    echo = python("import sys; sys.stdout.write(sys.stdin.read())")
    with pytest.raises(ConnectionAbortedError):
        await run_media(echo, stdin=broken())


async def test_a_program_that_needs_no_more_input_may_end_early() -> None:
    source = parts(*(bytes(MIB) for _ in range(8)))
    done = await run_media(python("print('enough')"), stdin=source)
    assert (done.returncode, done.stdout) == (0, b"enough\n")


async def test_a_program_that_is_not_there_is_not_taken_for_one_that_failed() -> None:
    with pytest.raises(FileNotFoundError):
        await run_media(["/nowhere/ffmpeg", "-version"])


async def test_a_killed_process_leaves_no_program_behind(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = (
        "import asyncio, sys\n"
        "from shared.media import run_media\n"
        'sleep = \'import os, sys, time; open(sys.argv[1], "w").write(str(os.getpid())); '
        "time.sleep(60)'\n"
        "asyncio.run(run_media([sys.executable, '-c', sleep, sys.argv[1]]))\n"
    )
    service = await asyncio.create_subprocess_exec(*python(script, str(pid_file)))
    await until(lambda: pid_file.exists() and pid_file.read_text() != "", within_s=20)
    program = int(pid_file.read_text())
    assert is_alive(program)
    service.kill()
    await service.wait()
    await until(lambda: not is_alive(program))


async def test_a_program_stays_in_our_session() -> None:
    """Else its priority would not count beside ours."""
    done = await run_media(python("import os; print(os.getsid(0))"))
    assert done.stdout.split() == [str(os.getsid(0)).encode()]


def test_programs_run_on_the_loop_that_services_run_on() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        done = runner.run(run_media(python("print('out')")))
    assert done.stdout == b"out\n"


async def test_priority_is_lowered_and_secrets_stay_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDINGS_SECRET", "x")
    script = "import os, sys; sys.stdin.read(); print(os.nice(0), 'TIDINGS_SECRET' in os.environ)"
    done = await run_media(python(script), nice=15, stdin=parts(b"go"))
    assert done.stdout.split() == [str(min(19, os.nice(0) + 15)).encode(), b"False"]


UNDER_BOUNDS = """
import asyncio, resource, sys
from shared.media import Limits, run_media, started

async def main():
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    show = "import os, resource, sys; sys.stdin.read(); " \
        "print(os.nice(0), resource.getrlimit(resource.RLIMIT_FSIZE)[1])"
    async def go():
        yield b"go"
    done = await run_media([sys.executable, "-c", show], stdin=go())
    print(done.stdout.decode())

asyncio.run(main())
"""


async def test_programs_run_where_we_are_nice_and_bounded_ourselves() -> None:
    """Started by `nice -n 10` as an ordinary user, no recording was ever made playable."""
    ordinary = ("setpriv", "--bounding-set=-sys_nice,-sys_resource") if os.geteuid() == 0 else ()
    process = await asyncio.create_subprocess_exec(
        *(*ordinary, "nice", "-n", "10", sys.executable, "-c", UNDER_BOUNDS),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert said.split() == [str(min(19, os.nice(0) + 15)).encode(), str(MIB).encode()]


async def parts(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
