"""Who deletes and who copies stay out of each other's way."""

import asyncio

import pytest

from shared.db import deletion_allowed
from shared.db.locks import deletions_held
from tests.support.postgres import DatabaseFor, TestPostgres

pytestmark = pytest.mark.integration


async def test_several_may_delete_at_once(database_for: DatabaseFor) -> None:
    upload, summary = await database_for("upload"), await database_for("summary")
    async with upload.transaction() as first, summary.transaction() as second:
        assert await deletion_allowed(first)
        assert await deletion_allowed(second)


async def test_nobody_may_delete_while_a_backup_copies(
    postgres_server: TestPostgres, database_for: DatabaseFor
) -> None:
    upload = await database_for("upload")
    name = await upload.fetchval("SELECT current_database()")
    async with deletions_held(postgres_server.admin_url(name)), upload.transaction() as tx:
        assert not await deletion_allowed(tx)
    async with upload.transaction() as tx:
        assert await deletion_allowed(tx)


async def test_a_backup_waits_for_the_deletion_that_runs(
    postgres_server: TestPostgres, database_for: DatabaseFor
) -> None:
    upload = await database_for("upload")
    name = await upload.fetchval("SELECT current_database()")
    copying = asyncio.Event()

    async def copy() -> None:
        async with deletions_held(postgres_server.admin_url(name)):
            copying.set()

    async with upload.transaction() as tx:
        assert await deletion_allowed(tx)
        backup = asyncio.create_task(copy())
        await asyncio.sleep(0.2)
        assert not copying.is_set()
    await backup
    assert copying.is_set()
