"""What is cleared away, when, and what never is."""

import asyncio
import time
from datetime import timedelta
from uuid import uuid4

import pytest

from services.upload.app import sweeper
from services.upload.sweeping import BackupRunningError, Sweeper, SweepRules
from shared.bus import Bus
from shared.bus.provision import provision
from shared.clock import SystemClock
from shared.contracts import envelope, registry
from shared.contracts.messages import UpdateRemoved
from shared.db.locks import deletions_held
from shared.ids import new_id
from tests.support.nats_server import TestNats
from tests.support.upload_house import Claims, UploadHouse, until

pytestmark = pytest.mark.integration


async def age_uploads(house: UploadHouse) -> None:
    await house.database.execute("UPDATE upload SET expires_at = now() - interval '1 second'")


def eager(house: UploadHouse) -> Sweeper:
    """Return a sweeper for which everything is old."""
    return Sweeper(
        database=house.database,
        blobs=house.parts.blobs,
        clock=house.parts.clock,
        rules=SweepRules(orphan_after=timedelta(0)),
    )


async def test_an_abandoned_upload_expires_and_its_bytes_go(house: UploadHouse) -> None:
    client = house.client()
    await client.create(10)
    await client.patch(0, b"0123")
    await age_uploads(house)

    assert await sweeper(house.parts).expire_abandoned() == 1
    assert await sweeper(house.parts).delete_ended() == 1

    answer = await client.patch(4, b"4")
    assert (answer.status, answer.code) == (410, "upload-expired")
    assert await house.blob_keys(client.recording_id) == []
    assert [kind for kind, _ in await house.said()][-1] == "recording.expired.v1"


async def test_an_upload_somebody_still_continues_does_not_expire(house: UploadHouse) -> None:
    client = house.client()
    await client.create(10)
    await age_uploads(house)
    await client.patch(0, b"0")

    assert await sweeper(house.parts).expire_abandoned() == 0


async def test_a_complete_upload_never_expires(house: UploadHouse) -> None:
    client = house.client()
    await client.create(3, b"abc")
    await age_uploads(house)

    assert await sweeper(house.parts).expire_abandoned() == 0
    assert await sweeper(house.parts).delete_ended() == 0
    assert await house.stored(client.recording_id) == b"abc"


async def test_two_sweepers_expire_an_upload_once(house: UploadHouse) -> None:
    clients = [house.client() for _ in range(5)]
    for client in clients:
        await client.create(10)
    await age_uploads(house)

    counts = await asyncio.gather(*(sweeper(house.parts).expire_abandoned() for _ in range(3)))

    assert sum(counts) == 5
    kinds = [kind for kind, _ in await house.said()]
    assert kinds.count("recording.expired.v1") == 5


async def test_blobs_without_a_row_go_and_all_others_stay(house: UploadHouse) -> None:
    client = house.client()
    await client.create(3, b"abc")
    stray = f"recordings/{client.recording_id}/parts/000009-stray"
    await house.parts.blobs.put(stray, b"xyz")
    await house.parts.blobs.put("chunks/not-ours", b"xyz")

    assert await eager(house).delete_orphans() == 1

    assert stray not in await house.blob_keys(client.recording_id)
    assert await house.stored(client.recording_id) == b"abc"
    assert await house.parts.blobs.head("chunks/not-ours") is not None


async def test_a_young_blob_without_a_row_may_still_get_one(house: UploadHouse) -> None:
    key = f"recordings/{uuid4()}/parts/000000-young"
    await house.parts.blobs.put(key, b"xyz")

    assert await sweeper(house.parts).delete_orphans() == 0

    assert await house.parts.blobs.head(key) is not None


async def test_a_blob_that_got_its_row_late_is_no_orphan(house: UploadHouse) -> None:
    client = house.client()
    await client.create(3, b"abc")
    [key] = await house.blob_keys(client.recording_id)
    await house.database.execute("INSERT INTO orphan VALUES ($1, now() - interval '9 days')", key)

    assert await sweeper(house.parts).delete_orphans() == 0

    assert await house.stored(client.recording_id) == b"abc"
    assert await house.database.fetchval("SELECT count(*) FROM orphan") == 0


async def test_nothing_is_deleted_while_a_backup_runs(house: UploadHouse) -> None:
    client = house.client()
    await client.create(10)
    await client.patch(0, b"0123")
    await client.delete()
    await house.parts.blobs.put("recordings/stray", b"xyz")

    async with deletions_held(house.parts.settings.database_url):
        assert await sweeper(house.parts).delete_ended() == 0
        assert await eager(house).delete_orphans() == 0
        with pytest.raises(BackupRunningError):
            async with house.database.transaction() as tx:
                await sweeper(house.parts).forget(tx, client.recording_id)

    assert await house.stored(client.recording_id) == b"0123"
    assert await sweeper(house.parts).delete_ended() == 1


async def test_a_forgotten_recording_leaves_nothing_and_never_comes_back(
    house: UploadHouse,
) -> None:
    claims = Claims()
    client = house.client(claims)
    await client.create(3, b"abc")

    async with house.database.transaction() as tx:
        await sweeper(house.parts).forget(tx, client.recording_id)

    assert await house.blob_keys(client.recording_id) == []
    assert await house.database.fetchval("SELECT count(*) FROM recording") == 0
    assert (await client.head()).status == 404
    answer = await client.create(3)
    assert (answer.status, answer.code) == (410, "upload-terminated")


async def test_an_update_removed_before_its_upload_began_stays_removed(house: UploadHouse) -> None:
    client = house.client()

    async with house.database.transaction() as tx:
        await sweeper(house.parts).forget(tx, client.recording_id)

    assert (await client.create(3)).status == 410


async def test_the_sweeper_runs_by_itself(house: UploadHouse) -> None:
    client = house.client()
    await client.create(10)
    await age_uploads(house)
    rules = SweepRules(every_s=0.01, orphans_every_s=0.0)
    running = asyncio.create_task(
        Sweeper(
            database=house.database,
            blobs=house.parts.blobs,
            clock=house.parts.clock,
            rules=rules,
        ).run()
    )

    async def has_expired() -> bool:
        return (await client.head()).status == 410

    await until(has_expired)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_removed_update_is_forgotten(house: UploadHouse, nats_server: TestNats) -> None:
    buses = {
        service: await Bus.connect(
            nats_server.url,
            service=service,
            credentials_file=nats_server.credentials(service),
        )
        for service in ("admin", "workspace")
    }
    await provision(buses["admin"])
    claims = Claims()
    client = house.client(claims)
    await client.create(3, b"abc")
    removed = UpdateRemoved(
        team_id=claims.team_id,
        thread_id=claims.thread_id,
        update_id=claims.update_id,
        recording_id=claims.recording_id,
    )
    message_id = new_id(SystemClock())
    payload = envelope.pack(removed, message_id=message_id, time=SystemClock().now())
    subject = registry.BY_MESSAGE[UpdateRemoved].subject(claims.team_id)

    running = asyncio.create_task(house.parts.runner.run())
    await buses["workspace"].publish(subject, payload, message_id=str(message_id))

    async def is_gone() -> bool:
        return not await house.blob_keys(client.recording_id)

    await until(is_gone, timeout_s=20)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    for bus in buses.values():
        await bus.close()


async def test_an_expiry_is_told_to_the_client(house: UploadHouse) -> None:
    client = house.client()

    created = await client.create(10)

    day_s = 24 * 3600
    at = time.mktime(time.strptime(created.headers["Upload-Expires"], "%a, %d %b %Y %H:%M:%S GMT"))
    assert abs(at - time.mktime(time.gmtime()) - day_s) < 60
