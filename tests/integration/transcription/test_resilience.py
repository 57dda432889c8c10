"""What happens when something dies, repeats itself or fails. Only the engine is pretended."""

import asyncio
import hashlib
import itertools
import os
import signal
import subprocess
import sys
import wave
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from typing_extensions import override

from services.transcription import app, follower
from services.transcription.domain import EngineError
from services.transcription.engine import Chunk, ChunkResult, SpokenWord, Turn
from services.transcription.http import count_backlog, make_app
from services.transcription.usecases.assemble import Assembler
from services.transcription.usecases.dispatch import Fairness
from services.transcription.usecases.sweep import Sweeper
from shared.bus.dead import list_dead, replay_dead
from shared.contracts import messages as m
from shared.contracts import registry
from shared.db import Database
from shared.http.serve import serve
from shared.media import decode_file
from shared.media import workroom as workrooms
from shared.media.workroom import PREFIX, Workroom
from shared.testing.waiting import until
from tests.support.media_samples import make
from tests.support.nats_server import TestNats
from tests.support.postgres import TestPostgres
from tests.support.speech import REPOSITORY, speech_file
from tests.support.transcription import CLOCK, Sent, TranscriptionHouse

pytestmark = pytest.mark.integration


class PretendedEngine:
    """Hears one word, made of the very samples: equal words mean equal chunks."""

    def __init__(self, *, language: str = "en", probability: float = 0.9) -> None:
        self.language = language
        self.probability = probability
        self.batches: list[Sequence[Chunk]] = []
        self.broken = False

    @property
    def name(self) -> str:
        return "pretended"

    @property
    def languages(self) -> frozenset[str]:
        return frozenset({"de", "en"})

    def recognise(self, batch: Sequence[Chunk]) -> list[ChunkResult]:
        self.batches.append(batch)
        if self.broken:
            raise EngineError
        return [self.hear(chunk) for chunk in batch]

    def hear(self, chunk: Chunk) -> ChunkResult:
        word = hashlib.sha256(chunk.pcm.tobytes()).hexdigest()[:12]
        turn = Turn(
            language=chunk.language or self.language,
            language_probability=1.0 if chunk.language else self.probability,
            words=(SpokenWord(start_ms=100, end_ms=400, text=f" {word}.", confidence=0.5),),
        )
        return ChunkResult(turns=(turn,))


async def long_wav(path: Path, sentences: int) -> Path:
    """Make a recording of several sentences with pauses long enough to cut at."""
    pcm = b"".join([data async for data in decode_file(speech_file("en").path)])
    pause = np.zeros(16_000 * 6, dtype="<i2").tobytes()
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        for _ in range(sentences):
            out.writeframes(pcm + pause)
    return path


async def send_pieces(house: TranscriptionHouse, sent: Sent, data: bytes) -> None:
    for start in range(0, len(data), 100_000):
        await house.add(sent, data[start : start + 100_000])


