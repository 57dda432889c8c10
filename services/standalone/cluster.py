"""Prepares a house on many machines: secrets, each for its service alone; tables, streams, bucket.

`python -m services.standalone.cluster secrets DIRECTORY` makes a folder for each container;
what is there stays. `python -m services.standalone.cluster prepare` brings database, bus and object
store up to date with the contracts; it may run at every start.
"""

import asyncio
import json
import os
import secrets
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import asyncpg

from services.standalone.settings import ClusterSettings
from shared.blobs import open_blobs
from shared.bus.bus import Bus
from shared.bus.credentials import server_config, write_credentials
from shared.bus.keys import write_secret
from shared.bus.provision import provision
from shared.contracts.registry import SERVICES
from shared.db.migrate import migrate
from shared.db.settings import MigrateSettings
from shared.errors import TidingsError
from shared.http.tokens import make_key_pair

OUR_USER = 10001
"""The user of our images."""
SERVERS = ("postgres", "nats", "s3")
NATS_PORT = 4222


def make_secrets(directory: Path, *, database_host: str = "postgres") -> None:
    """Give each service and server a folder with what it must know, and nothing else.

    The servers' images run as users of their own, so those folders are open to whoever mounts them.
    """
    vault = directory / "vault"
    for folder in (vault, *(directory / name for name in (*SERVICES, *SERVERS, "prepare"))):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    passwords = {name: _kept(vault / f"database-{name}") for name in (*SERVICES, "admin")}
    access_key, secret = _kept(vault / "s3-access-key"), _kept(vault / "s3-secret")
    private, public = _token_keys(vault)
    keys = write_credentials(vault)

    for service in SERVICES:
        role = f"tidings_{service}:{passwords[service]}"
        _write(
            directory / service,
            {
                "database-url": f"postgresql://{role}@{database_host}:5432/tidings",
                "nats.creds": (vault / f"{service}.creds").read_text(encoding="ascii"),
                "s3-access-key": access_key,
                "s3-secret": secret,
                **({"token-private.pem": private} if service == "workspace" else {}),
                **({"token-public.pem": public} if service in {"upload", "delivery"} else {}),
                **({"team-signer.key": keys.team_signer.text} if service == "delivery" else {}),
            },
        )
    _write(
        directory / "prepare",
        {
            **{f"database-{name}": password for name, password in passwords.items()},
            "nats.creds": (vault / "admin.creds").read_text(encoding="ascii"),
            "s3-access-key": access_key,
            "s3-secret": secret,
        },
    )
    _write(directory / "postgres", {"password": passwords["admin"]})
    everywhere = "0.0.0.0"  # noqa: S104 - inside its container
    config = server_config(keys, host=everywhere, port=NATS_PORT, store_dir=Path("/data"))
    _write(directory / "nats", {"nats-server.conf": config})
    _write(directory / "s3", {"s3.json": json.dumps(_s3_identities(access_key, secret))})
    _hand_over(directory)


async def prepare() -> list[str]:
    """Migrate, provision, make the bucket; return what was changed."""
    database, places = MigrateSettings(), ClusterSettings()
    changed = await migrate(
        database.admin_url_with_password(),
        services=database.services,
        passwords=database.service_passwords(),
    )
    bus = await Bus.connect(
        places.nats_url, service="admin", credentials_file=places.nats_credentials_file
    )
    try:
        changed += await provision(bus)
    finally:
        await bus.close()
    blobs = open_blobs(
        places.blob_url, _read(places.blob_access_key_file), _read(places.blob_secret_file)
    )
    if await blobs.prepare():
        changed.append("the object store is ready")
    return changed


def _read(path: Path | None) -> str | None:
    return None if path is None else path.read_text(encoding="ascii").strip()


def _kept(path: Path) -> str:
    """Return the secret in the file, made now if there is none."""
    if not path.exists():
        write_secret(path, secrets.token_urlsafe(24))
    return path.read_text(encoding="ascii").strip()


def _token_keys(vault: Path) -> tuple[str, str]:
    private, public = vault / "token-private.pem", vault / "token-public.pem"
    if not public.exists():
        for path, pem in zip((private, public), make_key_pair(), strict=True):
            write_secret(path, pem.decode())
    return private.read_text(encoding="ascii"), public.read_text(encoding="ascii")


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        write_secret(folder / name, text)


def _s3_identities(access_key: str, secret: str) -> dict[str, object]:
    """SeaweedFS's own form of one identity that may do everything with its buckets."""
    credentials = [{"accessKey": access_key, "secretKey": secret}]
    return {"identities": [{"name": "tidings", "credentials": credentials, "actions": ["Admin"]}]}


def _hand_over(directory: Path) -> None:
    for server in SERVERS:
        (directory / server).chmod(0o755)
        for path in (directory / server).iterdir():
            path.chmod(0o444)
    if os.geteuid() == 0:
        for name in (*SERVICES, "prepare"):
            for path in (directory / name, *(directory / name).iterdir()):
                shutil.chown(path, OUR_USER)


def main(arguments: list[str]) -> int:
    """Do one of the two; return 1 after one sentence when it cannot be done."""
    match arguments:
        case ["secrets", directory]:
            make_secrets(Path(directory))
            return 0
        case ["prepare"]:
            try:
                changed = asyncio.run(prepare())
            except (TidingsError, asyncpg.PostgresError, OSError) as exc:
                sys.stderr.write(f"tidings: could not be prepared: {exc}\n")
                return 1
            sys.stdout.write("".join(f"{line}\n" for line in changed) or "nothing to do\n")
            return 0
        case _:
            sys.stderr.write("usage: cluster secrets DIRECTORY | cluster prepare\n")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
