"""Speakers are written where voices change, and only where voices clearly differ."""

import pickle
from collections.abc import Sequence

import numpy as np
import pytest

from services.transcription.domain.speakers import Turn, runs_of, with_speakers
from services.transcription.usecases.tell_apart import whole_in
from services.transcription.voiceprints import read_checkpoint
from services.transcription.voices import FEWEST, HOP_MS, WINDOW_MS, tell_apart
from shared.contracts.transcript import SEGMENTS_PER_CHUNK, Segment, Word

pytestmark = pytest.mark.unit


def spoken(text: str, segment_id: int = 0, start_ms: int = 0, word_ms: int = 500) -> Segment:
    """Return a segment whose words follow each other without pauses."""
    words = tuple(
        Word(
            start_ms=start_ms + place * word_ms,
            end_ms=start_ms + (place + 1) * word_ms,
            text=word,
            confidence=0.9,
        )
        for place, word in enumerate(text.split())
    )
    return Segment(
        id=segment_id,
        start_ms=start_ms,
        end_ms=words[-1].end_ms,
        text=text,
        language="en",
        language_probability=1.0,
        confidence=0.9,
        words=words,
    )


def turns(*ends: tuple[int, str]) -> tuple[Turn, ...]:
    starts = [0, *(end for end, _ in ends)]
    return tuple(
        Turn(start_ms=start, end_ms=end, speaker=speaker)
        for start, (end, speaker) in zip(starts, ends, strict=False)
    )


def said_by(segments: Sequence[Segment]) -> list[tuple[str | None, str]]:
    return [(segment.speaker, segment.text) for segment in segments]


def test_one_speaker_gets_no_label() -> None:
    segments = (spoken("We ship on Friday."),)
    assert with_speakers(segments, turns((9_000, "S1"))) == segments
    assert with_speakers(segments, ()) == segments


def test_a_segment_is_split_at_the_end_of_the_sentence_near_the_change() -> None:
    segment = spoken("We ship on Friday. Who tests it then?", segment_id=3_000)
    split = with_speakers([segment], turns((2_700, "S1"), (9_000, "S2")))
    assert said_by(split) == [("S1", "We ship on Friday."), ("S2", "Who tests it then?")]
    assert [piece.id for piece in split] == [3_000, 3_001]
    assert [(piece.start_ms, piece.end_ms) for piece in split] == [(0, 2_000), (2_000, 4_000)]
    assert sum((piece.words for piece in split), ()) == segment.words


def test_a_change_near_the_edge_splits_nothing() -> None:
    first = spoken("We ship on Friday.", segment_id=0)
    second = spoken("Who tests it then?", segment_id=1, start_ms=2_000)
    split = with_speakers([first, second], turns((2_600, "S1"), (9_000, "S2")))
    assert said_by(split) == [("S1", first.text), ("S2", second.text)]
    assert [piece.id for piece in split] == [0, 1]


def test_ids_begin_anew_in_each_chunk_and_never_repeat() -> None:
    segments = [
        spoken("One two three. Four five six.", segment_id=0),
        spoken("Seven eight.", segment_id=1, start_ms=3_000),
        spoken("Nine ten.", segment_id=SEGMENTS_PER_CHUNK, start_ms=30_000),
    ]
    split = with_speakers(segments, turns((1_500, "S1"), (40_000, "S2")))
    assert [piece.id for piece in split] == [0, 1, 2, SEGMENTS_PER_CHUNK]
    assert " ".join(piece.text for piece in split) == " ".join(s.text for s in segments)


def test_a_segment_whose_words_are_not_its_text_stays_whole() -> None:
    odd = spoken("One two three four").model_copy(update={"text": "something else"})
    (kept,) = with_speakers([odd], turns((1_500, "S1"), (9_000, "S2")))
    assert (kept.speaker, kept.text) == ("S1", "something else")


def voice(seed: int, count: int, spread: float = 1.0) -> np.ndarray:
    """Return so many voiceprints of one invented voice: 0.85 alike, and 0.49 across voices."""
    random = np.random.default_rng(seed)
    centre = random.normal(size=256) ** 2
    prints = np.abs(centre + spread * random.normal(size=(count, 256)))
    return (prints / np.linalg.norm(prints, axis=1, keepdims=True)).astype(np.float32)


def told(*parts: np.ndarray) -> tuple[Turn, ...]:
    prints = np.concatenate(parts)
    return tell_apart(
        [place * HOP_MS for place in range(len(prints))], prints, [True] * len(prints)
    )


def test_one_voice_stays_one() -> None:
    assert {turn.speaker for turn in told(voice(1, 60))} == {"S1"}
    assert tell_apart([], np.zeros((0, 256), dtype=np.float32), []) == ()


def test_voices_are_found_where_nobody_can_have_taken_over() -> None:
    """Windows across a change sound like both: taken for voices they hid the two there were."""
    first, second = voice(1, 24), voice(2, 24)
    between = (first + second) / np.linalg.norm(first + second, axis=1, keepdims=True)
    prints = np.concatenate([first, between, second])
    starts_ms = [place * HOP_MS for place in range(len(prints))]
    are_whole = [True] * 24 + [False] * 24 + [True] * 24
    found = tell_apart(starts_ms, prints, are_whole)
    assert {turn.speaker for turn in found} == {"S1", "S2"}
    assert {turn.speaker for turn in tell_apart(starts_ms, prints, [False] * 72)} == {"S1"}


def test_a_run_of_words_ends_with_a_pause_and_with_a_clause() -> None:
    said = (
        spoken("We ship, I think. Yes"),
        spoken("right", segment_id=1, start_ms=2_500),
        spoken("later on", segment_id=2, start_ms=3_300),
    )
    assert runs_of(said) == [
        (0, 1_000),
        (1_000, 2_000),
        (2_000, 2_500),
        (2_500, 3_000),
        (3_300, 4_300),
    ]
    assert whole_in([0, 2_700], said[2:]) == [False, True]


@pytest.mark.parametrize("count", [2, 3, 4, 11])
def test_different_voices_are_told_apart_and_found_again(count: int) -> None:
    parts = [voice(seed, 20) for seed in range(count)]
    found = told(*parts, voice(0, 10))
    names = [turn.speaker for turn in found]
    assert names == [*(f"S{number + 1}" for number in range(count)), "S1"]
    for number, turn in enumerate(found[:-1], start=1):
        change_ms = number * 20 * HOP_MS + (WINDOW_MS - HOP_MS) // 2
        assert abs(turn.end_ms - change_ms) <= HOP_MS


def test_a_moment_is_nobodys_voice() -> None:
    found = told(voice(1, 40), voice(2, FEWEST - 1))
    assert {turn.speaker for turn in found} == {"S1"}


def test_the_same_voiceprints_give_the_same_answer_also_of_a_long_recording() -> None:
    parts = [voice(1, 900), voice(2, 900)]
    assert told(*parts) == told(*parts)
    assert [turn.speaker for turn in told(*parts)] == ["S1", "S2"]


def test_a_checkpoint_that_would_do_more_than_hold_tensors_is_refused() -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (print, ("done",))

    content = b"".join(pickle.dumps(part) for part in (1, 2, {}, {"model_state": Evil()}))
    with pytest.raises(pickle.UnpicklingError):
        read_checkpoint(content)
