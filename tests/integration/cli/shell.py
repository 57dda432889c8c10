"""Runs the ``tidings`` command against a server, as a person or script would."""

import asyncio
import io
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.cli.__main__ import run
from tests.integration.cli.small_tidings import TOKEN, SmallTidings


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Shell:
    """Runs commands, most in this process, which spares them half a second each."""

    tidings: SmallTidings
    folder: Path
    patch: pytest.MonkeyPatch

    def surroundings(self) -> dict[str, str]:
        return {
            "TIDINGS_URL": self.tidings.url,
            "TIDINGS_TOKEN": TOKEN,
            "TIDINGS_HOME": str(self.folder / "home"),
            "TIDINGS_CLI_STATE_DIR": str(self.folder / "state"),
        }

    async def run(self, *arguments: str, env: dict[str, str] | None = None) -> Ended:
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        err = io.StringIO()
        with self.patch.context() as patch:
            for name, value in {**self.surroundings(), **(env or {})}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            async with asyncio.timeout(30):
                status = await asyncio.to_thread(run, arguments)
        written = out.buffer
        assert isinstance(written, io.BytesIO)
        return Ended(status, written.getvalue().decode(), err.getvalue())

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.cli",
            *arguments,
            env={"PATH": os.environ["PATH"], **self.surroundings()},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
