"""Who comes next, and that the engine never waits for what could be done beside it."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest
from typing_extensions import override

from services.transcription import app, store
from services.transcription.domain import EngineError
from services.transcription.engine import Chunk, ChunkResult
from services.transcription.usecases import overtake
from services.transcription.usecases.dispatch import Dispatcher, Fairness
from shared.bus import Bus
from shared.contracts import messages as m
from shared.contracts import registry
from shared.db import Database
from shared.ids import new_id
from shared.testing.waiting import until
from tests.integration.transcription.test_resilience import PretendedEngine, long_wav
from tests.support.transcription import CLOCK, Sent, TranscriptionHouse

pytestmark = pytest.mark.integration


class Recordings:
    """Recordings that were cut into chunks, without any sound."""

    def __init__(self, house: TranscriptionHouse, database: Database) -> None:
        self.house = house
        self.database = database
        self.names: dict[UUID, str] = {}

    async def cut(
        self, name: str, chunks: int, *, team_id: UUID | None = None, is_live: bool = False
    ) -> Sent:
        sent = Sent(team_id=team_id or new_id(CLOCK))
        self.names[sent.recording_id] = name
        assembler = (await self.house.parts("follower-1")).assembler
        async with self.database.transaction() as tx:
            fact = m.RecordingStarted(**sent.places, language="en", is_live=is_live)
            await store.note_recording(tx, fact, sent.recording_id, CLOCK.now())
            await store.announce(tx, sent.recording_id, is_live=is_live, language="en")
            for index in range(chunks):
                await store.add_chunk(
                    tx,
                    sent.recording_id,
                    index=index,
                    key=f"{name}-{index}",
                    start_ms=index * 1000,
                    end_ms=index * 1000 + 900,
                )
            await assembler.advance(tx, sent.recording_id)
        return sent

    def dispatcher(
        self,
        count: int,
        *,
        shares: Mapping[UUID, float] | None = None,
        most_of_a_team: int | None = None,
    ) -> Dispatcher:
        fairness = Fairness(max_batch=count, shares=shares or {}, most_of_a_team=most_of_a_team)
        return self.house.dispatcher(self.database, PretendedEngine(), fairness)

    async def next(self, count: int, *, shares: Mapping[UUID, float] | None = None) -> list[str]:
        """Fill the queue with so many chunks, as if a recogniser took them at once."""
        database = self.database
        await self.dispatcher(count, shares=shares).fill()
        rows = await database.fetch(
            "UPDATE chunk SET taken_at = now() WHERE queued_at IS NOT NULL AND taken_at IS NULL "
            "RETURNING recording_id"
        )
        return sorted(self.names[row["recording_id"]] for row in rows)


@pytest.fixture
async def recordings(house: TranscriptionHouse) -> Recordings:
    return Recordings(house, await house.database_for("transcription"))


async def test_who_speaks_now_goes_before_what_was_sent_earlier(recordings: Recordings) -> None:
    await recordings.cut("backlog", 9)
    await recordings.cut("live", 2, is_live=True)
    assert await recordings.next(2) == ["live", "live"]
    assert await recordings.next(2) == ["backlog", "backlog"]


async def test_the_last_words_of_a_live_recording_still_go_first(recordings: Recordings) -> None:
    await recordings.cut("backlog", 9)
    live = await recordings.cut("live", 1, is_live=True)
    async with recordings.database.transaction() as tx:
        await store.complete_parts(tx, live.recording_id, part_count=1, completed_at=CLOCK.now())
    assert await recordings.next(1) == ["live"]


async def test_while_somebody_speaks_files_come_in_small_batches(recordings: Recordings) -> None:
    await recordings.cut("backlog", 16)
    live = await recordings.cut("live", 1, is_live=True)
    await recordings.database.execute(
        "UPDATE recording SET lease_until = now() + interval '1 minute' WHERE recording_id = $1",
        live.recording_id,
    )
    assert await recordings.next(8) == ["live"]
    assert await recordings.next(8) == ["backlog"] * 2
    await recordings.database.execute("UPDATE recording SET lease_until = NULL")
    assert await recordings.next(8) == ["backlog"] * 8


async def test_long_recordings_come_in_small_batches_where_there_are_several(
    recordings: Recordings,
) -> None:
    await recordings.cut("one", 16)
    assert await recordings.next(8) == ["one"] * 8
    await recordings.cut("two", 12)
    assert await recordings.next(8) == ["two"] * 8
    assert await recordings.next(8) == ["one", "one", "two", "two"]
    await recordings.cut("short", 2)
    assert await recordings.next(8) == ["short", "short"]


async def test_a_short_recording_does_not_wait_for_a_long_one(recordings: Recordings) -> None:
    team_id = new_id(CLOCK)
    await recordings.cut("long", 16, team_id=team_id)
    assert await recordings.next(4) == ["long"] * 4
    await recordings.cut("short", 2, team_id=team_id)
    assert await recordings.next(2) == ["short", "short"]


async def test_a_short_recording_goes_before_the_beginnings_of_long_ones(
    recordings: Recordings,
) -> None:
    team_id = new_id(CLOCK)
    for _ in range(5):
        await recordings.cut("long", 9, team_id=team_id)
    assert await recordings.next(1) == ["long"]
    await recordings.cut("short", 8, team_id=team_id)
    assert await recordings.next(8) == ["short"] * 8
    assert await recordings.next(8) == ["long"] * 4


async def test_a_team_that_got_nothing_for_a_while_does_not_wait_for_short_ones(
    recordings: Recordings,
) -> None:
    patient, busy = new_id(CLOCK), new_id(CLOCK)
    await recordings.cut("long", 16, team_id=patient)
    assert await recordings.next(1) == ["long"]
    for _ in range(4):
        await recordings.cut("short", 2, team_id=busy)
    assert await recordings.next(2) == ["short", "short"]
    await recordings.database.execute(
        "UPDATE chunk SET queued_at = queued_at - interval '31 seconds' "
        "FROM recording AS r WHERE r.recording_id = chunk.recording_id AND r.team_id = $1",
        patient,
    )
    assert await recordings.next(2) == ["long", "long"]
    assert await recordings.next(2) == ["short", "short"]


async def test_a_team_that_sends_much_does_not_starve_another(recordings: Recordings) -> None:
    busy = new_id(CLOCK)
    for _ in range(6):
        await recordings.cut("busy", 1, team_id=busy)
    await recordings.cut("other", 3)
    assert await recordings.next(4) == ["busy", "busy", "other", "other"]


async def test_a_team_has_as_many_turns_as_its_share(recordings: Recordings) -> None:
    first = new_id(CLOCK)
    await recordings.cut("first", 7, team_id=first)
    await recordings.cut("other", 7)
    assert await recordings.next(4, shares={first: 3}) == ["first", "first", "first", "other"]
    assert await recordings.next(4, shares={first: 3}) == ["first", "first", "first", "other"]


async def test_no_team_has_more_with_recognisers_than_it_may(recordings: Recordings) -> None:
    team_id = new_id(CLOCK)
    await recordings.cut("long", 5, team_id=team_id)
    await recordings.cut("live", 1, team_id=team_id, is_live=True)
    await recordings.cut("other", 1)
    dispatcher = recordings.dispatcher(8, most_of_a_team=3)
    assert [await dispatcher.fill() for _ in range(3)] == [1, 3, 0], "live, then 2 and 1"
    await recordings.database.execute("DELETE FROM chunk WHERE queued_at IS NOT NULL")
    assert await dispatcher.fill() == 3


async def test_a_chunk_that_was_given_up_takes_no_place_of_its_team(recordings: Recordings) -> None:
    """It stays for a replay, and kept its team from ever getting another one for a week."""
    team_id = new_id(CLOCK)
    failed = await recordings.cut("failed", 1, team_id=team_id)
    dispatcher = recordings.dispatcher(8, most_of_a_team=1)
    assert await dispatcher.fill() == 1
    await recordings.cut("next", 1, team_id=team_id)
    assert await dispatcher.fill() == 0
    assembler = (await recordings.house.parts("follower-1")).assembler
    async with recordings.database.transaction() as tx:
        await assembler.fail(tx, failed.recording_id, EngineError())
    assert await dispatcher.fill() == 1


async def test_what_is_heard_anew_waits_for_everything_else(recordings: Recordings) -> None:
    anew = await recordings.cut("anew", 1)
    await recordings.database.execute(
        "UPDATE recording SET revision = 1 WHERE recording_id = $1", anew.recording_id
    )
    await recordings.cut("backlog", 1)
    assert await recordings.next(1) == ["backlog"]
    assert await recordings.next(1) == ["anew"]


async def test_no_more_than_a_batch_lies_on_the_queue(recordings: Recordings) -> None:
    await recordings.cut("long", 16)
    dispatcher = recordings.dispatcher(4)
    assert await dispatcher.fill() == 4
    assert await dispatcher.fill() == 0


async def test_chunks_nobody_takes_do_not_keep_others_from_the_queue(
    recordings: Recordings,
) -> None:
    await recordings.cut("long", 8)
    dispatcher = recordings.dispatcher(4)
    assert await dispatcher.fill() == 4
    await recordings.database.execute("UPDATE chunk SET queued_at = queued_at - interval '1 hour'")
    assert await dispatcher.fill() == 4


async def test_a_batch_is_full_and_the_next_begins_while_words_are_saved(
    house: TranscriptionHouse, tmp_path: Path
) -> None:
    """The engine is asked for the second batch before the first one's words can be saved."""
    second = threading.Event()

    class Watched(PretendedEngine):
        @override
        def recognise(self, batch: Sequence[Chunk]) -> list[ChunkResult]:
            if self.batches:
                second.set()
            return super().recognise(batch)

    house.settings = house.settings.model_copy(update={"max_batch": 2, "linger_s": 1.0})
    await house.start_follower()
    sent = await house.send(await long_wav(tmp_path / "long.wav", 4), language="en")
    database = await house.database_for("transcription")
    await until(lambda: is_heard(database), timeout_s=30)
    engine = Watched()
    async with database.transaction() as tx:
        await store.lock_recording(tx, sent.recording_id)
        await house.start_recogniser(engine)
        await until(second.is_set, timeout_s=30)
    assert len((await house.transcript(sent)).segments) == 4
    assert [len(batch) for batch in engine.batches] == [2, 2]


