"""Words that are shown before they are settled."""

import hashlib
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from services.transcription import store
from services.transcription.cutting import CutChunk
from services.transcription.engine_room import EngineRoom
from services.transcription.usecases.draft import Drafter, Offers
from shared.bus import mention
from shared.contracts import messages as m
from shared.contracts.registry import FACTS_STREAM
from shared.testing.waiting import until
from tests.integration.transcription.test_resilience import PretendedEngine, long_wav, send_pieces
from tests.support.transcription import CLOCK, Sent, TranscriptionHouse

pytestmark = pytest.mark.integration


def spoken(index: int, seconds: float) -> CutChunk:
    pcm = np.arange(int(16_000 * seconds), dtype=np.int16)
    return CutChunk(index=index, start_ms=500, end_ms=500 + int(1000 * seconds), pcm=pcm)


async def offers_for(house: TranscriptionHouse, every_s: float = 1e-9) -> tuple[Sent, Offers]:
    """Begin a live recording that nobody follows, and return what would offer its open chunk."""
    await house.keep_notes()
    sent = await house.begin(is_live=True)
    database = await house.database_for("transcription")
    await until(lambda: is_known(database, sent.recording_id))
    offers = Offers(database=database, recording_id=sent.recording_id, clock=CLOCK, every_s=every_s)
    return sent, offers


async def is_known(database: store.Database, recording_id: UUID) -> bool:
    async with database.transaction() as tx:
        return await store.lock_recording(tx, recording_id) is not None


async def drafter_of(house: TranscriptionHouse, engine: PretendedEngine) -> Drafter:
    parts = await house.parts("recogniser-1")
    return Drafter(
        room=EngineRoom(engine, house.executor, CLOCK),
        database=parts.database,
        bus=parts.bus,
        clock=CLOCK,
        max_batch=4,
    )


async def test_words_are_shown_before_their_sentence_ends(
    house: TranscriptionHouse, tmp_path: Path
) -> None:
    """The chunk never ends here: no pause follows, and nobody stops."""
    await house.start_follower()
    await house.start_recogniser(PretendedEngine())
    data = (await long_wav(tmp_path / "long.wav", 1)).read_bytes()
    sent = await house.begin(is_live=True)
    await send_pieces(house, sent, data[: -2 * 16_000 * 5])
    await until(lambda: house.heard(sent, m.TranscriptHeard), timeout_s=30)
    [heard, *_] = house.heard(sent, m.TranscriptHeard)
    assert isinstance(heard, m.TranscriptHeard)
    assert heard.segments
    assert heard.from_ms <= heard.segments[0].start_ms < heard.heard_ms
    assert not house.heard(sent, m.TranscriptGrew)


async def test_a_file_has_no_provisional_words(house: TranscriptionHouse, tmp_path: Path) -> None:
    await house.start_follower()
    await house.start_recogniser(PretendedEngine())
    sent = await house.send(await long_wav(tmp_path / "long.wav", 2))
    await house.outcome(sent)
    assert not house.heard(sent, m.TranscriptHeard)


async def test_settled_work_goes_before_provisional_words(house: TranscriptionHouse) -> None:
    sent, offers = await offers_for(house)
    engine = PretendedEngine()
    drafter = await drafter_of(house, engine)
    await offers.offer(spoken(0, 2.0))
    with drafter.room.expecting():
        assert await drafter.draft() == 0
    assert not engine.batches
    assert await drafter.draft() == 1
    assert await drafter.draft() == 0
    await until(lambda: house.heard(sent, m.TranscriptHeard))


async def test_only_the_newest_offer_is_recognised(house: TranscriptionHouse) -> None:
    _, offers = await offers_for(house)
    engine = PretendedEngine()
    for seconds in (1.0, 2.0, 3.0):
        await offers.offer(spoken(0, seconds))
    drafter = await drafter_of(house, engine)
    assert await drafter.draft() == 1
    [[chunk]] = engine.batches
    assert (
        hashlib.sha256(chunk.pcm.tobytes()).digest()
        == hashlib.sha256(spoken(0, 3.0).pcm.tobytes()).digest()
    )


async def test_a_chunk_that_was_cut_is_not_offered_any_more(house: TranscriptionHouse) -> None:
    sent, offers = await offers_for(house)
    await offers.offer(spoken(0, 2.0))
    async with offers.database.transaction() as tx:
        await store.close_chunk(tx, sent.recording_id, 0)
    drafter = await drafter_of(house, PretendedEngine())
    assert await drafter.draft() == 0


@pytest.mark.parametrize(
    ("every_s", "chunk"),
    [(0.0, spoken(0, 2.0)), (60.0, spoken(0, 0.5)), (60.0, None)],
    ids=["switched off", "too short", "nobody speaks"],
)
async def test_what_is_not_worth_it_is_not_offered(
    house: TranscriptionHouse, every_s: float, chunk: CutChunk | None
) -> None:
    _, offers = await offers_for(house, every_s)
    await offers.offer(chunk)
    assert await store.take_open_chunks(offers.database, 1) == []


async def test_silence_and_haste_bring_no_second_offer(house: TranscriptionHouse) -> None:
    _, offers = await offers_for(house, every_s=60.0)
    await offers.offer(spoken(0, 1.0))
    assert len(await store.take_open_chunks(offers.database, 1)) == 1
    await offers.offer(spoken(0, 2.0))
    assert await store.take_open_chunks(offers.database, 1) == []
    _, offers = await offers_for(house)
    await offers.offer(spoken(0, 1.0))
    assert len(await store.take_open_chunks(offers.database, 1)) == 1
    await offers.offer(spoken(0, 1.0))
    assert await store.take_open_chunks(offers.database, 1) == []


async def test_the_log_forgets_what_passes_and_keeps_what_lasts(house: TranscriptionHouse) -> None:
    sent = Sent()
    bus = await house.connect("transcription")
    heard = m.TranscriptHeard(**sent.places, segments=(), from_ms=0, heard_ms=1)
    await mention(bus, heard, clock=CLOCK)
    await until(lambda: house.heard(sent, m.TranscriptHeard))
    admin = await house.connect("admin")
    subject = f"tidings.fact.{sent.team_id}.transcript.heard.v1"
    kept = await admin.jetstream.get_last_msg(FACTS_STREAM, subject)
    assert kept.headers is not None
    assert kept.headers["Nats-TTL"] == "60s"
    with pytest.raises(ValueError, match="is to last"):
        await mention(bus, m.TeamFounded(team_id=sent.team_id, name="Red"), clock=CLOCK)
