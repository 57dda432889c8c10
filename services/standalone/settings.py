"""What `tidings up` can be told. Everything has a default."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from shared.settings import EnvironmentSettings

PORTS_USED = 7
"""The page's port and the six after it."""


class StandaloneSettings(EnvironmentSettings):
    """Settings of the program that runs everything on one machine."""

    home: Path = Field(
        Path("var"),
        validation_alias="TIDINGS_HOME",
        description="Folder for everything that is kept: database, streams, recordings, keys.",
    )
    port: int = Field(
        8080,
        ge=1,
        le=65535 - PORTS_USED,
        validation_alias="TIDINGS_PORT",
        description="Port of the page and the API; the other services take the six after it.",
    )
    http_host: str = Field(
        "127.0.0.1",
        validation_alias="TIDINGS_HTTP_HOST",
        description="Address page and uploads listen on; 0.0.0.0 lets other machines in.",
    )
    public_url: str | None = Field(
        None,
        validation_alias="TIDINGS_PUBLIC_URL",
        description="Address under which people reach Tidings, where it is not localhost.",
    )
    upload_public_url: str | None = Field(
        None,
        validation_alias="TIDINGS_UPLOAD_PUBLIC_URL",
        description="Address under which people reach uploads, if not the public host's next port.",
    )
    upload_cors_origins: tuple[str, ...] = Field(
        (),
        validation_alias="TIDINGS_UPLOAD_CORS_ORIGINS",
        description="Origins beside our own whose pages may upload and play, as a JSON list.",
    )
    database_url: str | None = Field(
        None,
        validation_alias="TIDINGS_DATABASE_URL",
        description="Administrator's address of a PostgreSQL others run; else one is started.",
        repr=False,
    )
    database_programs_dir: Path | None = Field(
        None,
        validation_alias="TIDINGS_DATABASE_PROGRAMS_DIR",
        description="With TIDINGS_DATABASE_URL: folder with pg_dump and pg_restore of its version; "
        "ours are those of PostgreSQL 18, without TLS.",
    )
    nats_url: str | None = Field(
        None,
        validation_alias="TIDINGS_NATS_URL",
        description="Address of a NATS others run; else one is started.",
    )
    nats_credentials_dir: Path | None = Field(
        None,
        validation_alias="TIDINGS_NATS_CREDENTIALS_DIR",
        description="With TIDINGS_NATS_URL: folder with admin.creds, a .creds file for each "
        "service, and team-signer.key.",
    )
    blob_url: str | None = Field(
        None,
        validation_alias="TIDINGS_BLOB_URL",
        description="Where recordings are kept, if not in the home: an s3: or file: address.",
    )
    blob_access_key: str | None = Field(
        None,
        validation_alias="TIDINGS_BLOB_ACCESS_KEY",
        description="Access key for an s3: address.",
    )
    blob_secret: str | None = Field(
        None,
        validation_alias="TIDINGS_BLOB_SECRET",
        description="Secret for an s3: address.",
        repr=False,
    )
    model: str = Field(
        "base",
        validation_alias="TIDINGS_TRANSCRIPTION_MODEL",
        description="Speech model: base, tiny.en, or the folder of another.",
    )
    second_model: str | None = Field(
        None,
        validation_alias="TIDINGS_TRANSCRIPTION_SECOND_MODEL",
        description="Larger model that hears doubtful chunks again when nothing waits, named like "
        "the first; unset: none.",
    )
    model_dir: Path | None = Field(
        None,
        validation_alias="TIDINGS_TRANSCRIPTION_MODEL_DIR",
        description="Where speech models are put together, if not in the home.",
    )
    minimum_free_mb: int = Field(
        512,
        ge=0,
        validation_alias="TIDINGS_MINIMUM_FREE_MB",
        description="Refuse to start with less free disk space than this.",
    )
    ready_timeout_s: float = Field(
        120.0,
        gt=0,
        validation_alias="TIDINGS_READY_TIMEOUT_S",
        description="Give up when a service is not ready after this many seconds.",
    )

    @field_validator("database_url")
    @classmethod
    def _is_a_whole_address(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "")
        is_whole = parts.hostname and parts.username and parts.path.strip("/")
        if url is not None and not (is_whole and parts.scheme in {"postgresql", "postgres"}):
            raise PydanticCustomError(
                "database-address", "it must be postgresql://role:password@host:port/database"
            )
        return url

    @property
    def page_url(self) -> str:
        """Where people open the page."""
        return self.public_url or f"http://localhost:{self.port}"

    @property
    def uploads_url(self) -> str:
        """Where pages and programs send recordings."""
        host = re.sub(r":\d+\Z", "", self.page_url)
        return self.upload_public_url or f"{host}:{self.port + 1}"


class ClusterSettings(EnvironmentSettings):
    """Where bus and objects of a house on many machines are, for the job that prepares them."""

    nats_url: str = Field(
        validation_alias="TIDINGS_NATS_URL", description="Address of the message bus."
    )
    nats_credentials_file: Path = Field(
        validation_alias="TIDINGS_NATS_CREDENTIALS_FILE",
        description="Credentials of the bus's administrator.",
    )
    blob_url: str = Field(
        validation_alias="TIDINGS_BLOB_URL", description="Where objects are kept, as for services."
    )
    blob_access_key_file: Path | None = Field(
        None,
        validation_alias="TIDINGS_BLOB_ACCESS_KEY_FILE",
        description="File with the access key of an s3: address.",
    )
    blob_secret_file: Path | None = Field(
        None,
        validation_alias="TIDINGS_BLOB_SECRET_FILE",
        description="File with the secret of an s3: address.",
    )
