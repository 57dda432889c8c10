"""The upload service as its own process on a fixed port, to be killed and started again."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.standalone.programs import free_port
from tests.support.nats_server import TestNats
from tests.support.upload_house import Keys

READY_TIMEOUT_S = 20.0


class UploadProcess:
    """`start`, `kill` and `start` again keep the port; what is stored lies elsewhere."""

    def __init__(self, environment: dict[str, str], log_path: Path) -> None:
        self.port = free_port()
        self._environment = {**environment, "TIDINGS_HTTP_PORT": str(self.port)}
        self._log_path = log_path
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.upload"],
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(self._log_path.read_text(encoding="utf-8"))
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(number)
        status = self._process.wait(30)
        self._process = None
        return status

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:  # noqa: S310 - our own server
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@contextmanager
def running_upload_process(
    *, database_url: str, nats: TestNats, blobs: Path, keys: Keys, home: Path, **more: str
) -> Iterator[UploadProcess]:
    """Give a started process; it is gone afterwards. ``more`` sets TIDINGS_UPLOAD_<NAME>."""
    environment = {
        "TIDINGS_DATABASE_URL": database_url,
        "TIDINGS_NATS_URL": nats.url,
        "TIDINGS_NATS_CREDENTIALS_FILE": str(nats.credentials("upload")),
        "TIDINGS_BLOB_URL": f"file://{blobs}",
        "TIDINGS_TOKEN_PUBLIC_KEY_FILE": str(keys.public_file),
        **{f"TIDINGS_UPLOAD_{name.upper()}": value for name, value in more.items()},
    }
    process = UploadProcess(environment, home / "upload.log")
    process.start()
    try:
        yield process
    finally:
        process.kill()
