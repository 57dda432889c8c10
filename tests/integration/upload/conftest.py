"""One replica of the upload service for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.upload.settings import Settings
from tests.support.nats_server import TestNats
from tests.support.postgres import TestPostgres
from tests.support.upload_house import Keys, UploadHouse, running_upload, upload_settings


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
async def settings(
    postgres_server: TestPostgres, nats_server: TestNats, tmp_path: Path, keys: Keys
) -> AsyncIterator[Settings]:
    name = await postgres_server.clone()
    yield upload_settings(
        database_url=postgres_server.service_url(name, "upload"),
        nats_url=nats_server.url,
        nats_credentials_file=nats_server.credentials("upload"),
        blobs=tmp_path / "blobs",
        keys=keys,
    )
    await postgres_server.drop(name)


@pytest.fixture
async def house(settings: Settings, keys: Keys) -> AsyncIterator[UploadHouse]:
    async with running_upload(settings, keys) as running:
        yield running
