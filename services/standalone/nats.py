"""NATS with JetStream from its wheel, on loopback, for those with credentials only."""

from dataclasses import dataclass
from pathlib import Path

from services.standalone.programs import Program, find_program
from shared.bus.credentials import server_config, write_credentials
from shared.bus.keys import Keys, write_secret


@dataclass(frozen=True, kw_only=True)
class NatsServer:
    """A server that keeps its streams in ``directory`` and listens on ``127.0.0.1:port``."""

    directory: Path
    port: int

    @property
    def url(self) -> str:
        """Return the address for clients."""
        return f"nats://127.0.0.1:{self.port}"

    @property
    def credentials(self) -> Path:
        """The folder of those who are let in, as `write_credentials` makes it."""
        return self.directory / "credentials"

    def program(self) -> Program:
        """Write keys that are missing and the configuration; return the server process.

        SIGTERM lets it finish its writes.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.credentials.mkdir(mode=0o700, exist_ok=True)
        config = self.directory / "nats-server.conf"
        write_secret(config, self._config(write_credentials(self.credentials)))
        return Program(
            name="nats",
            cwd=self.directory,
            argv=(str(find_program("nats-server")), "-c", str(config)),
            hushed=("[INF]",),
        )

    def _config(self, keys: Keys) -> str:
        # Relative to the server's working folder: its configuration cannot spell every path.
        return server_config(keys, host="127.0.0.1", port=self.port, store_dir=Path("streams"))
