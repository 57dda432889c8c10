"""How fast and how frugal uploads are: one PATCH of a large body, beside a plain aiohttp handler.

The handler only writes the same body to a new file on the same disk: `plain` leaves it in the page
cache, `durable` syncs it before it answers, as Tidings does with every part. Both servers are
processes of their own on the same loop; the sender is a third.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import multiprocessing
import os
import shutil
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import psutil
import uvloop
from aiohttp import web

from services.standalone.programs import free_port
from shared.bus import Bus
from shared.bus.provision import provision
from tests.support.nats_server import TestNats, running_nats
from tests.support.postgres import TestPostgres, running_postgres
from tests.support.upload_house import TUS, Claims, Keys, UploadClient
from tests.support.upload_process import UploadProcess, running_upload_process

MIB = 1 << 20
KINDS = ("plain", "durable", "tidings", "checksummed")
BLOCK = os.urandom(8 * MIB)


@dataclass(frozen=True)
class Measured:
    """One transfer."""

    seconds: float
    mib_per_s: float
    user_s: float
    system_s: float
    rss_before_mib: float
    rss_most_mib: float


class RssWatch:
    """Samples a process's resident memory in a thread."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.before = self.most = self._process.memory_info().rss
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            self.most = max(self.most, self._process.memory_info().rss)


def send(url: str, method: str, headers: dict[str, str], size: int) -> float:
    """Send ``size`` bytes as fast as the socket takes them; return the seconds until the answer."""
    address = urlsplit(url)
    lines = {"Host": address.netloc, "Content-Length": str(size), "Connection": "close", **headers}
    head = [f"{method} {address.path} HTTP/1.1", *(f"{k}: {v}" for k, v in lines.items())]
    block = memoryview(BLOCK)
    began = time.monotonic()
    with socket.create_connection((address.hostname, address.port)) as line:
        line.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
        left = size
        while left:
            line.sendall(block[:left])
            left -= min(left, len(block))
        answer = line.recv(65536)
    took = time.monotonic() - began
    status = int(answer.split()[1])
    if status not in (200, 204):
        raise RuntimeError(f"status {status}")
    return took


def measure(pid: int, size: int, transfer: Callable[[], float]) -> Measured:
    """Run one transfer and watch the server's memory meanwhile."""
    process = psutil.Process(pid)
    began = process.cpu_times()
    with RssWatch(pid) as watch:
        seconds = transfer()
    ended = process.cpu_times()
    return Measured(
        user_s=round(ended.user - began.user, 2),
        system_s=round(ended.system - began.system, 2),
        seconds=round(seconds, 3),
        mib_per_s=round(size / MIB / seconds, 1),
        rss_before_mib=round(watch.before / MIB, 1),
        rss_most_mib=round(watch.most / MIB, 1),
    )


def remove_bodies(home: Path) -> None:
    """Make room, and let what is measured next not wait for the disk to write what was before."""
    for path in (home / "plain").iterdir():
        path.unlink()
    shutil.rmtree(home / "blobs" / "recordings", ignore_errors=True)
    os.sync()


def serve_plainly(port: int, path: str) -> None:
    """Write every body to one file, nothing else."""

    async def take(request: web.Request) -> web.Response:
        # A new file each time: what is truncated before it reaches the disk costs nothing.
        with Path(path, uuid4().hex).open("wb") as file:  # noqa: ASYNC230 - as plain as can be
            async for piece in request.content.iter_any():
                file.write(piece)
            if request.path == "/durable":
                file.flush()
                await asyncio.to_thread(os.fsync, file.fileno())
        return web.Response(status=204)

    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    app = web.Application()
    app.router.add_put("/plain", take)
    app.router.add_put("/durable", take)
    web.run_app(app, host="127.0.0.1", port=port, print=None)


@contextmanager
def plain_server(home: Path) -> Iterator[tuple[str, int]]:
    """Give the address and pid of the plain handler."""
    port = free_port()
    (home / "plain").mkdir()
    process = multiprocessing.get_context("spawn").Process(
        target=serve_plainly, args=(port, str(home / "plain")), daemon=True
    )
    process.start()
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                break
        yield f"http://127.0.0.1:{port}", process.pid or 0
    finally:
        process.kill()
        process.join()


async def provisioned(nats: TestNats) -> None:
    """Make the streams, so that the server's messages find their way as they do in earnest."""
    admin = nats.credentials("admin")
    bus = await Bus.connect(nats.url, service="admin", credentials_file=admin)
    await provision(bus)
    await bus.close()


