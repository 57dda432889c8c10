"""PostgreSQL from its wheel: makes and starts a cluster, on loopback with passwords only."""

import os
import secrets
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from services.standalone.programs import (
    Program,
    find_postgres,
    is_open_to,
    launch_command,
    unprivileged_ids,
)
from shared.errors import UnavailableError

ADMIN = "tidings_admin"
DATABASE = "tidings"

DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
FORGETFUL = {"fsync": "off", "synchronous_commit": "on", "full_page_writes": "off"}
"""For tests: survives a killed process, but not a machine that loses power."""

_MODEST = {
    "shared_buffers": "128MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "1GB",
    "max_connections": "120",
    "jit": "off",
}


class ClusterError(UnavailableError):
    """PostgreSQL could not make its files."""

    code = "postgres-initdb"


@dataclass(frozen=True, kw_only=True)
class PostgresServer:
    """A cluster in ``directory`` that listens on ``127.0.0.1:port``."""

    directory: Path
    port: int
    password: str
    durability: tuple[tuple[str, str], ...] = tuple(DURABLE.items())

    def url(
        self, database: str = DATABASE, *, user: str = ADMIN, password: str | None = None
    ) -> str:
        """Return the address of one database for one role, by default the administrator's."""
        secret = quote(password or self.password, safe="")
        return f"postgresql://{user}:{secret}@127.0.0.1:{self.port}/{database}"

    @property
    def is_made(self) -> bool:
        """True once `make` has finished; a half-made cluster lacks its last file."""
        return (self.directory / "PG_VERSION").is_file()

    def make(self) -> None:
        """Create the cluster and its administrator; raise ClusterError with initdb's reason."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        ids = unprivileged_ids()
        with tempfile.NamedTemporaryFile("w", prefix="tidings-", encoding="utf-8") as password_file:
            password_file.write(self.password)
            password_file.flush()
            if ids is not None:
                os.chown(self.directory, *ids)
                os.fchown(password_file.fileno(), *ids)
            done = subprocess.run(  # noqa: S603 - a list of our own arguments, no shell
                launch_command(self._initdb(Path(password_file.name))),
                cwd=self.directory,
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode != 0:
            raise ClusterError(f"PostgreSQL could not make its files: {done.stderr.strip()}")

    def program(self) -> Program:
        """Return the server process. SIGINT is its fast shutdown: connections are cut."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "password_encryption": "scram-sha-256",
            # A failing statement is the service's to report, and may hold what people said.
            "log_min_messages": "fatal",
            "log_min_error_statement": "panic",
            "log_parameter_max_length_on_error": "0",
            "log_line_prefix": "%q",
            **_MODEST,
            **dict(self.durability),
        }
        return self._program(
            "postgres",
            "-D",
            str(self.directory),
            *(part for key, value in settings.items() for part in ("-c", f"{key}={value}")),
        )

    def _initdb(self, password_file: Path) -> Program:
        return self._program(
            "initdb",
            f"--pgdata={self.directory}",
            f"--username={ADMIN}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-instructions",
            *(["--no-sync"] if dict(self.durability)["fsync"] == "off" else []),
        )

    def _program(self, name: str, *arguments: str) -> Program:
        """Return one of PostgreSQL's programs, to be run as a user it accepts."""
        binary = find_postgres() / name
        uid, gid = unprivileged_ids() or (None, None)
        return Program(
            name=name,
            argv=(str(binary), *arguments),
            cwd=self.directory,
            uid=uid,
            gid=gid,
            may_search=uid is not None
            and not (is_open_to(binary, uid) and is_open_to(self.directory, uid)),
            stop_signal=signal.SIGINT,
            stop_timeout_s=30.0,
            # Said to everyone who connects while it starts or ends, which we all do.
            hushed=(
                "the database system is",
                "Consistent recovery state has not",
                "terminating connection due to",
            ),
        )


def new_password() -> str:
    """Return a password nobody can guess, safe in addresses and SQL alike."""
    return secrets.token_urlsafe(24)
