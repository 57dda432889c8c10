"""Long recordings: few at a time, not far ahead of recognition, never in a short one's way."""

import asyncio
from pathlib import Path

import pytest

from services.transcription.usecases import follow, pace
from services.transcription.usecases.pace import NotYetError, Pace
from shared.db import Database
from shared.ids import new_id
from shared.testing.waiting import until
from tests.integration.transcription.test_queue import Recordings
from tests.integration.transcription.test_resilience import PretendedEngine, long_wav
from tests.support.transcription import CLOCK, TranscriptionHouse

pytestmark = pytest.mark.integration


async def test_long_recordings_find_few_places_and_short_ones_are_followed_meanwhile(
    house: TranscriptionHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "SHORT", 1)
    monkeypatch.setattr(pace, "AHEAD", 1)
    house.settings = house.settings.model_copy(update={"max_followed": 4})
    database = await house.database_for("transcription")
    await house.start_follower()
    wav = await long_wav(tmp_path / "long.wav", 3)
    long = [await house.send(wav, language="en") for _ in range(2)]
    await until(
        lambda: counted(database, "is_long AND lease_owner IS NULL AND state = 'following'", 1),
        timeout_s=30,
    )
    short = await house.send(await long_wav(tmp_path / "short.wav", 1), language="en")
    await until(lambda: counted(database, "state = 'heard'", 1), timeout_s=30)
    assert await counted(database, "state = 'following' AND lease_owner IS NOT NULL", 1)

    await house.start_recogniser(PretendedEngine())
    transcripts = [await house.transcript(sent) for sent in (short, *long)]
    assert [len(transcript.segments) for transcript in transcripts] == [1, 3, 3]


async def test_a_long_recording_goes_on_when_recognisers_need_it(
    house: TranscriptionHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "AHEAD", 2)
    monkeypatch.setattr(pace, "POLL_S", 0.01)
    database = await house.database_for("transcription")
    recordings = Recordings(house, database)
    await recordings.cut("one", 1)
    places = Pace(database, places=1)
    await places.keep(new_id(CLOCK))
    with pytest.raises(NotYetError):
        await places.keep(new_id(CLOCK))

    places = Pace(database, places=1)
    await recordings.cut("two", 1)
    keeping = asyncio.create_task(places.keep(new_id(CLOCK)))
    done, _ = await asyncio.wait({keeping}, timeout=0.3)
    assert not done
    await recordings.next(1)
    await asyncio.wait_for(keeping, 10)


async def counted(database: Database, condition: str, count: int) -> bool:
    found = await database.fetchval(f"SELECT count(*) FROM recording WHERE {condition}")  # noqa: S608 - ours
    return bool(found == count)
