"""A recording is heard anew on request, long after its chunks were swept."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.transcription.domain import RecordingRemovedError, RecordingUnknownError
from services.transcription.engine import Engine
from services.transcription.usecases import sweep
from services.transcription.usecases.note import Notes
from shared.bus import enqueue
from shared.contracts import messages as m
from shared.contracts.transcript import Transcript
from shared.ids import new_id
from shared.testing.waiting import until
from tests.support.said import delivery
from tests.support.speech import speech_file
from tests.support.transcription import CLOCK, Sent, TranscriptionHouse

pytestmark = pytest.mark.integration


async def ask_again(house: TranscriptionHouse, sent: Sent, language: str | None = None) -> UUID:
    """Wish for a better transcript, as the workspace does; return the wish."""
    wish_id = new_id(CLOCK)
    request = m.RetranscriptionRequest(
        team_id=sent.team_id, recording_id=sent.recording_id, language=language
    )
    async with (await house.database_for("workspace")).transaction() as tx:
        await enqueue(tx, request, message_id=wish_id, clock=CLOCK)
    return wish_id


async def answer(
    house: TranscriptionHouse, sent: Sent, wish_id: UUID
) -> m.TranscriptCompleted | m.TranscriptFailed:
    """Wait for what answers a wish."""
    ends = (m.TranscriptCompleted, m.TranscriptFailed)

    def found() -> list[m.Message]:
        return [
            end for end in house.heard(sent, *ends) if getattr(end, "request_id", None) == wish_id
        ]

    await until(found, timeout_s=60)
    (end,) = found()
    assert isinstance(end, ends)
    return end


async def read(house: TranscriptionHouse, fact: m.TranscriptCompleted) -> Transcript:
    data = b"".join([data async for data in house.blobs.read(fact.key)])
    return Transcript.model_validate_json(data)


async def chunk_keys(house: TranscriptionHouse, sent: Sent) -> list[str]:
    return [key async for key in house.blobs.list(f"chunks/{sent.recording_id}/")]


async def test_a_swept_recording_is_heard_anew_and_its_first_words_stay(
    house: TranscriptionHouse, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "KEEP_FINISHED", timedelta(0))
    await house.start_follower()
    await house.start_recogniser(engine)
    sent = await house.send(speech_file("en").path, part_bytes=20_000)
    first = await house.transcript(sent)

    async def is_swept() -> bool:
        return not await chunk_keys(house, sent)

    await until(is_swept, timeout_s=30)
    wish_id = await ask_again(house, sent)
    end = await answer(house, sent, wish_id)
    assert isinstance(end, m.TranscriptCompleted), end
    assert end.revision == 1
    again = await read(house, end)
    assert again.segments == first.segments
    assert await house.transcript(sent) == first
    grown = house.heard(sent, m.TranscriptGrew)
    assert len(grown) == len({fact.known_ms for fact in grown})  # type: ignore[attr-defined]


async def test_the_wished_language_is_used(house: TranscriptionHouse, engine: Engine) -> None:
    await house.start_follower()
    await house.start_recogniser(engine)
    sent = await house.send(speech_file("de").path, language="en")
    assert (await house.transcript(sent)).language == "en"
    end = await answer(house, sent, await ask_again(house, sent, "de"))
    assert isinstance(end, m.TranscriptCompleted), end
    assert (end.language, end.revision) == ("de", 1)


async def test_a_wish_during_a_transcription_begins_it_anew(
    house: TranscriptionHouse, engine: Engine
) -> None:
    """Two wishes, the second while the first is being followed: both revisions count, one ends.

    Between them we wait: wishes sent at once may be handled in any order.
    """
    await house.start_follower()
    sent = await house.send(speech_file("en").path)
    database = await house.database_for("transcription")

    async def is_asked_for() -> bool:
        count = await database.fetchval("SELECT count(*) FROM chunk WHERE state = 'sent'")
        return bool(count)

    await until(is_asked_for, timeout_s=30)

    async def is_revision(number: int) -> bool:
        return bool(await database.fetchval("SELECT revision FROM recording") == number)

    await ask_again(house, sent)
    await until(lambda: is_revision(1), timeout_s=30)
    last = await ask_again(house, sent)
    await until(lambda: is_revision(2), timeout_s=30)
    await house.start_recogniser(engine)
    end = await answer(house, sent, last)
    assert isinstance(end, m.TranscriptCompleted), end
    assert end.revision == 2
    ends = house.heard(sent, m.TranscriptCompleted, m.TranscriptFailed)
    assert ends == [end]


async def test_a_follower_that_dies_while_it_hears_anew_costs_nothing_but_time(
    house: TranscriptionHouse, engine: Engine
) -> None:
    follower = await house.start_follower()
    await house.start_recogniser(engine)
    sent = await house.send(speech_file("en").path)
    first = await house.transcript(sent)
    await house.stop(follower)
    wish_id = await ask_again(house, sent)
    dying = await house.start_follower("follower-2")
    database = await house.database_for("transcription")

    async def is_followed() -> bool:
        return bool(await database.fetchval("SELECT revision FROM recording") == 1)

    await until(is_followed, timeout_s=30)
    await house.stop(dying)
    await house.start_follower("follower-3")
    end = await answer(house, sent, wish_id)
    assert isinstance(end, m.TranscriptCompleted), end
    assert (await read(house, end)).segments == first.segments


async def test_a_recording_whose_bytes_are_not_known_says_so(
    house: TranscriptionHouse, engine: Engine
) -> None:
    await house.start_follower()
    await house.start_recogniser(engine)
    sent = await house.send(speech_file("en").path)
    await house.transcript(sent)
    await (await house.database_for("transcription")).execute("DELETE FROM part")
    end = await answer(house, sent, await ask_again(house, sent))
    assert isinstance(end, m.TranscriptFailed)
    assert end.code == "recording-gone"


async def test_a_removed_recording_and_an_unknown_one_are_not_heard_anew(
    house: TranscriptionHouse,
) -> None:
    parts = await house.parts("notes-1")
    notes = Notes(assembler=parts.assembler, clock=CLOCK)
    sent = Sent()
    request = m.RetranscriptionRequest(team_id=sent.team_id, recording_id=sent.recording_id)
    with pytest.raises(RecordingUnknownError):
        await notes.note_renewal(request, delivery(parts.database))
    removed = m.UpdateRemoved(**sent.places)
    await notes.note_removed(removed, delivery(parts.database))
    with pytest.raises(RecordingRemovedError):
        await notes.note_renewal(request, delivery(parts.database))
    assert await parts.database.fetchval("SELECT state FROM recording") == "removed"