async def test_a_recogniser_that_hangs_is_overtaken_and_its_late_answer_changes_nothing(
    house: TranscriptionHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overtake, "LOOK_EVERY_S", 0.1)
    house.settings = house.settings.model_copy(update={"overtake_after_s": 0.5, "max_batch": 1})
    has_it, may_go_on = threading.Event(), threading.Event()

    class Hanging(PretendedEngine):
        @override
        def recognise(self, batch: Sequence[Chunk]) -> list[ChunkResult]:
            has_it.set()
            may_go_on.wait()
            return super().recognise(batch)

    await house.start_follower()
    await house.start_recogniser(Hanging())
    sent = await house.send(await long_wav(tmp_path / "long.wav", 2), language="en")
    with ThreadPoolExecutor(1) as executor:
        try:
            await until(has_it.is_set, timeout_s=30)
            parts = await house.parts("recogniser-2")
            other = house.keep(app.recognise(parts, PretendedEngine(), executor))
            assert len((await house.transcript(sent)).segments) == 2
        finally:
            may_go_on.set()
        bus = await house.connect("admin")
        await until(lambda: is_all_answered(bus), timeout_s=30)
        await house.stop(other)
    assert len(house.heard(sent, m.TranscriptCompleted)) == 1
    grown = house.heard(sent, m.TranscriptGrew)
    assert [len(fact.segments) for fact in grown if isinstance(fact, m.TranscriptGrew)] == [1, 1]


async def is_all_answered(bus: Bus) -> bool:
    recognising = registry.CONSUMER_BY_DURABLE["transcription-recognise"]
    info = await bus.jetstream.consumer_info(recognising.stream, recognising.durable)
    return info.num_pending == 0 and info.num_ack_pending == 0


async def is_heard(database: Database) -> bool:
    return bool(await database.fetchval("SELECT state = 'heard' FROM recording"))
