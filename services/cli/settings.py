"""What the command line is told by its surroundings."""

from pathlib import Path

from pydantic import Field

from shared.settings import EnvironmentSettings

TOKEN_FILE = "owner-token"  # noqa: S105 (the name of the file)


class Settings(EnvironmentSettings):
    """Settings of the ``tidings`` command."""

    url: str | None = Field(
        None,
        pattern=r"^https?://[^/\s]+/?$",
        validation_alias="TIDINGS_URL",
        description="Address of the workspace the commands talk to; else TIDINGS_PORT here.",
    )
    port: int = Field(
        8080,
        ge=1,
        le=65535,
        validation_alias="TIDINGS_PORT",
        description="Port of the installation on this machine.",
    )
    token: str | None = Field(
        None,
        validation_alias="TIDINGS_TOKEN",
        description="API token; without TIDINGS_URL else the owner token in TIDINGS_HOME.",
        repr=False,
    )
    home: Path = Field(
        Path("var"),
        validation_alias="TIDINGS_HOME",
        description="Folder of the standalone installation on this machine.",
    )
    nats_url: str | None = Field(
        None,
        validation_alias="TIDINGS_NATS_URL",
        description="NATS address for `dead`; else that of the installation in TIDINGS_HOME.",
    )
    nats_credentials_file: Path | None = Field(
        None,
        validation_alias="TIDINGS_NATS_CREDENTIALS_FILE",
        description="Administrator's .creds file for `dead`; as above.",
    )
    state_dir: Path = Field(
        Path("~/.local/state/tidings"),
        validation_alias="TIDINGS_CLI_STATE_DIR",
        description="Folder where unfinished uploads are remembered.",
    )

    @property
    def workspace_url(self) -> str:
        """Address of the workspace: the one given, else that of the installation here."""
        return self.url or f"http://localhost:{self.port}"

    def token_or_none(self) -> str | None:
        """Return the token given, else the owner's of the installation here, else None.

        Another installation never sees that one.
        """
        if self.token is not None or self.url is not None:
            return self.token
        try:
            return (self.home / TOKEN_FILE).read_text(encoding="ascii").strip()
        except OSError:
            return None
