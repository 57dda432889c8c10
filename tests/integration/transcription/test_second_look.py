"""Another model hears doubtful chunks again when nobody waits, and never to anyone's loss."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typing_extensions import override

from services.transcription import app, looks_store
from services.transcription.domain import EngineError, second_look
from services.transcription.engine import Chunk, ChunkResult, Engine
from services.transcription.engine_room import EngineRoom
from services.transcription.second_engine import SecondEngine
from services.transcription.usecases import look_again, sweep
from shared.contracts import messages as m
from shared.contracts.transcript import Transcript
from shared.db import Database
from shared.testing.waiting import until
from tests.integration.transcription.test_renewal import answer, ask_again, chunk_keys, read
from tests.integration.transcription.test_resilience import PretendedEngine, long_wav
from tests.integration.transcription.test_speakers import joined, speakers
from tests.integration.transcription.test_transcripts import wrong_share
from tests.support.nats_server import TestNats
from tests.support.postgres import TestPostgres
from tests.support.speech import REPOSITORY, speech_file
from tests.support.transcription import CLOCK, Sent, TranscriptionHouse

pytestmark = pytest.mark.integration


class LargerEngine(PretendedEngine):
    """Hears a word of its own in every chunk, and is sure of it. May be held while it computes."""

    def __init__(self, confidence: float = 0.9) -> None:
        super().__init__()
        self.confidence = confidence
        self.begun = threading.Semaphore(0)
        self.may_go_on = threading.Semaphore(1_000)

    @property
    @override
    def name(self) -> str:
        return "larger"

    @override
    def hear(self, chunk: Chunk) -> ChunkResult:
        self.begun.release()
        self.may_go_on.acquire()
        (turn,) = super().hear(chunk).turns
        words = tuple(
            replace(word, text=f" better{word.text}", confidence=self.confidence)
            for word in turn.words
        )
        return ChunkResult(turns=(replace(turn, words=words),))

    def hold(self) -> None:
        """Let no further chunk be finished until told so."""
        self.may_go_on = threading.Semaphore(0)

    def go_on(self) -> None:
        self.may_go_on.release(1_000)


def loaded(engine: Engine) -> SecondEngine:
    return SecondEngine(lambda: engine, CLOCK)


@pytest.fixture
def looking(house: TranscriptionHouse, monkeypatch: pytest.MonkeyPatch) -> TranscriptionHouse:
    """Return a house with a second model that looks and sweeps without delay."""
    monkeypatch.setattr(look_again, "LOOK_EVERY_S", 0.1)
    monkeypatch.setattr(app, "SWEEP_EVERY_S", 0.2)
    monkeypatch.setattr(sweep, "KEEP_FINISHED", timedelta(0))
    house.settings = house.settings.model_copy(
        update={"second_model": "tiny.en", "speakers": False}
    )
    return house


def texts(transcript: Transcript) -> list[str]:
    return [segment.text for segment in transcript.segments]


def completed(house: TranscriptionHouse, sent: Sent) -> list[m.TranscriptCompleted]:
    facts = house.heard(sent, m.TranscriptCompleted)
    return [fact for fact in facts if isinstance(fact, m.TranscriptCompleted)]


def revisions(house: TranscriptionHouse, sent: Sent) -> list[int]:
    return [fact.revision for fact in completed(house, sent)]


async def is_true(database: Database, sql: str) -> bool:
    return bool(await database.fetchval(sql))


def holds(database: Database, sql: str) -> Callable[[], object]:
    """Return a condition to wait for."""
    return lambda: is_true(database, sql)


async def begun(larger: LargerEngine) -> None:
    """Wait until the larger engine has a chunk."""
    await until(lambda: larger.begun.acquire(blocking=False), timeout_s=30)


NOBODY_LOOKS = "SELECT count(*) = 0 FROM chunk WHERE second_look = 'asked'"
SWEPT = "SELECT swept_at IS NOT NULL FROM recording"


async def test_better_words_are_published_as_the_next_revision_and_the_samples_go(
    looking: TranscriptionHouse, tmp_path: Path
) -> None:
    await looking.start_follower()
    larger = LargerEngine()
    await looking.start_recogniser(PretendedEngine(), loaded(larger))
    sent = await looking.send(await long_wav(tmp_path / "long.wav", 2), language="en")
    first = await looking.transcript(sent)
    await until(lambda: len(completed(looking, sent)) == 2, timeout_s=30)
    end = completed(looking, sent)[1]
    assert (end.revision, end.request_id) == (1, None)
    second = await read(looking, end)
    assert texts(second) == [f"better {text}" for text in texts(first)]
    assert [each.id for each in second.segments] == [each.id for each in first.segments]
    assert (first.model, first.second_model) == ("pretended", None)
    assert "second_model" not in first.model_dump(mode="json"), "as before there was one"
    assert (second.model, second.second_model) == ("pretended", "larger")
    assert [len(batch) for batch in larger.batches] == [1, 1]
    assert {chunk.language for batch in larger.batches for chunk in batch} == {"en"}
    await until(holds(await looking.database_for("transcription"), SWEPT))
    assert not await chunk_keys(looking, sent)


async def test_the_second_model_is_read_when_it_is_needed_and_understands_speech(
    looking: TranscriptionHouse,
) -> None:
    second = await app.find_second_engine(looking.settings, CLOCK)
    assert second is not None
    await looking.start_follower()
    await looking.start_recogniser(PretendedEngine(), second)
    assert not second.is_loaded
    recording = speech_file("en")
    sent = await looking.send(recording.path, language="en")
    await until(lambda: revisions(looking, sent) == [0, 1], timeout_s=60)
    assert second.is_loaded
    heard = await read(looking, completed(looking, sent)[1])
    assert heard.second_model == "tiny.en"
    assert wrong_share(recording, " ".join(texts(heard))) < 0.25


async def test_where_nothing_got_better_nothing_is_published_and_the_samples_go(
    looking: TranscriptionHouse, tmp_path: Path
) -> None:
    await looking.start_follower()
    larger = LargerEngine(confidence=0.4)
    await looking.start_recogniser(PretendedEngine(), loaded(larger))
    sent = await looking.send(await long_wav(tmp_path / "long.wav", 2))
    await looking.transcript(sent)
    await until(holds(await looking.database_for("transcription"), SWEPT))
    assert len(larger.batches) == 2
    assert revisions(looking, sent) == [0]


async def test_without_a_second_model_nobody_doubts_and_the_samples_go(
    looking: TranscriptionHouse, tmp_path: Path
) -> None:
    looking.settings = looking.settings.model_copy(update={"second_model": None})
    await looking.start_follower()
    await looking.start_recogniser(PretendedEngine())
    sent = await looking.send(await long_wav(tmp_path / "long.wav", 1))
    await looking.transcript(sent)
    database = await looking.database_for("transcription")
    await until(holds(database, SWEPT))
    assert revisions(looking, sent) == [0]


async def test_sure_chunks_are_not_looked_at(
    looking: TranscriptionHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_look, "DOUBTFUL", 0.4)
    await looking.start_follower()
    larger = LargerEngine()
    await looking.start_recogniser(PretendedEngine(), loaded(larger))
    sent = await looking.send(await long_wav(tmp_path / "long.wav", 1), language="en")
    await looking.transcript(sent)
    await until(holds(await looking.database_for("transcription"), SWEPT))
    assert not larger.batches


async def test_a_new_chunk_waits_for_one_look_at_most(
    looking: TranscriptionHouse, tmp_path: Path
) -> None:
    await looking.start_follower()
    engine, larger = PretendedEngine(), LargerEngine()
    larger.hold()
    await looking.start_recogniser(engine, loaded(larger))
    path = await long_wav(tmp_path / "long.wav", 2)
    await looking.transcript(await looking.send(path, language="en"))
    try:
        await begun(larger)
        await looking.send(path, language="en")
        database = await looking.database_for("transcription")
        await until(
            holds(database, "SELECT count(*) = 2 FROM chunk WHERE state = 'sent'"), timeout_s=30
        )
        larger.may_go_on.release()
        await begun(larger)
        assert await is_true(database, "SELECT bool_and(state = 'complete') FROM recording")
    finally:
        larger.go_on()
    await until(holds(database, NOBODY_LOOKS), timeout_s=30)


async def test_nobody_looks_while_somebody_speaks(
    looking: TranscriptionHouse, tmp_path: Path
) -> None:
    await looking.start_follower()
    await looking.start_recogniser(PretendedEngine())
    path = await long_wav(tmp_path / "long.wav", 1)
    speaking = await looking.begin(is_live=True)
    await looking.add(speaking, path.read_bytes()[:100_000])
    parts = await looking.parts("recogniser-2")
    await until(holds(parts.database, "SELECT lease_until > now() FROM recording"))
    sent = await looking.send(path)
    await looking.transcript(sent)
    with ThreadPoolExecutor(1) as executor:
        looks = look_again.SecondLooks(
            room=EngineRoom(PretendedEngine(), executor, CLOCK),
            second=loaded(LargerEngine()),
            blobs=parts.blobs,
            database=parts.database,
            assembler=parts.assembler,
        )
        assert not await looks.look()
        await looking.end(speaking)

        async def is_looked_at() -> bool:
            await looks.look()
            return revisions(looking, sent) == [0, 1]

        await until(is_looked_at, timeout_s=30)


async def test_a_removed_recording_is_not_published_again(
    looking: TranscriptionHouse, tmp_path: Path
) -> None:
    await looking.start_follower()
    larger = LargerEngine()
    larger.hold()
    await looking.start_recogniser(PretendedEngine(), loaded(larger))
    sent = await looking.send(await long_wav(tmp_path / "long.wav", 1))
    await looking.transcript(sent)
    database = await looking.database_for("transcription")
    try:
        await begun(larger)
        await looking.say("workspace", m.UpdateRemoved(**sent.places))
        await until(holds(database, "SELECT state = 'removed' FROM recording"))
    finally:
        larger.go_on()
    other = await looking.send(tmp_path / "long.wav")
    await until(lambda: revisions(looking, other) == [0, 1], timeout_s=30)
    assert revisions(looking, sent) == [0]
    left = [key async for key in looking.blobs.list(f"transcripts/{sent.recording_id}")]
    assert not left


async def test_what_was_heard_before_a_wish_does_not_get_into_its_answer(
    looking: TranscriptionHouse, tmp_path: Path
) -> None:
    await looking.start_follower()
    engine, larger = PretendedEngine(), LargerEngine()
    larger.hold()
    await looking.start_recogniser(engine, loaded(larger))
    sent = await looking.send(await long_wav(tmp_path / "long.wav", 1), language="en")
    first = await looking.transcript(sent)
    database = await looking.database_for("transcription")
    try:
        await begun(larger)
        wish_id = await ask_again(looking, sent, "en")
        await until(holds(database, "SELECT state = 'heard' FROM recording"), timeout_s=30)
    finally:
        larger.go_on()
    end = await answer(looking, sent, wish_id)
    assert isinstance(end, m.TranscriptCompleted)
    assert texts(await read(looking, end)) == texts(first)
    await until(lambda: revisions(looking, sent) == [0, 1, 2], timeout_s=30)
    last = completed(looking, sent)[-1]
    assert last.request_id is None
    assert texts(await read(looking, last)) == [f"better {text}" for text in texts(first)]


async def test_speakers_that_were_told_apart_stay_so(
    looking: TranscriptionHouse, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Surer:
        """Hears what the first engine hears, and is sure of every word."""

        name = "surer"
        languages = engine.languages

        def recognise(self, batch: Sequence[Chunk]) -> list[ChunkResult]:
            return [
                ChunkResult(
                    turns=tuple(
                        replace(
                            turn, words=tuple(replace(word, confidence=1.0) for word in turn.words)
                        )
                        for turn in result.turns
                    )
                )
                for result in engine.recognise(batch)
            ]

    monkeypatch.setattr(second_look, "DOUBTFUL", 1.1)
    monkeypatch.setattr(second_look, "CLEARLY", 0.001)
    looking.settings = looking.settings.model_copy(update={"speakers": True})
    await looking.start_follower()
    await looking.start_recogniser(engine, loaded(Surer()))
    path, _ = await joined(tmp_path / "two.wav", *speakers(tmp_path))
    sent = await looking.send(path, language="en")
    await until(lambda: revisions(looking, sent) == [0, 1, 2], timeout_s=90)
    first, labelled, surer = [await read(looking, fact) for fact in completed(looking, sent)]
    assert {segment.speaker for segment in first.segments} == {None}
    assert {segment.speaker for segment in labelled.segments} == {"S1", "S2"}
    assert [(s.speaker, s.text) for s in surer.segments] == [
        (s.speaker, s.text) for s in labelled.segments
    ]
    assert {word.confidence for segment in surer.segments for word in segment.words} == {1.0}


async def test_a_look_that_was_killed_is_done_by_the_next_and_published_once(
    looking: TranscriptionHouse, tmp_path: Path
) -> None:
    await looking.start_follower()
    recogniser = await looking.start_recogniser(PretendedEngine())
    sent = await looking.send(await long_wav(tmp_path / "long.wav", 1))
    await looking.transcript(sent)
    database = await looking.database_for("transcription")
    await looking.stop(recogniser)
    taken = await looks_store.take_look(database, timedelta(seconds=1))
    assert taken is not None
    assert await looks_store.take_look(database, timedelta(seconds=1)) is None
    await looking.start_recogniser(PretendedEngine(), loaded(LargerEngine()))
    await until(lambda: revisions(looking, sent) == [0, 1], timeout_s=30)
    await until(holds(database, SWEPT))
    assert revisions(looking, sent) == [0, 1]


async def test_a_recogniser_killed_while_it_looks_costs_nothing_but_time(
    looking: TranscriptionHouse,
    postgres_server: TestPostgres,
    nats_server: TestNats,
    tmp_path: Path,
) -> None:
    await looking.start_follower()
    recogniser = await looking.start_recogniser(PretendedEngine())
    sent = await looking.send(speech_file("en").path, language="en")
    await looking.transcript(sent)
    await looking.stop(recogniser)
    database = await looking.database_for("transcription")
    name = await database.fetchval("SELECT current_database()")
    environment = {
        **os.environ,
        "TIDINGS_DATABASE_URL": postgres_server.service_url(name, "transcription"),
        "TIDINGS_NATS_URL": nats_server.url,
        "TIDINGS_NATS_CREDENTIALS_FILE": str(nats_server.credentials("transcription")),
        "TIDINGS_BLOB_URL": looking.settings.blob_url,
        "TIDINGS_HTTP_PORT": "0",
        "TIDINGS_INSTANCE": "recogniser-to-die",
        "TIDINGS_TRANSCRIPTION_ROLE": "recogniser",
        "TIDINGS_TRANSCRIPTION_MODEL": "tiny.en",
        "TIDINGS_TRANSCRIPTION_SECOND_MODEL": "tiny.en",
        "TIDINGS_TRANSCRIPTION_MODEL_DIR": str(tmp_path),
    }
    command = [sys.executable, "-m", "services.transcription"]
    doomed = subprocess.Popen(command, cwd=REPOSITORY, env=environment)  # noqa: ASYNC220
    try:
        await until(holds(database, "SELECT looks = 1 FROM chunk"), timeout_s=60)
    finally:
        doomed.send_signal(signal.SIGKILL)
        doomed.wait()
    await database.execute("UPDATE chunk SET look_until = now()")
    second = await app.find_second_engine(looking.settings, CLOCK)
    await looking.start_recogniser(PretendedEngine(), second)
    await until(holds(database, SWEPT), timeout_s=60)
    assert revisions(looking, sent) == [0, 1]


async def test_a_chunk_that_kills_whoever_looks_at_it_is_left_as_it_is(
    looking: TranscriptionHouse, tmp_path: Path
) -> None:
    await looking.start_follower()
    recogniser = await looking.start_recogniser(PretendedEngine())
    sent = await looking.send(await long_wav(tmp_path / "long.wav", 1))
    await looking.transcript(sent)
    database = await looking.database_for("transcription")
    await looking.stop(recogniser)
    for _ in range(look_again.MOST_LOOKS):
        assert await looks_store.take_look(database, timedelta(0)) is not None
    larger = LargerEngine()
    await looking.start_recogniser(PretendedEngine(), loaded(larger))
    await until(holds(database, SWEPT))
    assert not larger.batches
    assert revisions(looking, sent) == [0]


async def test_a_late_answer_of_whoever_hung_changes_nothing(
    looking: TranscriptionHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look_again, "LOOK_FOR", timedelta(seconds=1))
    await looking.start_follower()
    hanging, larger = LargerEngine(confidence=0.99), LargerEngine()
    hanging.hold()
    await looking.start_recogniser(PretendedEngine(), loaded(hanging))
    sent = await looking.send(await long_wav(tmp_path / "long.wav", 1))
    await looking.transcript(sent)
    with ThreadPoolExecutor(1) as executor:
        try:
            await begun(hanging)
            parts = await looking.parts("recogniser-2")
            other = looking.keep(app.recognise(parts, PretendedEngine(), executor, loaded(larger)))
            await until(lambda: revisions(looking, sent) == [0, 1], timeout_s=30)
        finally:
            hanging.go_on()
        later = await looking.send(tmp_path / "long.wav")
        await until(lambda: revisions(looking, later) == [0, 1], timeout_s=30)
        await looking.stop(other)
    assert revisions(looking, sent) == [0, 1]


async def test_samples_wait_for_an_idle_moment_and_at_last_go_without_one(
    looking: TranscriptionHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of two chunks was looked at in time: what that brought is published all the same."""
    await looking.start_follower()
    recogniser = await looking.start_recogniser(PretendedEngine())
    sent = await looking.send(await long_wav(tmp_path / "long.wav", 2))
    first = await looking.transcript(sent)
    database = await looking.database_for("transcription")
    await looking.stop(recogniser)
    look = await looks_store.take_look(database, timedelta(0))
    assert look is not None
    better = [each.model_copy(update={"text": "Better."}) for each in look.segments]
    async with database.transaction() as tx:
        assert await looks_store.keep_look(tx, look, better=better, model="larger")
    swept = await looking.send(tmp_path / "long.wav")
    await looking.say("workspace", m.UpdateRemoved(**swept.places))
    await until(holds(database, "SELECT count(*) = 1 FROM recording WHERE swept_at IS NOT NULL"))
    assert len(await chunk_keys(looking, sent)) == 2
    monkeypatch.setattr(sweep, "KEEP_DOUBTFUL", timedelta(0))
    await until(lambda: revisions(looking, sent) == [0, 1], timeout_s=30)
    last = await read(looking, completed(looking, sent)[-1])
    assert texts(last) == ["Better.", *texts(first)[1:]]

    async def is_swept() -> bool:
        return not await chunk_keys(looking, sent)

    await until(is_swept)


