"""One replica of the workspace for each test, and a team to try it with."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.workspace.settings import Settings
from tests.support.nats_server import TestNats
from tests.support.postgres import TestPostgres
from tests.support.workspace_house import (
    Cast,
    Keys,
    WorkspaceHouse,
    make_cast,
    running_workspace,
    workspace_settings,
)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
async def settings(
    postgres_server: TestPostgres, nats_server: TestNats, tmp_path: Path, keys: Keys
) -> AsyncIterator[Settings]:
    name = await postgres_server.clone()
    yield workspace_settings(
        database_url=postgres_server.service_url(name, "workspace"),
        nats_url=nats_server.url,
        nats_credentials_file=nats_server.credentials("workspace"),
        blobs=tmp_path / "blobs",
        keys=keys,
    )
    await postgres_server.drop(name)


@pytest.fixture
async def house(settings: Settings, keys: Keys) -> AsyncIterator[WorkspaceHouse]:
    async with running_workspace(settings, keys) as running:
        yield running


@pytest.fixture
async def cast(house: WorkspaceHouse) -> Cast:
    return await make_cast(house)
