"""One running Tidings for all flows of a worker, used from outside only."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.client import Tidings, signed_in
from tests.support.stack import Stack, running_stack

TIDINGS = Path(sys.executable).with_name("tidings")


@dataclass(frozen=True)
class Said:
    """What one command answered."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Return what was told as one JSON object a line."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Cli:
    """The `tidings` command as the owner of a home."""

    url: str
    token: str
    home: Path

    def run(self, *arguments: str | Path, timeout_s: float = 120, **env: str) -> Said:
        """Run one command to its end."""
        done = subprocess.run(
            [TIDINGS, *arguments],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            env={
                **os.environ,
                "TIDINGS_URL": self.url,
                "TIDINGS_TOKEN": self.token,
                "TIDINGS_HOME": str(self.home),
                **env,
            },
        )
        return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with running_stack() as stack:
        yield stack


@pytest.fixture
def cli(stack: Stack) -> Cli:
    return Cli(stack.url, stack.token, stack.home.path)


@pytest.fixture
async def tidings(stack: Stack) -> AsyncIterator[Tidings]:
    async with signed_in(stack.url, stack.token) as tidings:
        yield tidings
