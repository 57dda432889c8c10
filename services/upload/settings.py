"""What the upload service must be told, beyond what every service is told."""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from shared.settings import CommonSettings


class Role(StrEnum):
    """Which half of the service a process is."""

    HTTP = "http"  # takes bytes in and serves media
    MEDIA = "media"  # makes recordings playable


class Settings(CommonSettings):
    """Settings of the upload service."""

    role: Role = Field(
        Role.HTTP,
        validation_alias="TIDINGS_UPLOAD_ROLE",
        description="http takes uploads and serves media; media makes recordings playable.",
    )
    token_public_key_file: Path | None = Field(
        None,
        validation_alias="TIDINGS_TOKEN_PUBLIC_KEY_FILE",
        description="Ed25519 key (PEM) that checks tokens; the http role needs it.",
    )
    cors_origins: tuple[str, ...] = Field(
        ("http://localhost:8080",),
        validation_alias="TIDINGS_UPLOAD_CORS_ORIGINS",
        description='Origins whose pages may upload and play, as JSON: ["https://tidings.example.org"].',
    )
    max_bytes: int = Field(
        8 << 30,
        gt=0,
        validation_alias="TIDINGS_UPLOAD_MAX_BYTES",
        description="Largest upload, whatever a token allows.",
    )
    part_bytes: int = Field(
        8 << 20,
        ge=64 << 10,
        le=256 << 20,
        validation_alias="TIDINGS_UPLOAD_PART_BYTES",
        description="Largest stored part; four of them per running upload are held in memory.",
    )
    buffer_bytes: int = Field(
        128 << 20,
        ge=1 << 20,
        validation_alias="TIDINGS_UPLOAD_BUFFER_BYTES",
        description="Memory all running uploads of a replica may fill before they slow down.",
    )
    flush_s: float = Field(
        1.0,
        gt=0,
        le=30,
        validation_alias="TIDINGS_UPLOAD_FLUSH_S",
        description="Bytes that have arrived are stored after this many seconds at the latest.",
    )
    idle_s: float = Field(
        60.0,
        gt=0,
        validation_alias="TIDINGS_UPLOAD_IDLE_S",
        description="Seconds after which a request that sends nothing is ended.",
    )
    expire_after_s: int = Field(
        24 * 3600,
        gt=0,
        validation_alias="TIDINGS_UPLOAD_EXPIRE_AFTER_S",
        description="Seconds after which an unfinished upload that nobody continues is removed.",
    )
    sweep_every_s: float = Field(
        300.0,
        gt=0,
        validation_alias="TIDINGS_UPLOAD_SWEEP_EVERY_S",
        description="Seconds between two looks for what can be removed.",
    )

    work_dir: Path | None = Field(
        None,
        validation_alias="TIDINGS_UPLOAD_WORK_DIR",
        description="Local disk for working on recordings, three times the largest one; else /tmp.",
    )

    @model_validator(mode="after")
    def _http_checks_tokens(self) -> Self:
        if self.role is Role.HTTP and self.token_public_key_file is None:
            raise ValueError("TIDINGS_TOKEN_PUBLIC_KEY_FILE is needed in the http role")
        return self

    @property
    def expire_after(self) -> timedelta:
        """How long an unfinished upload waits for its sender."""
        return timedelta(seconds=self.expire_after_s)