async def test_speakers_are_told_apart_before_anybody_looks_again(
    looking: TranscriptionHouse, tmp_path: Path
) -> None:
    await looking.start_follower()
    recogniser = await looking.start_recogniser(PretendedEngine())
    sent = await looking.send(await long_wav(tmp_path / "long.wav", 1))
    await looking.transcript(sent)
    database = await looking.database_for("transcription")
    await looking.stop(recogniser)
    await database.execute("UPDATE recording SET awaits_speakers = true")
    assert await looks_store.take_look(database, timedelta(0)) is None
    await database.execute("UPDATE recording SET finished_at = now() - interval '2 hours'")
    assert await looks_store.take_look(database, timedelta(0)) is not None, (
        "they are not told at all"
    )


async def test_a_failing_second_engine_leaves_the_first_words(
    looking: TranscriptionHouse, tmp_path: Path
) -> None:
    await looking.start_follower()
    larger = LargerEngine()
    larger.broken = True
    await looking.start_recogniser(PretendedEngine(), loaded(larger))
    sent = await looking.send(await long_wav(tmp_path / "long.wav", 1))
    await looking.transcript(sent)
    await until(holds(await looking.database_for("transcription"), SWEPT))
    assert revisions(looking, sent) == [0]


async def test_a_second_model_that_cannot_be_loaded_stops_nobody(
    looking: TranscriptionHouse, tmp_path: Path
) -> None:
    tries = threading.Semaphore(0)

    def load() -> Engine:
        tries.release()
        raise EngineError

    await looking.start_follower()
    await looking.start_recogniser(PretendedEngine(), SecondEngine(load, CLOCK))
    await looking.transcript(await looking.send(await long_wav(tmp_path / "long.wav", 1)))
    await until(lambda: tries.acquire(blocking=False), timeout_s=30)
    await looking.transcript(await looking.send(tmp_path / "long.wav"))
    assert not tries.acquire(blocking=False), "one try in a while is enough"
