"""Keeps one program running: starts it, starts it again when it ends, with growing delay."""

import asyncio
import math
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from services.standalone.programs import Program, launch_command

FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 10.0
STABLE_AFTER_S = 10.0
LINE_LIMIT = 1 << 20
DRAIN_S = 1.0
TELL_AFTER_S = 3.0
EXIT_CONFIG = 78
"""A process that ends with it has a wrong setting; starting it again would not help."""


def restart_delay(failures: int) -> float:
    """Return how long to wait after this many ends in a row: 0.1 s, 0.2 s, ... 10 s."""
    return float(min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** min(failures - 1, 20)))


class Child:
    """One supervised process. ``on_line`` gets its output, ``on_change`` starts and ends."""

    def __init__(
        self,
        program: Program,
        *,
        on_line: Callable[[str, str], None],
        on_change: Callable[["Child"], None],
    ) -> None:
        self.program = program
        self.pid: int | None = None
        self.failures = 0
        self.is_misconfigured = False
        self.last_words = ""
        self._on_line = on_line
        self._on_change = on_change
        self._stopping = False
        self._running: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The program's name."""
        return self.program.name

    def start(self) -> None:
        """Start it, and again whenever it ends, until `stop`."""
        self._running = asyncio.create_task(self._keep_running(), name=f"supervise {self.name}")

    async def stop(self, at_most_s: float = math.inf) -> None:
        """Ask it to end, kill it when it takes too long, and return when it is gone."""
        self._stopping = True
        if self._running is None:
            return
        self._signal(self.program.stop_signal)
        if self.pid is None:
            self._running.cancel()
        limit_s = min(self.program.stop_timeout_s, at_most_s)
        if not await self._ends_in(min(limit_s, TELL_AFTER_S)):
            rest_s = limit_s - TELL_AFTER_S
            if rest_s > 0:
                self._on_line(self.name, f"finishes its work, for {rest_s:.0f} s at most")
            if not await self._ends_in(rest_s):
                self._on_line(self.name, f"did not end in {limit_s:.1f} s; ended by force")
                self.kill()
                await asyncio.wait({self._running})

    async def _ends_in(self, seconds: float) -> bool:
        if self._running is None:
            return True
        done, _ = await asyncio.wait({self._running}, timeout=max(0.0, seconds))
        return bool(done)

    def kill(self) -> None:
        """End it at once, for good."""
        self._stopping = True
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def _keep_running(self) -> None:
        while True:
            started = time.monotonic()
            code: int | None = None
            try:
                code = await self._run_once()
                ending = _ended(code)
            except OSError as exc:
                ending = self.last_words = f"cannot be started: {os.strerror(exc.errno or 0)}"
            # Set by `stop` while we waited.
            if self._stopping:
                return
            if code == EXIT_CONFIG:
                self.is_misconfigured = True
                self._on_change(self)
                return
            stable = time.monotonic() - started > STABLE_AFTER_S
            self.failures = 1 if stable else self.failures + 1
            delay_s = restart_delay(self.failures)
            self._on_line(self.name, f"{ending}; starting it again in {delay_s:.1f} s")
            self._on_change(self)
            await asyncio.sleep(delay_s)

    async def _run_once(self) -> int:
        program = self.program
        process = await asyncio.create_subprocess_exec(
            *launch_command(program),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **program.env},
            cwd=program.cwd,
            limit=LINE_LIMIT,
        )
        self.pid = process.pid
        self._on_change(self)
        output = asyncio.create_task(self._pass_on(process.stdout))
        try:
            if self._stopping:
                self._signal(program.stop_signal)
            code = await process.wait()
            # What it left behind may hold the pipe open; nobody waits for that.
            await asyncio.wait({output}, timeout=DRAIN_S)
        finally:
            output.cancel()
            if process.returncode is None:
                process.kill()
            self.pid = None
        return code

    async def _pass_on(self, stream: asyncio.StreamReader | None) -> None:
        while stream is not None:
            try:
                line = await stream.readline()
            except ValueError:
                # Longer than any of our lines; the reader has dropped it.
                continue
            if not line:
                return
            text = line.decode(errors="replace").rstrip()
            if text and not any(part in text for part in self.program.hushed):
                self.last_words = text
                self._on_line(self.name, text)


def _ended(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with status {code}"
