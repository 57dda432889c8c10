"""Words to segments."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.transcription.domain import HeardTurn, HeardWord, segments_of
from shared.contracts.transcript import Segment

pytestmark = pytest.mark.unit


def words(text: str, *, step_ms: int = 400, start_ms: int = 0) -> list[HeardWord]:
    return [
        HeardWord(
            start_ms=start_ms + place * step_ms,
            end_ms=start_ms + place * step_ms + 300,
            text=f" {word}",
            confidence=0.8,
        )
        for place, word in enumerate(text.split())
    ]


def segments(heard: list[HeardWord]) -> tuple[Segment, ...]:
    return segments_of([turn("en", heard)], chunk_index=2)


def turn(language: str, heard: list[HeardWord]) -> HeardTurn:
    return HeardTurn(language=language, language_probability=0.987, words=tuple(heard))


def test_each_sentence_is_a_segment_with_a_lasting_id() -> None:
    made = segments(words("We ship on Friday. Anna tells them! Why?"))
    assert [(s.id, s.text) for s in made] == [
        (2000, "We ship on Friday."),
        (2001, "Anna tells them!"),
        (2002, "Why?"),
    ]
    assert made[0].language_probability == 0.99


def test_a_full_stop_before_a_small_letter_ends_nothing() -> None:
    assert len(segments(words("Das gilt z.B. für alle."))) == 1


def test_a_long_silence_ends_a_segment_within_a_sentence() -> None:
    assert len(segments([*words("and then"), *words("it broke", start_ms=5_000)])) == 2


def test_a_sentence_without_end_is_divided() -> None:
    made = segments(words(" ".join(f"word{number}" for number in range(200))))
    assert len(made) > 2
    assert all(s.end_ms - s.start_ms <= 26_000 for s in made)


def test_a_first_word_that_swallowed_a_silence_is_shortened_from_its_start() -> None:
    swallowed = HeardWord(start_ms=0, end_ms=8_000, text=" So", confidence=0.5)
    (made,) = segments([swallowed, *words("it goes.", start_ms=8_000)])
    assert made.start_ms == 6_500


def test_a_last_word_that_swallowed_a_silence_is_shortened_from_its_end() -> None:
    swallowed = HeardWord(start_ms=800, end_ms=9_000, text=" goes.", confidence=0.5)
    (made,) = segments([*words("so it"), swallowed])
    assert made.end_ms == 2_300


def test_each_turn_has_segments_in_its_language() -> None:
    turns = [turn("en", words("We ship")), turn("nl", words("op vrijdag.", start_ms=900))]
    made = segments_of(turns, chunk_index=1)
    assert [(s.id, s.language, s.text) for s in made] == [
        (1000, "en", "We ship"),
        (1001, "nl", "op vrijdag."),
    ]


def test_empty_words_make_no_segment() -> None:
    assert segments([HeardWord(start_ms=0, end_ms=10, text=" ", confidence=0.1)]) == ()


@given(st.lists(st.tuples(st.text(max_size=8), st.integers(0, 4_000), st.integers(0, 9_000))))
def test_any_words_make_segments_in_order(drawn: list[tuple[str, int, int]]) -> None:
    now, heard = 0, []
    for text, gap_ms, length_ms in drawn:
        start = now + gap_ms
        now = start + length_ms
        heard.append(HeardWord(start_ms=start, end_ms=now, text=text, confidence=0.5))
    made = segments(heard)
    assert all(s.text and s.words and s.end_ms >= s.start_ms for s in made)
    assert all(a.end_ms <= b.start_ms for a, b in itertools.pairwise(made))
