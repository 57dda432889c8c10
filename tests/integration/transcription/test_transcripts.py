"""Real recordings through real servers, decoder and model."""

import asyncio
import itertools
from pathlib import Path

import jiwer
import pytest

from services.transcription.engine import Engine
from shared.contracts import messages as m
from shared.media import is_streamable
from tests.support.media_samples import browser_webm, make, silent_opus
from tests.support.speech import Recording, speech_file
from tests.support.transcription import TranscriptionHouse

pytestmark = pytest.mark.integration

PUNCTUATION = jiwer.Compose(
    [jiwer.ToLowerCase(), jiwer.RemovePunctuation(), jiwer.ReduceToListOfListOfWords()]
)


def wrong_share(recording: Recording, heard: str) -> float:
    return float(
        jiwer.wer(
            recording.text or "",
            heard,
            reference_transform=PUNCTUATION,
            hypothesis_transform=PUNCTUATION,
        )
    )


@pytest.fixture
async def working(house: TranscriptionHouse, engine: Engine) -> TranscriptionHouse:
    await house.start_follower()
    await house.start_recogniser(engine)
    return house


@pytest.mark.parametrize("language", ["en", "de"])
async def test_language_is_detected_and_the_words_are_right(
    working: TranscriptionHouse, language: str
) -> None:
    recording = speech_file(language)
    sent = await working.send(recording.path)
    transcript = await working.transcript(sent)
    assert transcript.language == language
    assert transcript.model == "base"
    assert wrong_share(recording, " ".join(s.text for s in transcript.segments)) < 0.25
    assert abs(transcript.duration_ms - recording.seconds * 1000) < 100


async def test_words_lie_in_order_within_their_segment(working: TranscriptionHouse) -> None:
    sent = await working.send(speech_file("en").path, language="en")
    transcript = await working.transcript(sent)
    assert [s.id for s in transcript.segments] == sorted({s.id for s in transcript.segments})
    for segment in transcript.segments:
        assert segment.text == " ".join(word.text for word in segment.words)
        assert segment.start_ms == segment.words[0].start_ms
        assert segment.words[-1].end_ms == segment.end_ms <= transcript.duration_ms
        assert all(a.start_ms <= b.start_ms for a, b in itertools.pairwise(segment.words))


async def test_what_grew_equals_what_was_completed(working: TranscriptionHouse) -> None:
    sent = await working.send(speech_file("en").path)
    transcript = await working.transcript(sent)
    grown = working.heard(sent, m.TranscriptGrew)
    assert tuple(s for fact in grown for s in fact.segments) == transcript.segments  # type: ignore[attr-defined]


async def test_live_recording_is_heard_while_it_grows(
    working: TranscriptionHouse, tmp_path: Path
) -> None:
    recording = speech_file("en")
    webm = browser_webm(tmp_path / "live.webm", recording.seconds, sound=recording.path)
    data = webm.read_bytes()
    sent = await working.begin(is_live=True)
    for start in range(0, len(data), 40_000):
        await working.add(sent, data[start : start + 40_000])
        await asyncio.sleep(0.02)
    await working.end(sent)
    live = await working.transcript(sent)
    assert wrong_share(recording, " ".join(s.text for s in live.segments)) < 0.25


async def test_pieces_of_another_size_give_the_same_transcript(
    working: TranscriptionHouse,
) -> None:
    path = speech_file("en").path
    whole = await working.send(path)
    pieces = await working.send(path, part_bytes=7_001)
    first, second = await working.transcript(whole), await working.transcript(pieces)
    assert first.segments == second.segments


async def test_mp4_with_its_index_at_the_end_waits_for_it(
    working: TranscriptionHouse, tmp_path: Path
) -> None:
    recording = speech_file("en")
    path = make(tmp_path / "phone.mp4", "-i", str(recording.path), "-c:a", "aac")
    assert is_streamable(path.read_bytes()) is False
    sent = await working.send(path, part_bytes=50_000)
    transcript = await working.transcript(sent)
    assert wrong_share(recording, " ".join(s.text for s in transcript.segments)) < 0.25


async def test_silence_says_that_nothing_was_said(
    working: TranscriptionHouse, tmp_path: Path
) -> None:
    sent = await working.send(silent_opus(tmp_path / "silence.ogg", 20))
    end = await working.outcome(sent)
    assert isinstance(end, m.TranscriptFailed)
    assert end.code == "no-speech-found"


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"not a recording at all" * 50, "media-unreadable"), (b"", "media-empty")],
)
async def test_what_is_no_recording_is_refused_with_a_code(
    working: TranscriptionHouse, tmp_path: Path, content: bytes, code: str
) -> None:
    path = tmp_path / "broken.webm"
    path.write_bytes(content)
    end = await working.outcome(await working.send(path))
    assert isinstance(end, m.TranscriptFailed)
    assert end.code == code


async def test_a_refused_recording_ends_with_the_reason_of_the_refusal(
    working: TranscriptionHouse,
) -> None:
    sent = await working.begin()
    await working.say(
        "upload", m.RecordingRefused(**sent.places, code="media-too-long", detail="Too long.")
    )
    end = await working.outcome(sent)
    assert isinstance(end, m.TranscriptFailed)
    assert (end.code, end.detail) == ("media-too-long", "Too long.")
