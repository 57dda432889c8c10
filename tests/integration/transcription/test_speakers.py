"""Two real voices in one recording are told apart, after the words are out and without delay."""

import wave
from datetime import timedelta
from pathlib import Path

import pytest

from services.transcription.domain.speakers import are_several
from services.transcription.engine import SAMPLE_RATE, Engine
from services.transcription.store import lock_recording
from services.transcription.usecases import sweep
from shared.contracts import messages as m
from shared.contracts.transcript import Transcript
from shared.media import decode_file
from shared.testing.waiting import until
from tests.support.speech import SENTENCES, recording_named, synthesize
from tests.support.transcription import Sent, TranscriptionHouse

pytestmark = pytest.mark.integration

VOICES = ("en-ljspeech/LJ001-0001.flac", "en-librispeech-misc/3729-6852-0035.flac")
SYNTHETIC = ("en", "en-us+f4")


def speakers(tmp_path: Path) -> tuple[Path, Path]:
    """Return a recording of each of two people, or of two synthetic voices."""
    real = [recording_named(name) for name in VOICES]
    if real[0] is not None and real[1] is not None:
        return real[0].path, real[1].path
    text = " ".join([SENTENCES["en"]] * 3)
    made = [
        synthesize(text, voice, tmp_path / f"{place}.wav") for place, voice in enumerate(SYNTHETIC)
    ]
    return made[0], made[1]


async def joined(path: Path, *recordings: Path) -> tuple[Path, int]:
    """Write recordings one after the other; return the file and where the second begins."""
    parts = [
        b"".join([data async for data in decode_file(recording, max_seconds=60)])
        for recording in recordings
    ]
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(b"".join(parts))
    return path, len(parts[0]) // 2 * 1000 // SAMPLE_RATE


async def read(house: TranscriptionHouse, key: str) -> Transcript:
    data = b"".join([data async for data in house.blobs.read(key)])
    return Transcript.model_validate_json(data)


async def settled(house: TranscriptionHouse, sent: Sent) -> bool:
    """Tell whether the speakers of a recording were listened to."""
    async with (await house.database_for("transcription")).transaction() as tx:
        recording = await lock_recording(tx, sent.recording_id)
        return recording is not None and recording.turns is not None


async def test_two_speakers_are_labelled_in_a_second_revision(
    house: TranscriptionHouse, engine: Engine, tmp_path: Path
) -> None:
    await house.start_follower()
    await house.start_recogniser(engine)
    path, change_ms = await joined(tmp_path / "two.wav", *speakers(tmp_path))
    sent = await house.send(path, language="en")
    first = await house.transcript(sent)
    assert {segment.speaker for segment in first.segments} == {None}

    def labelled() -> list[m.Message]:
        return house.heard(sent, m.TranscriptCompleted)[1:]

    await until(labelled, timeout_s=90)
    (end,) = labelled()
    assert isinstance(end, m.TranscriptCompleted)
    assert (end.revision, end.request_id) == (1, None)
    second = await read(house, end.key)
    assert [word for segment in second.segments for word in segment.words] == [
        word for segment in first.segments for word in segment.words
    ]
    for segment in second.segments:
        middle = (segment.start_ms + segment.end_ms) // 2
        assert segment.speaker == ("S1" if middle < change_ms else "S2"), segment.text


async def test_one_speaker_gets_no_label_and_the_samples_go(
    house: TranscriptionHouse, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "KEEP_FINISHED", timedelta(0))
    await house.start_follower()
    await house.start_recogniser(engine)
    sent = await house.send(speakers(tmp_path)[1], language="en")
    await house.transcript(sent)
    await until(lambda: settled(house, sent), timeout_s=90)

    async def is_swept() -> bool:
        keys = [key async for key in house.blobs.list(f"chunks/{sent.recording_id}/")]
        return not keys

    await until(is_swept, timeout_s=30)
    assert len(house.heard(sent, m.TranscriptCompleted)) == 1
    async with (await house.database_for("transcription")).transaction() as tx:
        recording = await lock_recording(tx, sent.recording_id)
    assert recording is not None
    assert not are_several(recording.turns or ())


async def test_nobody_is_told_apart_where_the_operator_switched_it_off(
    house: TranscriptionHouse, engine: Engine, tmp_path: Path
) -> None:
    house.settings = house.settings.model_copy(update={"speakers": False})
    await house.start_follower()
    await house.start_recogniser(engine)
    path, _ = await joined(tmp_path / "two.wav", *speakers(tmp_path))
    sent = await house.send(path, language="en")
    await house.transcript(sent)
    assert not await settled(house, sent)
    database = await house.database_for("transcription")
    assert await database.fetchval("SELECT awaits_speakers FROM recording") is False
