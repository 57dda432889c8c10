"""The clients people use, over lines that break and against a server that is killed."""

import asyncio
import hashlib
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tusclient.client import TusClient

from services.upload.settings import Settings
from shared.blobs import open_blobs
from tests.support import tus_js
from tests.support.cutting_proxy import Cut, cutting_proxy
from tests.support.nats_server import TestNats
from tests.support.upload_house import Claims, Keys, noise
from tests.support.upload_process import UploadProcess, running_upload_process

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

SIZE = 24 << 20


@pytest.fixture(scope="module", autouse=True)
def tus_js_client() -> None:
    """Have the page's client there, whichever test comes first."""
    tus_js.install()


@pytest.fixture
async def server(
    settings: Settings, nats_server: TestNats, keys: Keys, tmp_path: Path
) -> AsyncIterator[UploadProcess]:
    with running_upload_process(
        database_url=settings.database_url,
        nats=nats_server,
        blobs=tmp_path / "blobs",
        keys=keys,
        home=tmp_path,
        part_bytes=str(1 << 20),
        flush_s="0.2",
    ) as process:
        yield process


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "recording.webm"
    path.write_bytes(noise(SIZE))
    return path


async def sha256_of_stored(settings: Settings, claims: Claims) -> str:
    """Return the digest of the parts of a complete upload, read back from the ledger."""
    connection = await asyncpg.connect(
        settings.database_url, server_settings={"search_path": "upload"}
    )
    try:
        state = await connection.fetchval(
            "SELECT state FROM upload WHERE recording_id = $1", claims.recording_id
        )
        assert state == "complete"
        rows = await connection.fetch(
            "SELECT key FROM part WHERE recording_id = $1 ORDER BY number", claims.recording_id
        )
        payloads = await connection.fetch("SELECT payload FROM outbox ORDER BY id")
    finally:
        await connection.close()
    kinds = [json.loads(row["payload"])["type"] for row in payloads]
    assert kinds.count("tidings.recording.completed.v1") == 1
    assert kinds.count("tidings.recording.grew.v1") == len(rows)
    digest = hashlib.sha256()
    blobs = open_blobs(settings.blob_url)
    for row in rows:
        async for piece in blobs.read(row["key"]):
            digest.update(piece)
    return digest.hexdigest()


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def plans(how: Cut, count: int) -> list[tuple[int, Cut]]:
    """Return cuts after between a few bytes and some megabytes."""
    chance = random.Random(how.value)  # noqa: S311 - guards nothing
    return [(chance.randrange(2_000, 4 << 20), how) for _ in range(count)]


def send_with_tuspy(path: Path, endpoint: str, token: str, **more: Any) -> None:
    usual = {"chunk_size": 4 << 20, "retries": 20, "retry_delay": 0}
    client = TusClient(endpoint, headers={"Authorization": f"Bearer {token}"})
    with path.open("rb") as file:
        client.uploader(file_stream=file, **{**usual, **more}).upload()


@pytest.mark.parametrize("how", list(Cut))
async def test_tus_js_client_gets_through_lines_that_break(
    server: UploadProcess, settings: Settings, keys: Keys, recording: Path, how: Cut
) -> None:
    claims = Claims()
    async with cutting_proxy(server.port, plans(how, 8)) as proxy:
        token = keys.upload_token(claims)
        said = await tus_js.send(recording, f"{proxy.url}/files", token)

    assert said["isSent"], said
    assert proxy.cuts == 8
    assert await sha256_of_stored(settings, claims) == digest_of(recording)


@pytest.mark.parametrize("how", list(Cut))
async def test_tuspy_gets_through_lines_that_break(
    server: UploadProcess, settings: Settings, keys: Keys, recording: Path, how: Cut
) -> None:
    claims = Claims()
    token = keys.upload_token(claims)
    # tuspy does not repeat the creation; no plan is so short that it hits that.
    async with cutting_proxy(server.port, plans(how, 8)) as proxy:
        await asyncio.to_thread(send_with_tuspy, recording, f"{proxy.url}/files", token)

    assert proxy.cuts == 8
    assert await sha256_of_stored(settings, claims) == digest_of(recording)


async def test_tuspy_with_checksums_gets_through_lines_that_break(
    server: UploadProcess, settings: Settings, keys: Keys, recording: Path
) -> None:
    claims = Claims()
    token = keys.upload_token(claims)
    async with cutting_proxy(server.port, plans(Cut.RESET, 5)) as proxy:
        await asyncio.to_thread(
            send_with_tuspy, recording, f"{proxy.url}/files", token, upload_checksum=True
        )

    assert await sha256_of_stored(settings, claims) == digest_of(recording)


async def test_a_live_recording_of_unknown_length_gets_through(
    server: UploadProcess, settings: Settings, keys: Keys, recording: Path
) -> None:
    claims = Claims()
    # A stream is sent as it is read, 64 KiB a request.
    recording.write_bytes(noise(4 << 20))
    async with cutting_proxy(server.port, [(300_000, Cut.RESET), (1_000_000, Cut.CLOSE)]) as proxy:
        said = await tus_js.send(
            recording,
            f"{proxy.url}/files",
            keys.upload_token(claims),
            isLive=True,
            chunkSize=3 << 20,
        )

    assert said["isSent"], said
    assert await sha256_of_stored(settings, claims) == digest_of(recording)


@pytest.mark.parametrize("sender", ["tus-js-client", "tuspy"])
async def test_an_upload_survives_a_server_that_is_killed(
    server: UploadProcess, settings: Settings, keys: Keys, recording: Path, sender: str
) -> None:
    claims = Claims()
    token = keys.upload_token(claims)
    endpoint = f"{server.url}/files"
    if sender == "tuspy":
        sending: asyncio.Future[Any] = asyncio.ensure_future(
            asyncio.to_thread(
                send_with_tuspy,
                recording,
                endpoint,
                token,
                chunk_size=1 << 20,
                retries=400,
                retry_delay=0.1,
            )
        )
    else:
        sending = asyncio.ensure_future(
            tus_js.send(recording, endpoint, token, retryDelays=[100] * 200, chunkSize=2 << 20)
        )
    for _ in range(2):
        await asyncio.sleep(0.4)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
    await sending

    assert await sha256_of_stored(settings, claims) == digest_of(recording)


async def test_a_server_that_is_told_to_stop_keeps_what_has_arrived(
    server: UploadProcess, settings: Settings, keys: Keys, recording: Path
) -> None:
    claims = Claims()
    token = keys.upload_token(claims)
    async with cutting_proxy(server.port) as proxy:
        sending = asyncio.create_task(
            tus_js.send(recording, f"{proxy.url}/files", token, retryDelays=[100] * 200)
        )
        await asyncio.sleep(0.6)
        assert await asyncio.to_thread(server.stop) == 0
        await asyncio.to_thread(server.start)
        said = await sending

    assert said["isSent"], said
    assert await sha256_of_stored(settings, claims) == digest_of(recording)
