"""What delivery must be told, beyond what every service is told."""

from pathlib import Path

from pydantic import Field

from shared.settings import CommonSettings


class Settings(CommonSettings):
    """Settings of delivery, which carries facts to other systems."""

    database_url: str = Field(
        "",
        validation_alias="TIDINGS_DATABASE_URL",
        description="PostgreSQL address; delivery keeps nothing there yet and does not need it.",
        repr=False,
    )
    blob_url: str = Field(
        "",
        validation_alias="TIDINGS_BLOB_URL",
        description="Where objects are kept; delivery reads none and does not need it.",
    )
    token_public_key_file: Path = Field(
        validation_alias="TIDINGS_TOKEN_PUBLIC_KEY_FILE",
        description="Ed25519 key (PEM) that proves tokens signed by the workspace.",
    )
    team_signer_file: Path = Field(
        validation_alias="TIDINGS_DELIVERY_TEAM_SIGNER_FILE",
        description="Key that signs NATS credentials for integrators, and nothing else.",
    )
    nats_public_url: str | None = Field(
        None,
        validation_alias="TIDINGS_DELIVERY_NATS_PUBLIC_URL",
        description="NATS address as integrators reach it; ours unless set.",
    )
    credential_days: int = Field(
        90,
        ge=1,
        le=3650,
        validation_alias="TIDINGS_DELIVERY_CREDENTIAL_DAYS",
        description="How long an integrator's NATS credential is valid, in days.",
    )
    stream_s: float = Field(
        300.0,
        gt=0,
        validation_alias="TIDINGS_DELIVERY_STREAM_S",
        description="Longest life of an event stream; the reader comes back and is checked again.",
    )
    keepalive_s: float = Field(
        15.0,
        gt=0,
        validation_alias="TIDINGS_DELIVERY_KEEPALIVE_S",
        description="How often a silent event stream says that it is alive, in seconds.",
    )
