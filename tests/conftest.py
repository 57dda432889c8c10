"""Fixtures for every folder. They only wrap what `tests/support` offers."""

from collections.abc import AsyncIterator, Iterator

import hypothesis
import pytest

from tests.support.nats_server import TestNats, running_nats
from tests.support.postgres import DatabaseFor, TestPostgres, open_databases, running_postgres
from tests.support.seaweed import Seaweed, running_seaweed

# No module above imports a suite; the folders that do come later.
pytest.register_assert_rewrite("shared.testing.suites")

# How long an example takes says something of the machine only.
hypothesis.settings.register_profile("tidings", deadline=None)
hypothesis.settings.load_profile("tidings")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[TestPostgres]:
    """Give a real PostgreSQL with a migrated template, shared by the tests of this process."""
    with running_postgres() as postgres:
        yield postgres


@pytest.fixture
async def database_for(postgres_server: TestPostgres) -> AsyncIterator[DatabaseFor]:
    """Give `await database_for("upload")`: a pool with that role in this test's own database."""
    async for give in open_databases(postgres_server):
        yield give


@pytest.fixture(scope="session")
def nats_server() -> Iterator[TestNats]:
    """Give a real nats-server with JetStream, shared by the tests of this process."""
    with running_nats() as nats:
        yield nats


@pytest.fixture(scope="module")
def seaweed() -> Iterator[Seaweed]:
    """Give a real S3 server with an empty bucket, shared by the tests of a file.

    It keeps a fifth of a core busy even when idle, so it does not outlive them.
    """
    with running_seaweed() as server:
        yield server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file's tests on one worker, and all that share the running house on one as well."""
    for item in items:
        folder, name = item.path.parent, item.path.name
        shares_the_house = "e2e" in folder.parts
        group = "e2e" if shares_the_house else f"{folder.name}/{name}"
        item.add_marker(pytest.mark.xdist_group(group))
