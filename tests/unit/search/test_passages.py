"""Passages hold every segment, overlap, keep languages apart and can be cut again from any."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.workspace.search.passages import FULL_CHARACTERS, cut_passages
from services.workspace.transcripts.domain import StoredSegment

pytestmark = pytest.mark.unit


def segment(number: int, text: str, language: str | None = "en") -> StoredSegment:
    return StoredSegment(
        id=number, start_ms=number * 1000, end_ms=number * 1000 + 900, text=text, language=language
    )


@st.composite
def segments(draw: st.DrawFn) -> list[StoredSegment]:
    sizes = draw(st.lists(st.integers(0, 700), max_size=40))
    language = st.sampled_from(["en", "en", "en", "de", None])
    return [segment(n * 3, "word " * (size // 5), draw(language)) for n, size in enumerate(sizes)]


@settings(deadline=None, max_examples=60)
@given(segments())
def test_every_segment_with_words_is_in_a_passage(spoken: list[StoredSegment]) -> None:
    passages = cut_passages(spoken)
    for each in spoken:
        inside = [p for p in passages if p.first_segment <= each.id <= p.last_segment]
        assert bool(inside) or not each.text.strip()
        assert all(p.language == (each.language or "") for p in inside if each.text.strip())


@settings(deadline=None, max_examples=60)
@given(segments())
def test_cutting_again_from_any_passage_gives_the_rest(spoken: list[StoredSegment]) -> None:
    passages = cut_passages(spoken)
    for place, passage in enumerate(passages):
        rest = [each for each in spoken if each.id >= passage.first_segment]
        assert cut_passages(rest) == passages[place:]


def test_neighbours_overlap_by_half() -> None:
    passages = cut_passages([segment(n, "x" * 60) for n in range(20)])
    assert [(p.first_segment, p.last_segment) for p in passages[:3]] == [(0, 7), (4, 11), (8, 15)]
    assert all(len(p.text) <= 2 * FULL_CHARACTERS for p in passages)


def test_another_language_begins_another_passage() -> None:
    passages = cut_passages([segment(0, "Good."), segment(1, "Gut.", "de"), segment(2, "Fine.")])
    assert [(p.language, p.text) for p in passages] == [
        ("en", "Good."),
        ("de", "Gut."),
        ("en", "Fine."),
    ]


def test_nothing_said_is_nothing_to_search() -> None:
    assert cut_passages([segment(0, " ")]) == []
