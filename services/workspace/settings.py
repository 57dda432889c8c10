"""What the workspace must be told, beyond what every service is told."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from shared.settings import CommonSettings


class Settings(CommonSettings):
    """Settings of the workspace, the one service people and programs talk to."""

    public_url: str = Field(
        "http://localhost:8080",
        pattern=r"^https?://[^/\s]+$",
        validation_alias="TIDINGS_PUBLIC_URL",
        description="Address under which people reach Tidings; https makes cookies secure.",
    )
    upload_public_url: str = Field(
        "http://localhost:8081",
        pattern=r"^https?://[^\s?#]+$",
        validation_alias="TIDINGS_UPLOAD_PUBLIC_URL",
        description="Address under which people reach the upload service.",
    )
    delivery_url: str = Field(
        "http://127.0.0.1:8082",
        pattern=r"^https?://[^\s?#]+$",
        validation_alias="TIDINGS_DELIVERY_URL",
        description="Address under which the workspace reaches the delivery service.",
    )
    token_private_key_file: Path = Field(
        validation_alias="TIDINGS_TOKEN_PRIVATE_KEY_FILE",
        description="Ed25519 key (PEM) that signs upload, media and events tokens.",
    )
    max_recording_bytes: int = Field(
        8 << 30,
        gt=0,
        validation_alias="TIDINGS_WORKSPACE_MAX_RECORDING_BYTES",
        description="Largest recording one update may have.",
    )
    max_recording_s: int = Field(
        4 * 3600,
        gt=0,
        validation_alias="TIDINGS_WORKSPACE_MAX_RECORDING_S",
        description="Longest recording one update may have, in seconds.",
    )
    upload_token_s: int = Field(
        24 * 3600,
        gt=0,
        validation_alias="TIDINGS_WORKSPACE_UPLOAD_TOKEN_S",
        description="How long an upload may take from the moment its update is posted, in seconds.",
    )
    oidc_issuer: str | None = Field(
        None,
        pattern=r"^https?://\S+$",
        validation_alias="TIDINGS_WORKSPACE_OIDC_ISSUER",
        description="OpenID Connect provider people may sign in with, e.g. https://id.example.org.",
    )
    oidc_client_id: str | None = Field(
        None,
        validation_alias="TIDINGS_WORKSPACE_OIDC_CLIENT_ID",
        description="What the provider knows this Tidings as.",
    )
    oidc_client_secret: str | None = Field(
        None,
        validation_alias="TIDINGS_WORKSPACE_OIDC_CLIENT_SECRET",
        description="Secret the provider gave this Tidings; leave it out for a public client.",
        repr=False,
    )
    oidc_name: str = Field(
        "your organisation",
        max_length=60,
        validation_alias="TIDINGS_WORKSPACE_OIDC_NAME",
        description="What the sign-in page calls the provider.",
    )

    @model_validator(mode="after")
    def _provider_is_whole(self) -> Self:
        if (self.oidc_issuer is None) != (self.oidc_client_id is None):
            raise ValueError(
                "TIDINGS_WORKSPACE_OIDC_ISSUER and TIDINGS_WORKSPACE_OIDC_CLIENT_ID go together"
            )
        return self

    @property
    def is_https(self) -> bool:
        """True when browsers reach us over TLS."""
        return self.public_url.startswith("https://")
