"""Who lives in the house: every service as a program, with the settings it is told."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.standalone.home import Home
from services.standalone.places import Places
from services.standalone.programs import Program
from services.standalone.settings import StandaloneSettings
from shared.bus.keys import write_secret


@dataclass(frozen=True, kw_only=True)
class Member:
    """One process of a service. ``port_offset`` counts from the page's port."""

    name: str
    service: str
    port_offset: int
    env: Mapping[str, str] = field(default_factory=dict)
    is_public: bool = False
    is_slow: bool = False
    """Takes longest to get ready, so it is started before the others."""


MEMBERS = (
    Member(name="workspace", service="workspace", port_offset=0, is_public=True),
    Member(
        name="upload",
        service="upload",
        port_offset=1,
        env={"TIDINGS_UPLOAD_ROLE": "http"},
        is_public=True,
    ),
    Member(name="delivery", service="delivery", port_offset=2),
    Member(
        name="transcription",
        service="transcription",
        port_offset=3,
        # Voices are compared in one thread of low priority, so that recognition goes first.
        env={"TIDINGS_TRANSCRIPTION_ROLE": "follower", "OPENBLAS_NUM_THREADS": "1"},
    ),
    Member(
        name="recogniser",
        service="transcription",
        port_offset=4,
        env={"TIDINGS_TRANSCRIPTION_ROLE": "recogniser"},
        is_slow=True,
    ),
    Member(name="summary", service="summary", port_offset=5),
    Member(name="media", service="upload", port_offset=6, env={"TIDINGS_UPLOAD_ROLE": "media"}),
)


_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - only told apart


class Household:
    """Knows home, places and settings, and says how each member is started."""

    def __init__(self, settings: StandaloneSettings, home: Home, places: Places) -> None:
        self._settings = settings
        self._home = home
        self._places = places

    def members(self) -> list[Member]:
        """Return all members, in the order in which they are best started."""
        return sorted(MEMBERS, key=lambda member: not member.is_slow)

    def host(self, member: Member) -> str:
        """Return the address the member listens on: only page and uploads are for others."""
        return self._settings.http_host if member.is_public else "127.0.0.1"

    def workspace_env(self) -> dict[str, str]:
        """Return the environment for a one-time job of the workspace."""
        return self.env(MEMBERS[0])

    def port(self, member: Member) -> int:
        """Return where the member listens."""
        return self._settings.port + member.port_offset

    def url(self, member: Member) -> str:
        """Return where we ourselves reach the member, also one that listens on all addresses."""
        host = self.host(member)
        near = _LOOPBACK.get(host, host)
        return f"http://{f'[{near}]' if ':' in near else near}:{self.port(member)}"

    def program(self, member: Member) -> Program:
        """Return how to start the member."""
        return Program(
            name=member.name,
            argv=(sys.executable, "-m", f"services.{member.service}"),
            env=self.env(member),
            stop_timeout_s=15.0,
        )

    def env(self, member: Member) -> dict[str, str]:
        """Return what the member is told. Secrets go by file: an environment is easily seen."""
        settings = self._settings
        return {
            # Voices are told apart in the background; NumPy's own threads would not step back.
            "OPENBLAS_NUM_THREADS": "1",
            "TIDINGS_DATABASE_URL": "",
            "TIDINGS_DATABASE_URL_FILE": str(self._database_url_file(member.service)),
            "TIDINGS_NATS_URL": self._places.bus.url,
            "TIDINGS_NATS_CREDENTIALS_FILE": str(self._places.bus.credentials_file(member.service)),
            "TIDINGS_BLOB_URL": self._places.blob_url,
            "TIDINGS_HTTP_HOST": self.host(member),
            "TIDINGS_HTTP_PORT": str(self.port(member)),
            "TIDINGS_INSTANCE": member.name,
            "TIDINGS_LOG_FORMAT": "json",
            "TIDINGS_PUBLIC_URL": settings.page_url,
            "TIDINGS_UPLOAD_PUBLIC_URL": settings.uploads_url,
            "TIDINGS_DELIVERY_URL": f"http://127.0.0.1:{settings.port + 2}",
            "TIDINGS_TRANSCRIPTION_MODEL_DIR": str(settings.model_dir or self._home.models),
            "TIDINGS_UPLOAD_CORS_ORIGINS": json.dumps(self._origins()),
            **self._keys(member.service),
            **member.env,
        }

    def _keys(self, service: str) -> dict[str, str]:
        """Return the paths of the keys the service needs, and of no others."""
        if service == "workspace":
            return {"TIDINGS_TOKEN_PRIVATE_KEY_FILE": str(self._home.token_private_key)}
        keys = {"TIDINGS_TOKEN_PUBLIC_KEY_FILE": str(self._home.token_public_key)}
        if service == "delivery":
            keys["TIDINGS_DELIVERY_TEAM_SIGNER_FILE"] = str(self._places.bus.team_signer_file)
        return keys

    def _origins(self) -> list[str]:
        port = self._settings.port
        local = [f"http://localhost:{port}", f"http://127.0.0.1:{port}"]
        return sorted({self._settings.page_url, *local, *self._settings.upload_cors_origins})

    def _database_url_file(self, service: str) -> Path:
        url = self._places.database.url(f"tidings_{service}", self._home.password(service))
        path = self._home.run / f"database-url-{service}"
        write_secret(path, url)
        return path
