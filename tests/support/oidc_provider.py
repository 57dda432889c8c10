"""A real OpenID Connect provider for tests, in a process of its own on a free port."""

import json
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from services.standalone.programs import Program, free_port
from tests.support.processes import end_process, start_program

READY_TIMEOUT_S = 20.0


@contextmanager
def running_provider(*people: dict[str, Any]) -> Iterator[str]:
    """Give the issuer of a provider that knows these people, each a set of claims."""
    port = free_port()
    issuer = f"http://localhost:{port}"
    claims = [part for person in people for part in ("--user-claims", json.dumps(person))]
    program = Program(
        name="oidc",
        argv=(
            *(sys.executable, "-W", "ignore", "-m", "oidc_provider_mock"),
            *("--host", "127.0.0.1", "--port", str(port), "--require-nonce", "true", *claims),
        ),
    )
    with tempfile.TemporaryDirectory(prefix="tidings-oidc-") as folder:
        log = Path(folder) / "log"
        process = start_program(program, log)
        try:
            deadline = time.monotonic() + READY_TIMEOUT_S
            while not _answers(f"{issuer}/.well-known/openid-configuration"):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(log.read_text(encoding="utf-8"))
                time.sleep(0.05)
            yield issuer
        finally:
            end_process(process, program)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):  # noqa: S310 - our own address
            return True
    except (urllib.error.URLError, OSError):
        return False
