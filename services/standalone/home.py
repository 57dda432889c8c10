"""The folder where one Tidings keeps everything: makes it, locks it, guards its secrets."""

import errno
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from services.standalone.nats import NatsServer
from services.standalone.postgres import PostgresServer
from services.standalone.programs import free_port, unprivileged_ids
from shared.bus.keys import write_secret
from shared.contracts.registry import SERVICES
from shared.errors import ConflictError, DeniedError, MissingError, StorageFullError
from shared.http.tokens import make_key_pair

MIB = 1 << 20
LOCK = "lock"
_SERVERS = ("postgres", "nats")


class HomeDeniedError(DeniedError):
    """The home folder may not be written."""

    code = "home-denied"


class HomeEmptyError(MissingError):
    """There is no Tidings in this home."""

    code = "home-empty"


class HomeHalfRestoredError(ConflictError):
    """A restore into this home did not come to its end; empty it and restore again."""

    code = "home-half-restored"


class HomeInUseError(ConflictError):
    """Another Tidings already runs in this home."""

    code = "home-in-use"


class Home:
    """Names every place in the home. Folders are ours alone (0700), secrets too (0600)."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.blobs = self.path / "blobs"
        self.secrets = self.path / "secrets"
        self.run = self.path / "run"
        self.nats = self.path / "nats"
        self.owner_token = self.path / "owner-token"
        self.models = self.path / "models"
        self._ports = self.run / "ports.json"
        self.processes = self.run / "processes.json"
        # There while a restore is under way.
        self.restoring = self.path / "restoring"
        # PostgreSQL wants to own its folder, and as another user when we are root.
        self.postgres = self.path / "postgres"

    def prepare(self, minimum_free_mb: int = 0) -> None:
        """Make folders and secrets that are missing; raise one of our errors telling why not."""
        with self._errors():
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.blobs, self.secrets, self.run, self.nats, self.models):
                folder.mkdir(mode=0o700, exist_ok=True)
            self._require_space(minimum_free_mb)
            self._make_secrets()
            self._let_postgres_through()

    def require_whole(self) -> None:
        """Raise HomeHalfRestoredError for what a killed restore left behind."""
        if self.restoring.exists():
            raise HomeHalfRestoredError(
                f"A restore into {self.path} did not come to its end: empty it and restore again."
            )

    def probe(self, minimum_free_mb: int = 0) -> None:
        """Raise what `prepare` would, having written and removed one file."""
        with self._errors():
            # The home itself may not be there yet; then whoever will hold it is asked.
            folder = next(place for place in (self.path, *self.path.parents) if place.exists())
            # Writable is only what has been written to: root passes every permission check.
            probe = folder / f".tidings-probe-{os.getpid()}"
            probe.write_bytes(b"writable")
            probe.unlink()
            self._require_space(minimum_free_mb)

    def is_in_use(self) -> bool:
        """Return whether a Tidings runs here now."""
        try:
            with (self.path / LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second Tidings out of this home; the lock goes when the process does."""
        with self._errors():
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.path / LOCK).touch(mode=0o600)
            lock = (self.path / LOCK).open("w", encoding="ascii")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise HomeInUseError(f"Another Tidings already runs in {self.path}.") from exc
            yield

    def password(self, name: str) -> str:
        """Return a password `prepare` made: a service's, or ``admin``'s."""
        return (self.secrets / f"database-{name}").read_text(encoding="ascii").strip()

    @property
    def free_mb(self) -> int:
        """Megabytes left on the home's disk."""
        place = next(place for place in (self.path, *self.path.parents) if place.exists())
        return shutil.disk_usage(place).free // MIB

    @property
    def token_private_key(self) -> Path:
        """The key that signs upload, media and events tokens."""
        return self.secrets / "token-private.pem"

    @property
    def token_public_key(self) -> Path:
        """The key that checks them."""
        return self.secrets / "token-public.pem"

    def servers(self) -> tuple[PostgresServer, NatsServer]:
        """Return the two servers to be started, on the ports of last time where still free."""
        return self._servers_at(self._free_ports())

    def running_servers(self) -> tuple[PostgresServer, NatsServer]:
        """Return the two servers as they were last started; raise MissingError if never."""
        ports = self._known_ports()
        if not ports.keys() >= set(_SERVERS) or not self.secrets.is_dir():
            raise HomeEmptyError(f"There is no Tidings in {self.path}.")
        return self._servers_at(ports)

    def _servers_at(self, ports: Mapping[str, int]) -> tuple[PostgresServer, NatsServer]:
        postgres = PostgresServer(
            directory=self.postgres, port=ports["postgres"], password=self.password("admin")
        )
        return postgres, NatsServer(directory=self.nats, port=ports["nats"])

    def _known_ports(self) -> dict[str, int]:
        with suppress(OSError, ValueError):
            return dict(json.loads(self._ports.read_text(encoding="ascii")))
        return {}

    def _free_ports(self) -> dict[str, int]:
        known = self._known_ports()
        ports = {name: free_port(known.get(name)) for name in _SERVERS}
        write_secret(self._ports, json.dumps(ports))
        return ports

    def _make_secrets(self) -> None:
        for name in (*SERVICES, "admin"):
            path = self.secrets / f"database-{name}"
            if not path.exists():
                write_secret(path, secrets.token_urlsafe(24))
        if not self.token_public_key.exists():
            private, public = make_key_pair()
            write_secret(self.token_private_key, private.decode())
            write_secret(self.token_public_key, public.decode())

    def _require_space(self, minimum_free_mb: int) -> None:
        if self.free_mb < minimum_free_mb:
            raise StorageFullError(
                f"The disk of {self.path} has only {self.free_mb} MB left and {minimum_free_mb} "
                "MB are needed: free some space, or choose another place with TIDINGS_HOME."
            )

    def _let_postgres_through(self) -> None:
        """As root, let PostgreSQL's own user pass through the home to its folder, no further."""
        if unprivileged_ids() is not None:
            self.path.chmod(0o711)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            if exc.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFullError(f"The disk of {self.path} is full.") from exc
            reason = os.strerror(exc.errno or 0)
            raise HomeDeniedError(
                f"Tidings cannot write to its home {self.path} ({reason}): choose another place "
                "with TIDINGS_HOME, or start it as the folder's owner."
            ) from exc
