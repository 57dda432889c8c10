"""Settings of the one-shot migration job. A running service has its own and never sees these."""

from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import Field

from shared.contracts.registry import SERVICES
from shared.errors import InvalidError
from shared.settings import EnvironmentSettings


class MigrateSettings(EnvironmentSettings):
    """Where the database is, who may change its schema, and each service's password."""

    admin_url: str = Field(
        validation_alias="TIDINGS_DATABASE_ADMIN_URL",
        description="Address of the database for a role that may create roles and schemas.",
    )
    admin_password_file: Path | None = Field(
        default=None,
        validation_alias="TIDINGS_DATABASE_ADMIN_PASSWORD_FILE",
        description="File with that role's password, where the address has none.",
    )
    passwords_dir: Path = Field(
        validation_alias="TIDINGS_DATABASE_PASSWORDS_DIR",
        description="Folder with a file `database-<service>` for each service's role password.",
    )
    services: tuple[str, ...] = Field(
        default=SERVICES,
        validation_alias="TIDINGS_MIGRATE_SERVICES",
        description="The services to migrate, as a JSON list.",
    )

    def admin_url_with_password(self) -> str:
        """Return the address, with the password from its file if there is one."""
        if self.admin_password_file is None:
            return self.admin_url
        parts = urlsplit(self.admin_url)
        place = parts.netloc.rpartition("@")[2]
        password = quote(_read_secret(self.admin_password_file), safe="")
        return urlunsplit(parts._replace(netloc=f"{parts.username}:{password}@{place}"))

    def service_passwords(self) -> dict[str, str]:
        """Return each service's password; raise InvalidError naming the missing file."""
        return {
            service: _read_secret(self.passwords_dir / f"database-{service}")
            for service in self.services
        }


def _read_secret(path: Path) -> str:
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except OSError as exc:
        raise InvalidError(f"The password file {path} cannot be read.") from exc
    if not secret:
        raise InvalidError(f"The password file {path} is empty.")
    return secret
