"""A whole Tidings as one child process, for tests that use it from outside and kill its parts."""

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from services.standalone.home import Home
from services.standalone.leftovers import ProcessNotes
from services.standalone.programs import is_port_free
from services.standalone.settings import PORTS_USED
from shared.launch import launch_argv

READY_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 60.0
FIRST_PORT = 20_000
ASK_EVERY_S = 0.05


class Stack:
    """`python -m services.standalone` in a home of its own. `start`, `kill("upload")`, `stop`."""

    def __init__(
        self, home: Path, *, env: Mapping[str, str] | None = None, user: str | None = None
    ) -> None:
        """Run in this home; as root, perhaps as another user."""
        self.home = Home(home)
        self.port = free_ports_from(FIRST_PORT)
        self.log_path = home.parent / f"{home.name}.log"
        self._env = dict(env or {})
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where page and API are."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        """The owner's token."""
        return self.home.owner_token.read_text(encoding="ascii").strip()

    @property
    def log(self) -> str:
        """Everything the processes have said so far."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    @property
    def sign_in_url(self) -> str:
        """The one-time link of the first start."""
        found = re.search(r"sign in, once, with (\S+)", self.log)
        assert found, self.log[-4000:]
        return found[1]

    @property
    def supervisor_pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, *, wait: bool = True) -> None:
        """Start it, and wait until it says it is ready."""
        was_ready = self._ready_lines() if self.log_path.exists() else 0
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                env={
                    **os.environ,
                    "TIDINGS_HOME": str(self.home.path),
                    "TIDINGS_PORT": str(self.port),
                    # Putting the model together anew for every home would only heat the room.
                    "TIDINGS_TRANSCRIPTION_MODEL_DIR": str(_models(self._user)),
                    **self._env,
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        if wait:
            wait_until(lambda: self._ready_lines() > was_ready or self._ended(), READY_TIMEOUT_S)
            assert not self._ended(), self.log[-6000:]

    def stop(self) -> int:
        """Stop it as Ctrl-C does and return its exit status."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(signal.SIGINT)
        try:
            return process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._kill_all(process)
            raise

    def pids(self) -> dict[str, int]:
        """Return the processes that run now: workspace, upload, ..., nats, postgres."""
        running = ProcessNotes(self.home.processes).running()
        return {name: process.pid for name, process in running.items()}

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Send one process a signal, SIGKILL by default, and return its id."""
        pid = self.pids()[name]
        os.kill(pid, number)
        return pid

    def kill_supervisor(self) -> None:
        """SIGKILL the parent of all, as the system does when memory runs out."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def wait_restarted(self, name: str, old_pid: int, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Wait until the process runs again under another id."""
        wait_until(lambda: self.pids().get(name, old_pid) != old_pid, timeout_s)

    def wait_ready(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Wait until every service says it can do its work."""
        ports = range(self.port, self.port + PORTS_USED)
        wait_until(lambda: all(is_ready(port) for port in ports), timeout_s)

    def _command(self) -> list[str]:
        command = (sys.executable, "-m", "services.standalone")
        if self._user is not None:
            return as_user(self._user, *command)
        # Ends with the tests, however they end; the kernel watches the thread that starts it.
        assert threading.current_thread() is threading.main_thread()
        return launch_argv(command, stop_signal=signal.SIGTERM)

    def _ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _ready_lines(self) -> int:
        return len(re.findall(r"ready after [\d.]+ s", self.log))

    @staticmethod
    def _kill_all(process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
        process.kill()
        process.wait()


def as_user(name: str, *command: str) -> list[str]:
    """Return the command that runs this one as another user, even with a Python below /root."""
    entry = pwd.getpwnam(name)
    return launch_argv(
        command,
        stop_signal=signal.SIGTERM,
        uid=entry.pw_uid,
        gid=entry.pw_gid,
        may_search=True,
    )


@contextmanager
def running_stack(*, env: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """Give a ready Tidings in an empty home; it and its files are gone afterwards."""
    with stack_home() as home:
        stack = Stack(home, env=env)
        try:
            stack.start()
            yield stack
        finally:
            stack.stop()


@contextmanager
def stack_home() -> Iterator[Path]:
    """Give the path of a home to be, below a folder that PostgreSQL's own user may pass."""
    folder = Path(tempfile.mkdtemp(prefix="tidings-"))
    folder.chmod(0o755)
    try:
        yield folder / "home"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_ports_from(first: int) -> int:
    """Return the first of seven ports in a row that nobody uses, different for parallel tests."""
    start = first + os.getpid() % 1000 * 10
    for port in range(start, start + 20_000, 10):
        if all(is_port_free(port + offset) for offset in range(PORTS_USED)):
            return port
    raise AssertionError("no seven free ports in a row")


def wait_until(condition: Callable[[], bool], timeout_s: float) -> None:
    """Ask until it is true; fail when it takes too long."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} seconds")
        time.sleep(ASK_EVERY_S)


def _models(user: str | None) -> Path:
    return Path(tempfile.gettempdir()) / f"tidings-test-models-{user or os.geteuid()}"


def is_ready(port: int) -> bool:
    """Return whether the service on this port says it can do its work."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=3) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False
