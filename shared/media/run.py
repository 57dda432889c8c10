"""Runs one media program, limited in time, memory, output and priority.

Promises that nothing of it outlives the call: on an error, a time-out or a cancel it is killed with
all its children and reaped, and when this process is killed the kernel kills the program. Leaves
judging the exit status to the caller.
"""

import asyncio
import contextlib
import os
import resource
import shutil
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from math import ceil

import psutil

from shared.media.errors import MediaOutputTooLargeError, MediaTookTooLongError
from shared.media.settings import setpriv_path

MIB = 1 << 20
READ_BYTES = 64 * 1024
STDERR_TAIL_BYTES = 4096
PIPES_END_S = 2.0
TIED = ("--pdeathsig", "KILL")
"""The kernel kills what follows when we are killed. A launcher in Python would cost more than
ffmpeg takes for a short recording."""
MOST_MODEST = 19
"""The lowest priority there is."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one run may use up."""

    cpu_s: int = 600
    """Processor time of all threads; the kernel enforces it even when we are gone."""
    stall_s: float = 60.0
    """Longest time without reading or writing anything while input is waiting."""
    memory_bytes: int = 2048 * MIB
    """Address space."""
    output_bytes: int = 64 * MIB
    """Most bytes on standard output, and the size of any one file written."""
    nice: int = 5
    """How much more modest than this process, which may be nice itself."""


@dataclass(frozen=True, kw_only=True)
class Completed:
    """How a run ended. ``stderr_tail`` may hold names from inside the file: never log it."""

    returncode: int
    stdout: bytes
    stderr_tail: bytes


