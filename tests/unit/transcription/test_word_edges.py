"""Words next to a pause begin and end with their sound; others stay where they are."""

import itertools

import numpy as np
import pytest

from services.transcription.engine import SAMPLE_RATE, Samples, SpokenWord
from services.transcription.word_edges import settled_edges

pytestmark = pytest.mark.unit


def sound(*stretches: tuple[int, float], noise: float = 0.0) -> Samples:
    """Return stretches of (milliseconds, loudness), the same every time."""
    random = np.random.default_rng(1)
    parts = [random.normal(0, level, ms * SAMPLE_RATE // 1000) for ms, level in stretches]
    whole = np.concatenate(parts)
    return np.clip(whole + random.normal(0, noise, whole.size), -32768, 32767).astype(np.int16)


def words(*times: tuple[int, int]) -> list[SpokenWord]:
    return [
        SpokenWord(start_ms=start, end_ms=end, text=f" {place}", confidence=0.9)
        for place, (start, end) in enumerate(times)
    ]


def times(settled: list[SpokenWord]) -> list[tuple[int, int]]:
    return [(word.start_ms, word.end_ms) for word in settled]


SPOKEN = ((200, 0.0), (800, 3_000.0), (1_500, 0.0), (500, 3_000.0), (200, 0.0))
"""Speech from 200 to 1000 and from 2500 to 3000."""


@pytest.mark.parametrize("noise", [0.0, 100.0])
def test_a_word_that_swallowed_a_pause_gives_it_back(noise: float) -> None:
    """Attention let the word after a silence begin where the one before it ended."""
    heard = words((0, 600), (600, 1_000), (1_000, 3_000))
    settled = settled_edges(heard, sound(*SPOKEN, noise=noise), 0)
    for found, true in zip(times(settled), [(200, 600), (600, 1_000), (2_500, 3_000)], strict=True):
        assert found == pytest.approx(true, abs=30)
    assert [word.text for word in settled] == [word.text for word in heard]


def test_a_word_that_stopped_short_of_a_pause_is_drawn_out() -> None:
    settled = settled_edges(words((200, 600), (600, 800), (2_650, 2_900)), sound(*SPOKEN), 0)
    for found, true in zip(times(settled), [(200, 600), (600, 1_000), (2_500, 3_000)], strict=True):
        assert found == pytest.approx(true, abs=30)


def test_a_word_far_from_the_pause_stays() -> None:
    heard = words((200, 400), (2_500, 3_000))
    assert times(settled_edges(heard, sound(*SPOKEN), 0))[0][1] == pytest.approx(400, abs=30)


def test_where_the_background_is_loud_nothing_moves() -> None:
    heard = words((0, 600), (600, 1_000), (1_000, 3_000))
    assert settled_edges(heard, sound(*SPOKEN, noise=1_500.0), 0) == heard
    assert settled_edges(heard, np.zeros(0, dtype=np.int16), 0) == heard


def test_words_of_a_later_part_of_the_chunk_keep_its_offset() -> None:
    heard = words((10_000, 10_600), (10_600, 11_000), (11_000, 13_000))
    last = times(settled_edges(heard, sound(*SPOKEN), 10_000))[-1]
    assert last == pytest.approx((12_500, 13_000), abs=30)


def test_words_stay_in_order_and_never_overlap() -> None:
    random = np.random.default_rng(2)
    for _ in range(200):
        edges = np.sort(random.integers(0, 3_200, 9)).tolist()
        heard = words(*itertools.pairwise(edges))
        settled = settled_edges(heard, sound(*SPOKEN), 0)
        assert all(word.start_ms <= word.end_ms for word in settled)
        assert all(one.end_ms <= other.start_ms for one, other in itertools.pairwise(settled))
