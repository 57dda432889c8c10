"""What every process must be told, read once at start from ``TIDINGS_*``.

Nothing else reads it. Any setting ``TIDINGS_X`` may be given as ``TIDINGS_X_FILE``, the
path of a file that holds the value: secrets need not stand in the environment.
"""

import os
import socket
import sys
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import SettingsError as SourceError
from typing_extensions import override

#: sysexits.h EX_CONFIG: a supervisor can tell a wrong setting from a crash.
EXIT_CONFIG = 78


class LogFormat(StrEnum):
    """How log lines look."""

    JSON = "json"  # one object a line, for collectors
    TEXT = "text"  # for people at a terminal


class FileSource(EnvSettingsSource):
    """Reads ``TIDINGS_X`` from the file named by ``TIDINGS_X_FILE``; a missing file is an error."""

    @override
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        alias = field.validation_alias
        if not isinstance(alias, str):
            return None, field_name, False
        path = os.environ.get(f"{alias}_FILE")
        if not path:
            return None, alias, False
        try:
            return Path(path).read_text(encoding="utf-8").strip(), alias, False
        except OSError as exc:
            reason = f"{alias}_FILE: cannot read the file: {exc.strerror}"
            raise SettingsError(reason) from exc


class SettingsError(Exception):
    """A setting is missing or wrong; the text names it and never shows its value."""


class EnvironmentSettings(BaseSettings):
    """Settings of a program: ``TIDINGS_X``, or what is in the file ``TIDINGS_X_FILE`` names."""

    model_config = SettingsConfigDict(
        frozen=True,
        # With populate_by_name a field could else be set by its bare name: ``home`` by ``HOME``.
        env_prefix="TIDINGS_",
        extra="ignore",
        env_ignore_empty=True,
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first (tests), then the environment, then files named by it."""
        return init_settings, env_settings, FileSource(settings_cls)


class CommonSettings(EnvironmentSettings):
    """Settings of every service. A service subclasses this in its own ``settings.py``."""

    database_url: str = Field(
        validation_alias="TIDINGS_DATABASE_URL",
        description="PostgreSQL address with this service's own role, postgresql://role:password@host:port/name.",
        repr=False,
    )
    nats_url: str = Field(
        validation_alias="TIDINGS_NATS_URL",
        description="NATS address; several separated by commas for a cluster.",
    )
    nats_credentials_file: Path | None = Field(
        None,
        validation_alias="TIDINGS_NATS_CREDENTIALS_FILE",
        description="Path of this service's NATS .creds file.",
    )
    blob_url: str = Field(
        validation_alias="TIDINGS_BLOB_URL",
        description="Where objects are kept: file:///directory or s3://bucket/prefix?endpoint=...&region=...",
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
    instance: str = Field(
        default_factory=socket.gethostname,
        validation_alias="TIDINGS_INSTANCE",
        description="Stable name of this replica; the host's name unless set.",
    )
    http_host: str = Field(
        "127.0.0.1",
        validation_alias="TIDINGS_HTTP_HOST",
        description="Address to listen on; 0.0.0.0 inside a container.",
    )
    http_port: int = Field(
        8080,
        ge=0,
        le=65535,
        validation_alias="TIDINGS_HTTP_PORT",
        description="Port to listen on; 0 takes a free one.",
    )
    trusted_proxies: tuple[str, ...] = Field(
        (),
        validation_alias="TIDINGS_TRUSTED_PROXIES",
        description='Networks whose X-Forwarded-For is believed, as JSON: ["10.0.0.0/8"].',
    )
    rate_limit_per_minute: int = Field(
        1200,
        gt=0,
        validation_alias="TIDINGS_RATE_LIMIT_PER_MINUTE",
        description="Ordinary requests one caller may make in a minute on one replica.",
    )
    sign_in_limit_per_minute: int = Field(
        20,
        gt=0,
        validation_alias="TIDINGS_SIGN_IN_LIMIT_PER_MINUTE",
        description="Attempts to sign in that one address may make in a minute on one replica.",
    )
    log_level: str = Field(
        "info",
        pattern="^(debug|info|warning|error)$",
        validation_alias="TIDINGS_LOG_LEVEL",
        description="Least important level that is written: debug, info, warning or error.",
    )
    log_format: LogFormat = Field(
        LogFormat.JSON,
        validation_alias="TIDINGS_LOG_FORMAT",
        description="json for collectors, text for people.",
    )
    otlp_endpoint: str | None = Field(
        None,
        validation_alias="TIDINGS_OTLP_ENDPOINT",
        description="OpenTelemetry collector (OTLP over HTTP); no traces are sent unless set.",
    )


SettingsT = TypeVar("SettingsT", bound=BaseSettings)


def load(settings: type[SettingsT]) -> SettingsT:
    """Read the settings, or end the process with one sentence for each that is missing or wrong."""
    try:
        return settings()
    except (ValidationError, SourceError) as exc:
        for sentence in _sentences(exc):
            print(f"tidings: {sentence}", file=sys.stderr)  # noqa: T201 (logs are set up from settings)
        raise SystemExit(EXIT_CONFIG) from None


def _sentences(error: ValidationError | SourceError) -> list[str]:
    if isinstance(error, SourceError):
        # Ours lies beneath; of anything else only the field is named, never the value.
        return [str(error.__cause__ if isinstance(error.__cause__, SettingsError) else error)]
    return [
        f"the setting {_dotted(problem['loc'])} is wrong or missing: {problem['msg']}"
        for problem in error.errors(include_input=False, include_context=False, include_url=False)
    ]


def _dotted(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location)