async def test_a_killed_follower_costs_nothing_but_time(
    house: TranscriptionHouse,
    postgres_server: TestPostgres,
    nats_server: TestNats,
    tmp_path: Path,
) -> None:
    data = (await long_wav(tmp_path / "long.wav", 6)).read_bytes()
    database = await house.database_for("transcription")
    name = await database.fetchval("SELECT current_database()")
    environment = {
        **os.environ,
        "TIDINGS_DATABASE_URL": postgres_server.service_url(name, "transcription"),
        "TIDINGS_NATS_URL": nats_server.url,
        "TIDINGS_NATS_CREDENTIALS_FILE": str(nats_server.credentials("transcription")),
        "TIDINGS_BLOB_URL": house.settings.blob_url,
        "TIDINGS_HTTP_PORT": "0",
        "TIDINGS_INSTANCE": "follower-to-die",
    }
    await house.start_recogniser(PretendedEngine())
    command = [sys.executable, "-m", "services.transcription"]
    doomed = subprocess.Popen(command, cwd=REPOSITORY, env=environment)  # noqa: ASYNC220
    try:
        disturbed = await house.begin(is_live=True)
        await send_pieces(house, disturbed, data[: len(data) // 2])
        await until(lambda: house.heard(disturbed, m.TranscriptGrew), timeout_s=30)
    finally:
        doomed.send_signal(signal.SIGKILL)
        doomed.wait()
    await house.start_follower("follower-2")
    await send_pieces(house, disturbed, data[len(data) // 2 :])
    await house.end(disturbed)
    quiet = await house.send(tmp_path / "long.wav")
    assert (await house.transcript(disturbed)).segments == (await house.transcript(quiet)).segments
    grown = house.heard(disturbed, m.TranscriptGrew)
    ids = [s.id for fact in grown if isinstance(fact, m.TranscriptGrew) for s in fact.segments]
    assert ids == sorted(set(ids))


async def test_a_follower_that_stops_hands_over_at_once(
    house: TranscriptionHouse, tmp_path: Path
) -> None:
    data = (await long_wav(tmp_path / "long.wav", 3)).read_bytes()
    await house.start_recogniser(PretendedEngine())
    first = await house.start_follower("follower-1")
    sent = await house.begin(is_live=True)
    await send_pieces(house, sent, data[: len(data) // 2])
    await until(lambda: house.heard(sent, m.TranscriptGrew), timeout_s=30)
    await house.stop(first)
    database = await house.database_for("transcription")
    assert await database.fetchval("SELECT lease_owner FROM recording") is None
    await house.start_follower("follower-2")
    await send_pieces(house, sent, data[len(data) // 2 :])
    await house.end(sent)
    assert len((await house.transcript(sent)).segments) == 3


async def test_a_repeated_message_makes_no_second_transcript(
    house: TranscriptionHouse, tmp_path: Path
) -> None:
    await house.start_follower()
    await house.start_recogniser(PretendedEngine())
    path = await long_wav(tmp_path / "long.wav", 2)
    sent = await house.send(path)
    await house.transcript(sent)
    await house.end(sent)
    database = await house.database_for("transcription")
    async with database.transaction() as tx:
        chunk = await tx.fetchrow("SELECT * FROM chunk WHERE chunk_index = 0")
        assert chunk is not None
        await tx.execute(
            "UPDATE outbox SET published_at = NULL, message_id = gen_random_uuid() "
            "WHERE subject LIKE 'tidings.wish.%'"
        )
        await tx.execute("SELECT pg_notify('outbox_transcription', '')")
    other = await house.send(path)
    await house.transcript(other)
    assert len(house.heard(sent, m.TranscriptCompleted)) == 1


async def test_a_failing_engine_ends_in_an_error_and_a_replay_mends_it(
    house: TranscriptionHouse, tmp_path: Path
) -> None:
    engine = PretendedEngine()
    engine.broken = True
    await house.start_follower()
    await house.start_recogniser(engine)
    sent = await house.send(await long_wav(tmp_path / "long.wav", 1))
    end = await house.outcome(sent)
    assert isinstance(end, m.TranscriptFailed)
    assert end.code == "engine-failed"
    admin = await house.connect("admin")
    letters = await until(lambda: list_dead(admin))
    engine.broken = False
    await replay_dead(admin, letters[0].seq)
    await until(lambda: house.heard(sent, m.TranscriptCompleted))


async def test_one_faulty_chunk_does_not_spoil_its_batch(
    house: TranscriptionHouse, tmp_path: Path
) -> None:
    class Choosy(PretendedEngine):
        @override
        def hear(self, chunk: Chunk) -> ChunkResult:
            if chunk.language == "de":
                raise EngineError
            return super().hear(chunk)

    await house.start_follower()
    path = await long_wav(tmp_path / "long.wav", 1)
    good, bad = await house.send(path, language="en"), await house.send(path, language="de")
    database = await house.database_for("transcription")
    await until(lambda: _count(database, "SELECT count(*) = 2 FROM chunk WHERE state = 'sent'"))
    await house.start_recogniser(Choosy())
    assert isinstance(await house.outcome(good), m.TranscriptCompleted)
    assert isinstance(await house.outcome(bad), m.TranscriptFailed)


async def test_a_recogniser_that_dies_on_a_chunk_every_time_ends_in_an_error(
    house: TranscriptionHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "SWEEP_EVERY_S", 0.2)
    await house.start_follower()
    sent = await house.send(await long_wav(tmp_path / "long.wav", 1))
    database = await house.database_for("transcription")
    await until(lambda: _count(database, "SELECT count(*) = 1 FROM chunk WHERE state = 'sent'"))
    recognising = registry.CONSUMER_BY_DURABLE["transcription-recognise"]
    await database.execute(
        "INSERT INTO inbox (consumer, message_id, attempts, first_seen_at) "
        "SELECT $1, message_id, $2, now() FROM chunk",
        recognising.durable,
        recognising.max_attempts,
    )
    await house.start_recogniser(PretendedEngine())
    end = await house.outcome(sent)
    assert isinstance(end, m.TranscriptFailed)
    assert end.code == "engine-failed"


@pytest.mark.parametrize("cause", ["samples gone", "our own bug"])
async def test_a_request_that_is_given_up_for_any_reason_ends_in_an_error(
    house: TranscriptionHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cause: str
) -> None:
    class Buggy(PretendedEngine):
        @override
        def recognise(self, batch: Sequence[Chunk]) -> list[ChunkResult]:
            raise RuntimeError

    monkeypatch.setattr(app, "SWEEP_EVERY_S", 0.2)
    await house.start_follower()
    sent = await house.send(await long_wav(tmp_path / "long.wav", 1))
    database = await house.database_for("transcription")
    await until(lambda: _count(database, "SELECT count(*) = 1 FROM chunk WHERE state = 'sent'"))
    if cause == "samples gone":
        await house.blobs.delete([key async for key in house.blobs.list("chunks/")])
    await house.start_recogniser(Buggy() if cause == "our own bug" else PretendedEngine())
    end = await house.outcome(sent)
    assert isinstance(end, m.TranscriptFailed)
    assert end.code == "engine-failed"


async def test_few_chunks_of_one_recording_wait_at_a_time(
    house: TranscriptionHouse, tmp_path: Path
) -> None:
    house.settings = house.settings.model_copy(update={"max_in_flight": 2})
    await house.start_follower()
    sent = await house.send(await long_wav(tmp_path / "long.wav", 5), language="en")
    database = await house.database_for("transcription")
    await until(lambda: _count(database, "SELECT state = 'heard' FROM recording"), timeout_s=30)
    counts = await database.fetch("SELECT state, count(*) FROM chunk GROUP BY state ORDER BY state")
    assert [tuple(row) for row in counts] == [("cut", 3), ("sent", 2)]
    await house.start_recogniser(PretendedEngine())
    assert len((await house.transcript(sent)).segments) == 5


async def test_unsure_chunks_vote_and_the_outvoted_one_is_heard_again(
    house: TranscriptionHouse, tmp_path: Path
) -> None:
    class Wavering(PretendedEngine):
        @override
        def hear(self, chunk: Chunk) -> ChunkResult:
            self.language, self.probability = next(wavering)
            return super().hear(chunk)

    wavering = itertools.chain([("en", 0.3)], itertools.repeat(("de", 0.4)))

    await house.start_follower()
    await house.start_recogniser(Wavering())
    sent = await house.send(await long_wav(tmp_path / "long.wav", 4))
    transcript = await house.transcript(sent)
    assert transcript.language == "de"
    assert {segment.language for segment in transcript.segments} == {"de"}


async def test_a_removed_update_is_forgotten_with_its_words_and_samples(
    house: TranscriptionHouse, tmp_path: Path
) -> None:
    await house.start_follower()
    await house.start_recogniser(PretendedEngine())
    sent = await house.send(await long_wav(tmp_path / "long.wav", 2))
    await house.transcript(sent)
    database = await house.database_for("transcription")
    sweeper = Sweeper(
        database=database,
        blobs=house.blobs,
        assembler=Assembler(blobs=house.blobs, clock=CLOCK, max_in_flight=4),
        clock=CLOCK,
        recognising=registry.CONSUMER_BY_DURABLE["transcription-recognise"],
    )
    async with database.transaction() as other:
        await other.execute("SELECT pg_advisory_xact_lock(7771)")
        await house.say("workspace", m.UpdateRemoved(**sent.places))
        await until(lambda: _count(database, "SELECT state = 'removed' FROM recording"))
        assert await database.fetchval("SELECT count(*) FROM chunk") == 0
        assert await sweeper.sweep() == 0, "a backup keeps everything"
        assert [key async for key in house.blobs.list("chunks/")]
    await until(lambda: _count(database, "SELECT swept_at IS NOT NULL FROM recording"))
    left = [key async for key in house.blobs.list("")]
    assert all(key.startswith("recordings/") for key in left)


async def test_a_removed_update_is_followed_no_further_and_its_requests_are_dropped(
    house: TranscriptionHouse, tmp_path: Path
) -> None:
    data = (await long_wav(tmp_path / "long.wav", 2)).read_bytes()
    await house.start_follower()
    sent = await house.begin(language="en", is_live=True)
    await send_pieces(house, sent, data)
    database = await house.database_for("transcription")
    await until(lambda: _count(database, "SELECT count(*) > 0 FROM chunk WHERE state = 'sent'"))
    asked = await house.dispatcher(database, PretendedEngine(), Fairness(max_batch=8)).fill()
    assert asked > 0
    await house.say("workspace", m.UpdateRemoved(**sent.places))
    await until(lambda: _count(database, "SELECT state = 'removed' FROM recording"))
    engine = PretendedEngine()
    await house.start_recogniser(engine)
    await until(
        lambda: _count(
            database,
            "SELECT count(*) = $1 FROM inbox "
            "WHERE consumer = 'transcription-recognise' AND attempts = 1",
            asked,
        )
    )
    await house.add(sent, data[:100_000])
    await house.end(sent)
    other = await house.send(tmp_path / "long.wav", language="en")
    await house.transcript(other)
    assert house.heard(sent, m.TranscriptGrew, m.TranscriptCompleted, m.TranscriptFailed) == []
    assert await list_dead(await house.connect("admin")) == []


async def test_parts_that_cannot_be_read_end_in_an_error(
    house: TranscriptionHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "PATIENCE", 2)
    sent = await house.send(await long_wav(tmp_path / "long.wav", 1))
    await house.blobs.delete([key async for key in house.blobs.list("recordings/")])
    await house.start_follower()
    end = await house.outcome(sent)
    assert isinstance(end, m.TranscriptFailed)
    assert end.code == "transcription-failed"


async def test_a_recording_without_news_is_left_until_there_are_some(
    house: TranscriptionHouse, tmp_path: Path
) -> None:
    data = (await long_wav(tmp_path / "long.wav", 2)).read_bytes()
    parts = await house.parts("follower-1")
    following = follower.Follower(
        owner="follower-1",
        database=parts.database,
        blobs=parts.blobs,
        assembler=parts.assembler,
        max_followed=1,
        max_seconds=600,
        workroom=Workroom(),
        clock=CLOCK,
        leases=follower.Leases(length_s=2, renew_every_s=0.1, idle_s=0.3),
    )
    await house.keep_notes()
    house.keep(following.run())
    await house.start_recogniser(PretendedEngine())
    sent = await house.begin(is_live=True)
    await house.add(sent, data[:300_000])
    await until(lambda: _count(parts.database, "SELECT parked_at = 1 FROM recording"), timeout_s=30)
    await until(lambda: following.followed == 0)
    await house.add(sent, data[300_000:])
    await house.end(sent)
    assert len((await house.transcript(sent)).segments) == 2


async def test_copies_of_whole_recordings_are_not_left_on_the_disk(
    house: TranscriptionHouse, tmp_path: Path
) -> None:
    """A killed follower left what somebody had said in /tmp for ever."""
    work = tmp_path / "work"
    left = work / f"{PREFIX}left"
    left.mkdir(parents=True)
    (left / "lock").touch()
    (left / "recording").write_bytes(b"said")
    house.settings = house.settings.model_copy(update={"work_dir": work})
    await house.start_follower()
    await until(lambda: not left.exists(), timeout_s=30)
    await house.start_recogniser(PretendedEngine())
    sent = await house.send(await phone_video(tmp_path))
    assert len((await house.transcript(sent)).segments) == 1
    await until(lambda: not list(work.iterdir()))


async def test_a_full_disk_delays_a_recording_and_does_not_end_it(
    house: TranscriptionHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "PATIENCE", 1)
    monkeypatch.setattr(workrooms, "SPARE_BYTES", 1 << 60)
    await house.start_follower()
    await house.start_recogniser(PretendedEngine())
    sent = await house.send(await phone_video(tmp_path))
    database = await house.database_for("transcription")
    await until(lambda: _count(database, "SELECT failures > 1 FROM recording"), timeout_s=30)
    monkeypatch.undo()
    assert len((await house.transcript(sent)).segments) == 1


async def phone_video(folder: Path) -> Path:
    """Return a file with its index at the end, which can be decoded only as a whole."""
    source = await long_wav(folder / "said.wav", 1)
    return await asyncio.to_thread(make, folder / "phone.mp4", "-i", str(source), "-c:a", "aac")


async def test_health_and_backlog_can_be_watched(house: TranscriptionHouse) -> None:
    parts = await house.parts("follower-1")
    application = make_app(parts.settings, database=parts.database, bus=parts.bus)
    counting = house.keep(count_backlog(parts.database, lambda: 3))
    async with serve(application, "127.0.0.1", 0) as url, aiohttp.ClientSession(url) as http:
        for path in ("/healthz", "/readyz"):
            async with http.get(path) as answer:
                assert answer.status == 200

        async def counted() -> bool:
            async with http.get("/metrics") as answer:
                return "tidings_transcription_followed 3.0" in await answer.text()

        await until(counted)
    await house.stop(counting)


async def test_a_part_that_is_announced_late_is_still_heard(
    house: TranscriptionHouse, tmp_path: Path
) -> None:
    """Facts come in no order: completion first, then the parts, then the beginning."""
    await house.start_follower()
    await house.start_recogniser(PretendedEngine())
    data = (await long_wav(tmp_path / "long.wav", 1)).read_bytes()
    sent = Sent(parts=0)
    await house.say(
        "upload", m.RecordingCompleted(**sent.places, part_count=2, size_bytes=len(data))
    )
    await house.add(sent, data[:50_000])
    await asyncio.sleep(0.3)
    await house.add(sent, data[50_000:])
    await house.say("upload", m.RecordingStarted(**sent.places, language="de", is_live=False))
    transcript = await house.transcript(sent)
    assert transcript.language == "de"


async def _count(database: Database, sql: str, *values: object) -> bool:
    return bool(await database.fetchval(sql, *values))
