"""The media role as a whole: a wish on the bus becomes something to play."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from services.upload.app import main
from shared.blobs import open_blobs
from shared.bus import Bus, enqueue
from shared.bus.provision import provision
from shared.contracts.messages import RenditionRequest
from shared.db import Database
from tests.support import media_samples as samples
from tests.support.nats_server import TestNats
from tests.support.postgres import TestPostgres
from tests.support.rendition_house import TEAM, RenditionHouse
from tests.support.upload_house import Keys, until, upload_settings

pytestmark = pytest.mark.integration


async def test_wishes_on_the_bus_are_fulfilled_up_to_the_transcode(
    postgres_server: TestPostgres, nats_server: TestNats, tmp_path: Path
) -> None:
    admin = await Bus.connect(
        nats_server.url, service="admin", credentials_file=nats_server.credentials("admin")
    )
    await provision(admin)
    await admin.close()
    name = await postgres_server.clone()
    settings = upload_settings(
        database_url=postgres_server.service_url(name, "upload"),
        nats_url=nats_server.url,
        nats_credentials_file=nats_server.credentials("upload"),
        blobs=tmp_path / "blobs",
        keys=Keys(tmp_path),
        role="media",
        work_dir=tmp_path / "work",
    )
    database = await Database.connect(settings.database_url, schema="upload")
    blobs = open_blobs(settings.blob_url)
    house = RenditionHouse(database=database, blobs=blobs, place=tmp_path / "work")
    recording_id = await house.uploaded(samples.old_mpeg(tmp_path / "a.mpg", 1.0).read_bytes())
    async with database.transaction() as tx:
        wish = RenditionRequest(team_id=TEAM, recording_id=recording_id)
        await enqueue(tx, wish, clock=house.clock)

    async def can_be_seen() -> bool:
        return "video" in await house.forms(recording_id)

    worker = asyncio.create_task(main(settings))
    try:
        await until(can_be_seen, timeout_s=30)
    finally:
        worker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await worker
        await database.close()
        await postgres_server.drop(name)
