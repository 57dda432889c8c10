"""A real nats-server with JetStream for tests, on a free port, with credentials per service."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.standalone.nats import NatsServer
from services.standalone.programs import free_port
from tests.support.processes import end_process, start_program

READY_TIMEOUT_S = 15.0


class TestNats:
    """A running server. `kill` and `start` again keep port and streams."""

    __test__ = False

    def __init__(self, server: NatsServer, log_path: Path) -> None:
        self.server = server
        self._log_path = log_path
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self.server.url

    def credentials(self, service: str) -> Path:
        """Return the credentials file of a service, or of ``admin``."""
        return self.server.credentials / f"{service}.creds"

    def start(self) -> None:
        self._process = start_program(self.server.program(), self._log_path)
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not _greets(self.server.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(self._log_path.read_text(encoding="utf-8"))
            time.sleep(0.02)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        if self._process is not None:
            end_process(self._process, self.server.program())
            self._process = None


@contextmanager
def running_nats() -> Iterator[TestNats]:
    """Give a server without streams; it and its files are gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="tidings-nats-"))
    running = TestNats(NatsServer(directory=home / "nats", port=free_port()), home / "nats.log")
    try:
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(home, ignore_errors=True)


def _greets(port: int) -> bool:
    """Return whether the server says INFO, which it does when it is ready for clients."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            return connection.recv(4) == b"INFO"
    except OSError:
        return False
