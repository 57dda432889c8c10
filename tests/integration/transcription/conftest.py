"""One loaded engine for all tests; a fresh house with real servers for each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.transcription.engine import Engine
from services.transcription.faster_whisper_engine import FasterWhisperEngine
from services.transcription.models import prepare_model
from services.transcription.settings import Settings
from shared.blobs import open_blobs
from shared.bus import Bus
from shared.testing.streams import fresh_streams
from shared.testing.suites.bus import hasten
from tests.support.nats_server import TestNats
from tests.support.postgres import DatabaseFor
from tests.support.transcription import TranscriptionHouse


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def engine(model_dir: Path) -> Engine:
    model = prepare_model("base", model_dir)
    return FasterWhisperEngine(model.folder, name=model.name, threads=2)


@pytest.fixture
async def house(
    nats_server: TestNats,
    database_for: DatabaseFor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[TranscriptionHouse]:
    # A busy machine may keep the event loop from its heartbeats for more than a second.
    hasten(monkeypatch, deadline_s=60.0, ack_wait_s=8.0)
    buses: list[Bus] = []

    async def connect(service: str) -> Bus:
        credentials = nats_server.credentials(service)
        bus = await Bus.connect(nats_server.url, service=service, credentials_file=credentials)
        buses.append(bus)
        return bus

    admin = await connect("admin")
    await fresh_streams(admin)
    blob_url = f"file://{tmp_path / 'blobs'}"
    house = TranscriptionHouse(
        connect=connect,
        database_for=database_for,
        blobs=open_blobs(blob_url),
        settings=Settings(
            database_url="postgresql://unused",
            nats_url=nats_server.url,
            blob_url=blob_url,
            http_port=0,
        ),
    )
    await house.open()
    yield house
    await house.close()
    for bus in buses:
        await bus.close()
