"""What the model sees of a chunk, and which texts stand: no model needed."""

import numpy as np
import pytest

from services.transcription.engine import SpokenWord
from services.transcription.whisper_windows import (
    DRAFT_WIDTH,
    FULL_WIDTH,
    SHORT_WIDTH,
    Decoded,
    Window,
)

pytestmark = pytest.mark.unit


def window(seconds: float, *, seek: int = 0, widths: tuple[int, ...] | None = None) -> Window:
    frames = int(seconds * 100)
    return Window(
        pcm=np.zeros(frames * 160, dtype=np.int16),
        features=np.zeros((80, frames + 1), dtype=np.float32),
        language="en",
        languages=frozenset(),
        seek=seek,
        **({} if widths is None else {"widths": widths}),
    )


def decoded(*, log_prob: float = -0.2, looping: float = 1.0, no_speech: float = 0.0) -> Decoded:
    return Decoded(tokens=[], log_prob=log_prob, looping=looping, no_speech=no_speech)


@pytest.mark.parametrize(
    ("seconds", "width"),
    [(3, SHORT_WIDTH), (19.5, SHORT_WIDTH), (19.6, FULL_WIDTH), (30, FULL_WIDTH)],
)
def test_the_model_sees_no_more_than_it_must(seconds: float, width: int) -> None:
    assert window(seconds).width == width


def test_drafts_are_seen_through_the_shortest_window_that_fits() -> None:
    widths = (DRAFT_WIDTH, SHORT_WIDTH)
    assert window(4, widths=widths).width == DRAFT_WIDTH
    assert window(12, widths=widths).width == SHORT_WIDTH
    assert not window(4, widths=widths).may_widen


def test_what_is_in_doubt_is_seen_at_full_width_once() -> None:
    doubtful = window(4)
    assert doubtful.may_widen
    assert not doubtful.may_retry
    doubtful.widen()
    assert doubtful.width == FULL_WIDTH
    assert not doubtful.may_widen
    assert doubtful.may_retry


def test_a_draft_is_heard_once() -> None:
    draft = window(4, widths=(DRAFT_WIDTH, SHORT_WIDTH))
    draft.is_draft = True
    assert not draft.may_widen
    assert not draft.may_retry


def test_the_last_moment_of_a_chunk_is_heard_once_and_only_believed_when_sure() -> None:
    rest = window(15, seek=1_450)
    assert rest.is_remnant
    assert not rest.may_widen
    assert not rest.may_retry
    assert not window(0.5).is_remnant
    assert not window(15, seek=1_350).is_remnant


@pytest.mark.parametrize(
    ("text", "is_clear", "is_poor", "is_silence"),
    [
        (decoded(), True, False, False),
        (decoded(log_prob=-0.7), False, False, False),
        (decoded(log_prob=-1.2), False, True, False),
        (decoded(looping=3.0), False, True, False),
        (decoded(log_prob=-1.2, no_speech=0.9), False, False, True),
        (decoded(no_speech=0.9), True, False, False),
    ],
)
def test_a_text_is_clear_doubtful_poor_or_of_nobody(
    text: Decoded, *, is_clear: bool, is_poor: bool, is_silence: bool
) -> None:
    assert (text.is_clear, text.is_poor, text.is_silence) == (is_clear, is_poor, is_silence)


def said(text: str, *, at_ms: int) -> list[SpokenWord]:
    """Return words of 100 ms each, one after another."""
    return [
        SpokenWord(
            start_ms=at_ms + place * 100,
            end_ms=at_ms + place * 100 + 100,
            text=f" {word}",
            confidence=0.9,
        )
        for place, word in enumerate(text.split())
    ]


@pytest.mark.parametrize(
    ("first", "then", "at_ms", "kept"),
    [
        ("by the", "the nation", 200, "by the nation"),
        ("as I said,", "I said we go", 150, "as I said, we go"),
        ("by the", "a nation", 200, "by the a nation"),
        ("said no.", "No way", 900, "said no. No way"),
        ("", "the nation", 0, "the nation"),
    ],
    ids=["a word", "several words", "other words", "said twice", "at the beginning"],
)
def test_what_two_windows_heard_both_stands_once(
    first: str, then: str, at_ms: int, kept: str
) -> None:
    both = window(15)
    both.add(said(first, at_ms=0))
    both.add(said(then, at_ms=at_ms))
    assert "".join(word.text for word in both.words).strip() == kept
