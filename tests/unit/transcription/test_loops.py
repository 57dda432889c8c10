"""Where recognition went round in a circle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.transcription.domain import HeardTurn, HeardWord, segments_of
from services.transcription.domain.loops import loops_in

pytestmark = pytest.mark.unit


def kept(text: str) -> str:
    words = text.split()
    for first, end in reversed(loops_in(words)):
        del words[first:end]
    return " ".join(words)


@pytest.mark.parametrize(
    ("heard", "left"),
    [
        ("thank you. Thank you. thank you. thank you. thank you.", "thank you."),
        ("so " + "we ship on Friday. " * 4 + "Good.", "so we ship on Friday. Good."),
        ("ja " * 30 + "gut", "ja gut"),
    ],
)
def test_one_round_is_kept(heard: str, left: str) -> None:
    assert kept(heard) == left


@pytest.mark.parametrize(
    "said",
    [
        "no no no no no wait",
        "step by step by step by step",
        "we will ship it. we will ship it. we will ship it.",
        "row row row your boat gently down the stream",
    ],
)
def test_what_people_say_again_stays(said: str) -> None:
    assert kept(said) == said


def test_the_segment_says_how_much_was_left_out() -> None:
    words = tuple(
        HeardWord(start_ms=place * 300, end_ms=place * 300 + 250, text=f" {word}", confidence=0.9)
        for place, word in enumerate(("thank you " * 20).split())
    )
    turn = HeardTurn(language="en", language_probability=1.0, words=words)
    (segment,) = segments_of([turn], chunk_index=0)
    assert (segment.text, segment.repeats_cut) == ("thank you", 38)


@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=60))
def test_loops_lie_in_order_and_repeat_what_stands_before_them(words: list[str]) -> None:
    reached = 0
    for first, end in loops_in(words):
        assert reached <= first < end <= len(words)
        size = next(
            size
            for size in range(1, 13)
            if (end - first) % size == 0
            and words[first - size : first] * ((end - first) // size) == words[first:end]
        )
        assert first - size >= reached
        reached = end
