"""A real S3 server for tests: SeaweedFS on loopback, with access keys, and signed inside too."""

import json
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from services.standalone.programs import Program, find_program, free_port
from tests.support.processes import end_process, start_program

BUCKET = "tidings"
READY_TIMEOUT_S = 40.0

# gRPC listens 10000 above each HTTP port unless told otherwise, so every port is told.
_PORTS = ("s3", "filer", "master", "volume", "admin")


@dataclass(frozen=True, kw_only=True)
class Seaweed:
    """Where the server is, and the one identity that may use it."""

    endpoint: str
    access_key: str
    secret: str

    def url(self, prefix: str = "", *, bucket: str = BUCKET) -> str:
        return f"s3://{bucket}/{prefix}?endpoint={self.endpoint}&region=us-east-1"


@contextmanager
def running_seaweed() -> Iterator[Seaweed]:
    """Give a server with an empty bucket; it and its files are gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="tidings-seaweed-"))
    ports = {name: free_port() for name in _PORTS}
    seaweed = Seaweed(
        endpoint=f"http://127.0.0.1:{ports['s3']}",
        access_key=secrets.token_hex(10),
        secret=secrets.token_urlsafe(24),
    )
    _write_settings(home, seaweed)
    program = _program(home, ports)
    log_path = home / "seaweed.log"
    process = start_program(program, log_path, cwd=home)
    try:
        _wait_until_ready(seaweed, process, log_path)
        yield seaweed
    finally:
        end_process(process, program)
        shutil.rmtree(home, ignore_errors=True)


def _write_settings(home: Path, seaweed: Seaweed) -> None:
    # Without these keys its inner ports take and give any object unsigned.
    keys = "".join(
        f'[jwt.{name}]\nkey = "{secrets.token_urlsafe(24)}"\n'
        for name in ("signing", "signing.read", "filer_signing", "filer_signing.read")
    )
    (home / "security.toml").write_text(keys, encoding="utf-8")
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": seaweed.access_key, "secretKey": seaweed.secret}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    (home / "s3.json").write_text(json.dumps({"identities": [identity]}), encoding="utf-8")


def _program(home: Path, ports: dict[str, int]) -> Program:
    return Program(
        name="seaweed",
        argv=(
            str(find_program("weed")),
            "mini",
            f"-dir={home}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            f"-s3.config={home / 's3.json'}",
            f"-bucket={BUCKET}",
            "-webdav=false",
            "-admin.ui=false",
            "-master.telemetry=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            *(f"-{name}.port={port}" for name, port in ports.items()),
            *(f"-{name}.port.grpc={free_port()}" for name in _PORTS),
        ),
        env={"GOMEMLIMIT": "200MiB", "HOME": str(home), "TMPDIR": str(home)},
        # Its files are thrown away; a tidy end takes seconds.
        stop_signal=signal.SIGKILL,
    )


def _wait_until_ready(seaweed: Seaweed, process: subprocess.Popen[bytes], log_path: Path) -> None:
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=seaweed.endpoint,
        region_name="us-east-1",
        aws_access_key_id=seaweed.access_key,
        aws_secret_access_key=seaweed.secret,
        config=Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 1}),
    )
    deadline = time.monotonic() + READY_TIMEOUT_S
    while True:
        # It answers before it has made the bucket.
        with suppress(ClientError, BotoCoreError):
            client.list_objects_v2(Bucket=BUCKET)
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(log_path.read_text(encoding="utf-8", errors="replace")[-4000:])
        time.sleep(0.1)
