"""A large upload by tuspy and by tus-js-client while lines are cut and the server is killed.

Shows that the bytes arrive unchanged, how often the line broke, and the server's memory.
"""

import argparse
import asyncio
import hashlib
import json
import random
import sys
import tempfile
import time
from collections.abc import Awaitable
from dataclasses import asdict, dataclass
from pathlib import Path

import asyncpg
import psutil
from tusclient.client import TusClient

from shared.blobs import open_blobs
from tests.support import tus_js
from tests.support.cutting_proxy import Cut, cutting_proxy
from tests.support.nats_server import TestNats, running_nats
from tests.support.postgres import TestPostgres, running_postgres
from tests.support.upload_house import Claims, Keys
from tests.support.upload_process import UploadProcess, running_upload_process

MIB = 1 << 20
KILL_EVERY_S = 6.0


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One upload."""

    client: str
    size_mib: int
    seconds: float
    cuts: int
    kills: int
    parts: int
    is_equal: bool
    rss_most_mib: float


async def by_tuspy(path: Path, endpoint: str, token: str) -> None:
    """Send with tuspy, in pieces it can begin again."""

    def send() -> None:
        client = TusClient(endpoint, headers={"Authorization": f"Bearer {token}"})
        with path.open("rb") as file:
            client.uploader(
                file_stream=file, chunk_size=32 * MIB, retries=1000, retry_delay=0.1
            ).upload()

    await asyncio.to_thread(send)


async def by_tus_js(path: Path, endpoint: str, token: str) -> None:
    """Send with tus-js-client, the whole rest in each request."""
    said = await tus_js.send(path, endpoint, token, retryDelays=[0, *[100] * 1000])
    if not said["isSent"]:
        raise RuntimeError(said["reason"])


async def disturb(server: UploadProcess, kills: int, seen: list[float]) -> None:
    """Watch the memory, and kill the server now and then."""
    killed = 0
    next_kill_s = time.monotonic() + KILL_EVERY_S
    while True:
        await asyncio.sleep(0.05)
        seen.append(psutil.Process(server.pid).memory_info().rss / MIB)
        if killed < kills and time.monotonic() > next_kill_s:
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
            killed += 1
            next_kill_s = time.monotonic() + KILL_EVERY_S


async def stored(database_url: str, blob_url: str, claims: Claims) -> tuple[str, int]:
    """Return the digest and number of the parts in the ledger."""
    connection = await asyncpg.connect(database_url, server_settings={"search_path": "upload"})
    rows = await connection.fetch(
        "SELECT key FROM part JOIN upload USING (recording_id)"
        " WHERE recording_id = $1 AND state = 'complete' ORDER BY number",
        claims.recording_id,
    )
    await connection.close()
    digest = hashlib.sha256()
    blobs = open_blobs(blob_url)
    for row in rows:
        async for piece in blobs.read(row["key"]):
            digest.update(piece)
    return digest.hexdigest(), len(rows)


async def send_one(
    client: str,
    path: Path,
    server: UploadProcess,
    keys: Keys,
    *,
    where: tuple[str, str],
    kills: int,
) -> Sent:
    """Upload once, disturbed, and compare."""
    claims = Claims(max_bytes=path.stat().st_size)
    token = keys.upload_token(claims, ttl_s=3600)
    chance = random.Random(client)  # noqa: S311 - guards nothing
    plans = [(chance.randrange(MIB, 32 * MIB), chance.choice(list(Cut))) for _ in range(20)]
    seen: list[float] = []
    began = time.monotonic()
    async with cutting_proxy(server.port, plans) as proxy:
        disturbing = asyncio.create_task(disturb(server, kills, seen))
        endpoint = f"{proxy.url}/files"
        sending: Awaitable[None] = {"tuspy": by_tuspy, "tus-js-client": by_tus_js}[client](
            path, endpoint, token
        )
        try:
            await sending
        finally:
            disturbing.cancel()
            await asyncio.gather(disturbing, return_exceptions=True)
    took = time.monotonic() - began
    digest, parts = await stored(*where, claims)
    with path.open("rb") as file:
        is_equal = digest == hashlib.file_digest(file, "sha256").hexdigest()
    return Sent(
        client=client,
        size_mib=path.stat().st_size // MIB,
        seconds=round(took, 1),
        cuts=proxy.cuts,
        kills=kills,
        parts=parts,
        is_equal=is_equal,
        rss_most_mib=round(max(seen), 1),
    )


async def run(home: Path, size: int, postgres: TestPostgres, nats: TestNats) -> list[Sent]:
    """Upload with both clients."""
    tus_js.install()
    path = home / "recording"
    block = random.Random(size).randbytes(MIB)  # noqa: S311 - guards nothing
    with path.open("wb") as file:
        for number in range(size // MIB):
            file.write(number.to_bytes(8, "big") + block[8:])
    url = postgres.service_url(await postgres.clone(), "upload")
    keys = Keys(home)
    with running_upload_process(
        database_url=url, nats=nats, blobs=home / "blobs", keys=keys, home=home
    ) as server:
        where = (url, f"file://{home / 'blobs'}")
        return [
            await send_one(client, path, server, keys, where=where, kills=2)
            for client in ("tus-js-client", "tuspy")
        ]


def main() -> None:
    """Print a table, and JSON where asked for."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--size-mib", type=int, default=1024)
    arguments.add_argument("--json", type=Path)
    asked = arguments.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="tidings-bench-") as folder,
        running_postgres() as postgres,
        running_nats() as nats,
    ):
        found = asyncio.run(run(Path(folder), asked.size_mib * MIB, postgres, nats))
    if asked.json:
        asked.json.write_text(json.dumps([asdict(one) for one in found], indent=2))
    for one in found:
        sys.stdout.write(
            f"{one.client:14} {one.size_mib} MiB {one.seconds:6.1f} s  {one.cuts} cuts "
            f"{one.kills} kills  {one.parts} parts  equal: {one.is_equal}  "
            f"RSS at most {one.rss_most_mib} MiB\n"
        )


if __name__ == "__main__":
    main()