async def opened(server: UploadProcess, keys: Keys, size: int) -> tuple[str, dict[str, str]]:
    """Open an upload; return its address and the headers that append to it."""
    claims = Claims(max_bytes=size)
    token = keys.upload_token(claims)
    async with aiohttp.ClientSession() as http:
        client = UploadClient(http, server.url, token, claims.recording_id)
        created = await client.create(size)
    if created.status != 201:
        raise RuntimeError(f"status {created.status}")
    headers = {
        **TUS,
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/offset+octet-stream",
        "Upload-Offset": "0",
    }
    return client.location, headers


def run(
    size: int, rounds: int, home: Path, postgres: TestPostgres, nats: TestNats
) -> dict[str, Any]:
    """Measure both in turn, ``rounds`` times."""
    name = asyncio.run(postgres.clone())
    asyncio.run(provisioned(nats))
    keys = Keys(home)
    found: dict[str, list[Measured]] = {kind: [] for kind in KINDS}
    checksum = {"Upload-Checksum": f"sha256 {digest_of(size)}"}
    with (
        plain_server(home) as (plain_url, plain_pid),
        running_upload_process(
            database_url=postgres.service_url(name, "upload"),
            nats=nats,
            blobs=home / "blobs",
            keys=keys,
            home=home,
        ) as server,
    ):
        for _ in range(rounds):
            for kind in ("plain", "durable"):
                transfer = partial(send, f"{plain_url}/{kind}", "PUT", {}, size)
                found[kind].append(measure(plain_pid, size, transfer))
                remove_bodies(home)
            for kind, extra in (("tidings", {}), ("checksummed", checksum)):
                url, headers = asyncio.run(opened(server, keys, size))
                transfer = partial(send, url, "PATCH", {**headers, **extra}, size)
                found[kind].append(measure(server.pid, size, transfer))
                remove_bodies(home)
    speed = {
        kind: statistics.median(one.mib_per_s for one in transfers)
        for kind, transfers in found.items()
    }
    ours = found["tidings"]
    return {
        "size_mib": size // MIB,
        "cpus": os.cpu_count(),
        "mib_per_s": speed,
        "ratio_to_plain": round(speed["tidings"] / speed["plain"], 3),
        "ratio_to_durable": round(speed["tidings"] / speed["durable"], 3),
        "extra_rss_mib": round(max(one.rss_most_mib for one in ours) - ours[0].rss_before_mib, 1),
        "transfers": {kind: [asdict(one) for one in each] for kind, each in found.items()},
    }


def digest_of(size: int) -> str:
    """Return what the body hashes to, as the header wants it."""
    whole, rest = divmod(size, len(BLOCK))
    digest = hashlib.sha256()
    for _ in range(whole):
        digest.update(BLOCK)
    digest.update(BLOCK[:rest])
    return base64.b64encode(digest.digest()).decode()


def main() -> None:
    """Print a table, and JSON where asked for."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--size-mib", type=int, default=1024)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--json", type=Path)
    arguments.add_argument(
        "--folder", type=Path, help="where bodies go; /dev/shm leaves the disk out"
    )
    asked = arguments.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="tidings-bench-", dir=asked.folder) as folder,
        running_postgres() as postgres,
        running_nats() as nats,
    ):
        result = run(asked.size_mib * MIB, asked.rounds, Path(folder), postgres, nats)
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=2))
    sys.stdout.write(table(result))


def table(result: dict[str, Any]) -> str:
    """Return the result for people."""
    heads = ("", "MiB/s", "s", "user s", "system s", "RSS before", "RSS most")
    lines = ["{:12}{:>10}{:>10}{:>10}{:>10}{:>12}{:>12}".format(*heads)]
    for kind, found in result["transfers"].items():
        for one in found:
            figures = (one[name] for name in ("mib_per_s", "seconds", "user_s", "system_s"))
            memory = (one[name] for name in ("rss_before_mib", "rss_most_mib"))
            row = (kind, *figures, *memory)
            lines.append("{:12}{:10.1f}{:10.2f}{:10.2f}{:10.2f}{:12.1f}{:12.1f}".format(*row))
    lines.append(
        f"{result['ratio_to_plain']} of plain, {result['ratio_to_durable']} of durable,"
        f" {result['extra_rss_mib']} MiB more memory"
    )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