class MediaProcess:
    """A running program: iterate `output`, then ask for `returncode`. Made by `started`."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        limits: Limits,
        source: AsyncIterator[bytes] | None,
    ) -> None:
        self._process = process
        self._limits = limits
        self._source = source
        self._bytes_fed = 0
        self._waits_for_source = source is not None
        self._tail = bytearray()
        self._stdout_bytes = 0
        self._feeding = asyncio.create_task(self._feed())
        self._tailing = asyncio.create_task(self._keep_tail())

    @property
    def returncode(self) -> int:
        """Exit status; only known after `output` was read to its end."""
        returncode = self._process.returncode
        if returncode is None:
            raise RuntimeError("the program still runs")
        return returncode

    @property
    def stderr_tail(self) -> bytes:
        """The last of what the program said. Never log it raw."""
        return bytes(self._tail)

    async def output(self) -> AsyncGenerator[bytes, None]:
        """Yield standard output as it comes, then wait for the exit.

        `MediaTookTooLongError` when nothing moves for too long, `MediaOutputTooLargeError` when
        there is more than allowed; an error of the source is raised here too.
        """
        while data := await self._read():
            self._stdout_bytes += len(data)
            if self._stdout_bytes > self._limits.output_bytes:
                raise MediaOutputTooLargeError
            yield data
        async with _limit_of(self._limits.stall_s):
            await self._process.wait()
            await self._tailing
        if self._feeding.done():
            self._feeding.result()
        if self._process.returncode == -signal.SIGXFSZ:
            raise MediaOutputTooLargeError
        if self._process.returncode == -signal.SIGXCPU:
            raise MediaTookTooLongError

    async def stop(self) -> None:
        """Kill what still runs of it, and wait until that and its pipes are gone."""
        _kill_family(self._process)
        self._feeding.cancel()
        await asyncio.gather(self._feeding, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            # Pipes end with the family; only a child made just now could hold them longer.
            async with asyncio.timeout(PIPES_END_S):
                # Read first: asyncio's wait() does not return while a full pipe is left unread.
                await self._drain_output()
                await self._tailing
                await self._process.wait()
        self._tailing.cancel()
        await asyncio.gather(self._tailing, return_exceptions=True)

    async def _feed(self) -> None:
        """Write the source to standard input at the pace the program takes it."""
        stdin = self._process.stdin
        if stdin is None or self._source is None:
            return
        complete = False
        try:
            async for data in self._source:
                self._waits_for_source = False
                stdin.write(data)
                await stdin.drain()
                self._bytes_fed += len(data)
                self._waits_for_source = True
            complete = True
        except (BrokenPipeError, ConnectionResetError):
            complete = True  # It needs no more, or it died: the exit status tells which.
        finally:
            self._waits_for_source = False
            if not complete:
                # A source that failed must not look like one that ended.
                _kill_family(self._process)
            stdin.close()

    async def _keep_tail(self) -> None:
        """Drain standard error, so that it never blocks, and keep its end."""
        stderr = self._process.stderr
        while stderr is not None and (data := await stderr.read(READ_BYTES)):
            self._tail = (self._tail + data)[-STDERR_TAIL_BYTES:]

    async def _drain_output(self) -> None:
        stdout = self._process.stdout
        while stdout is not None and await stdout.read(READ_BYTES):
            pass

    async def _read(self) -> bytes:
        stdout = self._process.stdout
        if stdout is None:
            return b""
        while True:
            before = self._bytes_fed
            try:
                async with asyncio.timeout(self._limits.stall_s):
                    return await stdout.read(READ_BYTES)
            except TimeoutError:
                if not self._waits_for_source and self._bytes_fed == before:
                    raise MediaTookTooLongError from None


@contextlib.asynccontextmanager
async def started(
    args: Sequence[str], limits: Limits, source: AsyncIterator[bytes] | None = None
) -> AsyncIterator[MediaProcess]:
    """Start the program and yield it; whatever happens inside, nothing of it is left afterwards.

    Raises FileNotFoundError when there is no such program.
    """
    program = shutil.which(args[0], path=os.defpath)
    if program is None:
        raise FileNotFoundError(args[0])
    process = await asyncio.create_subprocess_exec(
        setpriv_path(),
        *TIED,
        program,
        *args[1:],
        stdin=asyncio.subprocess.DEVNULL if source is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.defpath},
        limit=READ_BYTES,
    )
    running = MediaProcess(process, limits, source)
    try:
        _restrain(process.pid, limits)
        yield running
    finally:
        await running.stop()


async def run_media(
    args: Sequence[str],
    *,
    timeout_s: float = 120.0,
    memory_bytes: int = Limits.memory_bytes,
    nice: int = Limits.nice,
    output_limit_bytes: int = Limits.output_bytes,
    stdin: AsyncIterator[bytes] | None = None,
) -> Completed:
    """Run to the end and return status and output; raises only when a limit was passed."""
    limits = Limits(
        cpu_s=cpu_seconds(timeout_s),
        memory_bytes=memory_bytes,
        output_bytes=output_limit_bytes,
        nice=nice,
    )
    async with (
        _limit_of(timeout_s),
        started(args, limits, stdin) as running,
        contextlib.aclosing(running.output()) as output,
    ):
        stdout = b"".join([data async for data in output])
    return Completed(returncode=running.returncode, stdout=stdout, stderr_tail=running.stderr_tail)


def cpu_seconds(timeout_s: float) -> int:
    """Return the most processor time a run of this wall time can honestly use."""
    return ceil(timeout_s) * (os.cpu_count() or 1) + 1


@contextlib.asynccontextmanager
async def _limit_of(timeout_s: float) -> AsyncIterator[None]:
    timer = asyncio.timeout(timeout_s)
    try:
        async with timer:
            yield
    except TimeoutError:
        if not timer.expired():
            raise
        raise MediaTookTooLongError from None


def _restrain(pid: int, limits: Limits) -> None:
    # Set from outside: a preexec_fn would fork this whole process and is unsafe beside threads. The
    # program cannot have used anything up in the moment between.
    bounds = (
        (resource.RLIMIT_AS, limits.memory_bytes, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.output_bytes, limits.output_bytes),
        # At the lower bound SIGXCPU tells why; SIGKILL at the upper one would not.
        (resource.RLIMIT_CPU, limits.cpu_s, limits.cpu_s + 2),
        (resource.RLIMIT_CORE, 0, 0),
    )
    with contextlib.suppress(ProcessLookupError):  # It is already over.
        for kind, lower, upper in bounds:
            # Whoever started us may have set narrower bounds, which only root may widen.
            most = _narrower(upper, resource.prlimit(pid, kind)[1])
            resource.prlimit(pid, kind, (_narrower(lower, most), most))
        ours = os.getpriority(os.PRIO_PROCESS, 0)
        os.setpriority(os.PRIO_PROCESS, pid, min(MOST_MODEST, ours + limits.nice))


def _narrower(bound: int, other: int) -> int:
    return bound if other == resource.RLIM_INFINITY else min(bound, other)


def _kill_family(process: asyncio.subprocess.Process) -> None:
    """Kill the program and what it started: FFMPEG may name a script around the real one.

    Not by a group of its own: uvloop makes none, and a session would be a group to the scheduler
    as well, so that Linux may share out processors among those whatever the priorities.
    """
    if process.returncode is not None:
        return
    with contextlib.suppress(psutil.NoSuchProcess):  # It is over.
        program = psutil.Process(process.pid)
        for each in (program, *program.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
