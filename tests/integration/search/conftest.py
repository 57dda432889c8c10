"""One replica of the workspace for each test of its routes, and a team to try it with."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.nats_server import TestNats
from tests.support.postgres import TestPostgres
from tests.support.workspace_house import (
    Cast,
    Keys,
    make_cast,
    running_workspace,
    workspace_settings,
)


@pytest.fixture
async def cast(
    postgres_server: TestPostgres, nats_server: TestNats, tmp_path: Path
) -> AsyncIterator[Cast]:
    name = await postgres_server.clone()
    keys = Keys(tmp_path)
    settings = workspace_settings(
        database_url=postgres_server.service_url(name, "workspace"),
        nats_url=nats_server.url,
        nats_credentials_file=nats_server.credentials("workspace"),
        blobs=tmp_path / "blobs",
        keys=keys,
    )
    async with running_workspace(settings, keys) as house:
        yield await make_cast(house)
    await postgres_server.drop(name)
