"""Where this Tidings finds its database, its bus and its recordings: started by us, or outside.

`TIDINGS_DATABASE_URL`, `TIDINGS_NATS_URL` and `TIDINGS_BLOB_URL` point outside; what they leave out
lives in the home. Nothing else asks those settings.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from services.standalone.home import Home
from services.standalone.nats import NatsServer
from services.standalone.postgres import PostgresServer
from services.standalone.settings import StandaloneSettings
from shared.errors import InvalidError


class CredentialsMissingError(InvalidError):
    """TIDINGS_NATS_URL needs TIDINGS_NATS_CREDENTIALS_DIR, the folder with our credentials."""

    code = "nats-credentials-missing"


@dataclass(frozen=True, kw_only=True)
class DatabasePlace:
    """A database, by its administrator's address. ``own`` is the server to start for it, if any."""

    admin_url: str
    remedy: str
    """What to do when it does not answer."""
    own: PostgresServer | None = None
    programs: Path | None = None
    """The folder with pg_dump and pg_restore, if not ours."""

    def url(self, role: str, password: str) -> str:
        """Return the address for another role."""
        parts = urlsplit(self.admin_url)
        place = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{role}:{quote(password, safe='')}@{place}"))

    def without_password(self) -> tuple[str, str]:
        """Return the administrator's address for a command line, and the password apart."""
        parts = urlsplit(self.admin_url)
        user, place = parts.netloc.rpartition("@")[0].partition(":")[0], parts.netloc
        bare = urlunsplit(parts._replace(netloc=f"{user}@{place.rpartition('@')[2]}"))
        return bare, unquote(parts.password or "")


@dataclass(frozen=True, kw_only=True)
class BusPlace:
    """A NATS server and the folder of our credentials. ``own`` is the server to start, if any."""

    url: str
    credentials: Path
    remedy: str
    """What to do when it does not answer."""
    own: NatsServer | None = None

    def credentials_file(self, service: str) -> Path:
        """Return the file a service, or ``admin``, shows to be let in."""
        return self.credentials / f"{service}.creds"

    @property
    def team_signer_file(self) -> Path:
        """The key with which delivery makes credentials for integrators."""
        return self.credentials / "team-signer.key"


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where everything is."""

    database: DatabasePlace
    bus: BusPlace
    blob_url: str

    @classmethod
    def of(
        cls, settings: StandaloneSettings, home: Home, servers: tuple[PostgresServer, NatsServer]
    ) -> Self:
        """Return the places the settings name, and ``servers`` for those they leave out.

        Raises CredentialsMissingError for an outside bus without credentials.
        """
        postgres, nats = servers
        return cls(
            database=outside_database(settings)
            or DatabasePlace(
                admin_url=postgres.url(),
                remedy="look for `postgres` in the log of `tidings up`",
                own=postgres,
            ),
            bus=outside_bus(settings)
            or BusPlace(
                url=nats.url,
                credentials=nats.credentials,
                remedy="look for `nats` in the log of `tidings up`",
                own=nats,
            ),
            blob_url=settings.blob_url or home.blobs.as_uri(),
        )


def outside_database(settings: StandaloneSettings) -> DatabasePlace | None:
    """Return the database others run for us, if the settings name one."""
    if settings.database_url is None:
        return None
    return DatabasePlace(
        admin_url=settings.database_url,
        remedy="check TIDINGS_DATABASE_URL",
        programs=settings.database_programs_dir,
    )


def outside_bus(settings: StandaloneSettings) -> BusPlace | None:
    """Return the bus others run for us, if the settings name one."""
    if settings.nats_url is None:
        return None
    if settings.nats_credentials_dir is None:
        raise CredentialsMissingError
    return BusPlace(
        url=settings.nats_url,
        credentials=settings.nats_credentials_dir.absolute(),
        remedy="check TIDINGS_NATS_URL",
    )
