"""Notes which processes run, and ends those an earlier Tidings left behind when it was killed."""

import json
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from shared.bus.keys import write_secret

END_TIMEOUT_S = 5.0


class ProcessNotes:
    """A file that says which program runs under which process id; `doctor` reads it too."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, pids: Mapping[str, int]) -> None:
        """Note the processes that run now, each with its start time, for ids are used again.

        On a full disk the old notes stay: whoever is supervised goes on.
        """
        notes = {}
        for name, pid in pids.items():
            with suppress(psutil.NoSuchProcess):
                notes[name] = [pid, psutil.Process(pid).create_time()]
        with suppress(OSError):
            write_secret(self._path, json.dumps(notes))

    def running(self) -> dict[str, psutil.Process]:
        """Return the noted processes that still run, without those that merely got their id."""
        found: dict[str, psutil.Process] = {}
        notes: dict[str, tuple[int, float]] = {}
        with suppress(OSError, ValueError):
            notes = json.loads(self._path.read_text(encoding="ascii"))
        for name, (pid, created) in notes.items():
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                if process.create_time() == created and process.status() != psutil.STATUS_ZOMBIE:
                    found[name] = process
        return found


def end_leftovers(notes: ProcessNotes, postgres_directory: Path) -> list[str]:
    """End what still runs from last time and return the names; makes way for a new PostgreSQL.

    Only for whoever holds the home's lock: nobody else's processes can be noted there then.
    """
    left = notes.running()
    for name, process in left.items():
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)
    for process in _still_running(notes).values():
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _still_running(notes)
    _clear_stale_lock(postgres_directory)
    return sorted(left)


def _still_running(notes: ProcessNotes) -> dict[str, psutil.Process]:
    """Give them time to end; return those that did not. An end their parent missed is one too."""
    deadline_s = time.monotonic() + END_TIMEOUT_S
    while (running := notes.running()) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    return running


def _clear_stale_lock(directory: Path) -> None:
    """Remove postmaster.pid when the process it names is no PostgreSQL of this folder.

    PostgreSQL takes any living process with that id for its own, and after a restart of the
    machine or container some other program often has it.
    """
    path = directory / "postmaster.pid"
    try:
        pid = int(path.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        path.unlink(missing_ok=True)
        return
    if not _is_postgres_of(directory, pid):
        path.unlink(missing_ok=True)


def _is_postgres_of(directory: Path, pid: int) -> bool:
    try:
        return str(directory) in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
