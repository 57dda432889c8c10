"""Starts servers for tests so that none outlives them: ended by pid, killed if the tests are."""

import os
import subprocess
import threading
from pathlib import Path

from services.standalone.programs import Program, launch_command


def start_program(
    program: Program, log_path: Path, *, cwd: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start it with its output in a file, through the launcher that ties its life to ours.

    The kernel ties it to the thread that starts it, so that must be the main one.
    """
    assert threading.current_thread() is threading.main_thread()
    with log_path.open("ab") as log:
        return subprocess.Popen(
            launch_command(program),
            env={**os.environ, **program.env},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=cwd or program.cwd,
        )


def end_process(process: subprocess.Popen[bytes], program: Program) -> None:
    """Ask it to stop, and kill it when it does not."""
    process.send_signal(program.stop_signal)
    try:
        process.wait(program.stop_timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
