"""What followers do that come too late, or that fail again and again."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from services.transcription import store
from services.transcription.usecases import follow
from services.transcription.usecases.draft import Offers
from services.transcription.usecases.follow import Listener, NothingToFollowError
from services.transcription.usecases.strays import Strays
from shared.db import Database
from shared.media import MediaTookTooLongError
from shared.media.workroom import Workroom
from shared.testing.waiting import until
from tests.support.speech import speech_file
from tests.support.transcription import CLOCK, Sent, TranscriptionHouse

pytestmark = pytest.mark.integration


#: Facts are handled side by side: the end may be known before the parts are.
ALL_NOTED = """
    SELECT is_announced AND part_count = (SELECT count(*) FROM part) FROM recording
"""


async def late_listener(
    house: TranscriptionHouse, sent: Sent, monkeypatch: pytest.MonkeyPatch, *, failures: int = 0
) -> Listener:
    """Return a follower that lost its lease before anybody had kept a chunk."""

    async def none_yet(*_: object) -> set[int]:
        return set()

    async def forever() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(store, "chunk_indices", none_yet)
    parts = await house.parts("follower-late")
    return Listener(
        claim=store.Claim(
            recording_id=sent.recording_id, needs_whole_file=False, failures=failures
        ),
        owner="follower-late",
        database=parts.database,
        blobs=parts.blobs,
        assembler=parts.assembler,
        max_seconds=600,
        workroom=Workroom(),
        offers=Offers(
            database=parts.database, recording_id=sent.recording_id, clock=CLOCK, every_s=0
        ),
        new_parts=forever,
        pace=forever,
    )


async def test_a_follower_that_lost_its_lease_takes_no_samples_from_the_one_that_heard_to_the_end(
    house: TranscriptionHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await house.start_follower()
    sent = await house.send(speech_file("en").path)
    database = await house.database_for("transcription")
    await until(lambda: _count(database, "SELECT state = 'heard' FROM recording"), timeout_s=30)
    await house.stop(first)
    late = await late_listener(house, sent, monkeypatch)
    with pytest.raises(NothingToFollowError):
        await late.listen()
    assert len([key async for key in house.blobs.list("chunks/")]) == 1


async def test_samples_of_a_removed_recording_are_taken_back_unless_a_backup_runs(
    house: TranscriptionHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.keep_notes()
    sent = await house.send(speech_file("en").path)
    database = await house.database_for("transcription")
    await until(lambda: _count(database, ALL_NOTED))
    await database.execute("UPDATE recording SET state = 'removed', finished_at = now()")
    late = await late_listener(house, sent, monkeypatch)
    async with database.transaction() as backup:
        await backup.execute("SELECT pg_advisory_xact_lock(7771)")
        with pytest.raises(NothingToFollowError):
            await late.listen()
        assert len([key async for key in house.blobs.list("chunks/")]) == 1
    with pytest.raises(NothingToFollowError):
        await late.listen()
    assert [key async for key in house.blobs.list("chunks/")] == []


async def test_what_came_before_a_time_out_stands_only_after_more_tries(
    house: TranscriptionHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stalling(*_: object, **__: object) -> AsyncIterator[bytes]:
        yield bytes(32_000)
        raise MediaTookTooLongError

    await house.keep_notes()
    sent = await house.send(speech_file("en").path)
    database = await house.database_for("transcription")
    await until(lambda: _count(database, ALL_NOTED))
    monkeypatch.setattr(follow, "decode_stream", stalling)
    monkeypatch.setattr(follow, "decode_file", stalling)
    for failures in range(follow.SLOW_TRIES - 1):
        with pytest.raises(MediaTookTooLongError):
            await (await late_listener(house, sent, monkeypatch, failures=failures)).listen()
        assert await database.fetchval("SELECT state FROM recording") == "following"
    last = await late_listener(house, sent, monkeypatch, failures=follow.SLOW_TRIES - 1)
    await last.listen()
    assert await database.fetchval("SELECT heard_ms FROM recording") == 1000
    assert await database.fetchval("SELECT state FROM recording") != "following"


async def test_hearing_old_ground_again_does_not_make_up_for_failures(
    house: TranscriptionHouse,
) -> None:
    await house.keep_notes()
    sent = await house.send(speech_file("en").path)
    database = await house.database_for("transcription")
    await until(lambda: _count(database, "SELECT count(*) = 1 FROM recording"))
    await database.execute("UPDATE recording SET heard_ms = 4000, failures = 3")
    await store.note_heard(database, sent.recording_id, 4000)
    assert await store.failures_of(database, sent.recording_id) == 3
    await store.note_heard(database, sent.recording_id, 6000)
    assert await store.failures_of(database, sent.recording_id) == 0


async def test_samples_nobody_names_go_at_the_second_look_and_all_others_stay(
    house: TranscriptionHouse,
) -> None:
    follower = await house.start_follower()
    heard = await house.send(speech_file("en").path)
    database = await house.database_for("transcription")
    await until(lambda: _count(database, "SELECT state = 'heard' FROM recording"), timeout_s=30)
    await house.stop(follower)
    await house.keep_notes()
    followed = await house.begin(is_live=True)
    await until(lambda: _count(database, "SELECT count(*) = 2 FROM recording"))
    (named,) = [key async for key in house.blobs.list("chunks/")]
    strays = {f"chunks/{uuid4()}/00000.s16", f"chunks/{heard.recording_id}/00009.s16"}
    others = {named, f"chunks/{followed.recording_id}/00000.s16", "chunks/not-ours"}
    for key in strays | others - {named}:
        await house.blobs.put(key, b"xy")
    sweeper = Strays(
        database=database, blobs=house.blobs, clock=CLOCK, look_every=timedelta(seconds=0)
    )
    assert await sweeper.sweep() == 0, "a row may still come"
    async with database.transaction() as backup:
        await backup.execute("SELECT pg_advisory_xact_lock(7771)")
        assert await sweeper.sweep() == 0, "a backup keeps everything"
    assert await sweeper.sweep() == 2
    assert {key async for key in house.blobs.list("chunks/")} == others


async def test_strays_are_looked_for_seldom(house: TranscriptionHouse) -> None:
    database = await house.database_for("transcription")
    sweeper = Strays(database=database, blobs=house.blobs, clock=CLOCK)
    await house.blobs.put(f"chunks/{uuid4()}/00000.s16", b"xy")
    assert [await sweeper.sweep() for _ in range(3)] == [0, 0, 0]
    assert len([key async for key in house.blobs.list("chunks/")]) == 1


async def _count(database: Database, sql: str) -> bool:
    return bool(await database.fetchval(sql))
