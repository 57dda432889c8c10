"""What a search asks for, which moments are shown, and that nothing spoken becomes markup."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.workspace.search.domain import (
    MOMENTS,
    MOST_WORDS,
    SNIPPET_CHARACTERS,
    Excerpt,
    Part,
    Query,
    QueryRefusedError,
    Reach,
    best_moments,
    parse_query,
    reaches,
)
from services.workspace.search.http import as_html
from services.workspace.transcripts.domain import StoredSegment

pytestmark = pytest.mark.unit


def excerpt(number: int, text: str) -> Excerpt:
    segment = StoredSegment(
        id=number, start_ms=number * 1000, end_ms=number * 1000 + 900, text=text, language="en"
    )
    return Excerpt(source="speech", segment=segment)


def test_words_phrases_and_exclusions_are_told_apart() -> None:
    assert parse_query('Budget "next year" -marketing -"old plan"') == Query(
        words=("next", "year", "budget"),
        phrases=("next year",),
        excluded=("old plan", "marketing"),
    )


def test_a_hyphen_inside_a_word_excludes_nothing() -> None:
    assert parse_query("E-Mail v2.1").words == ("e-mail", "v2.1")
    assert parse_query("E-Mail v2.1").excluded == ()


def test_an_open_quote_is_just_words() -> None:
    assert parse_query('"next year') == Query(words=("next", "year"))


@pytest.mark.parametrize("text", ["", "  ", "-budget", '""', "?!", "x" * 401])
def test_a_search_for_nothing_is_refused(text: str) -> None:
    with pytest.raises(QueryRefusedError):
        parse_query(text)


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="ab\"- '%_\\\u00e4\x00", max_size=60))
def test_any_text_is_a_query_or_refused(text: str) -> None:
    try:
        query = parse_query(text)
    except QueryRefusedError:
        return
    assert 1 <= len(query.words) <= MOST_WORDS
    assert all(set(word) <= set("ab\u00e4-'") for word in query.words)


def test_longer_words_are_sought_inside_others_and_the_last_where_it_begins() -> None:
    assert reaches(parse_query("log daten 日本 to log")) == [
        Reach.WHOLE,
        Reach.INSIDE,
        Reach.INSIDE,
        Reach.WHOLE,
    ]
    assert reaches(parse_query("daten log")) == [Reach.INSIDE, Reach.BEGINNING]


def test_the_best_moments_come_in_order_without_neighbours() -> None:
    excerpts = [
        excerpt(0, "The budget is large."),
        excerpt(1, "The budget for search is small."),
        excerpt(2, "Nothing here."),
        excerpt(3, "Search and budget again."),
    ]
    matches = {("en", "budget"): {1: 1.0}, ("en", "search"): {2: 1.0}, ("en", "Search"): {2: 1.0}}
    moments = best_moments(excerpts, matches)
    assert [moment.segment_id for moment in moments] == [1, 3]
    assert moments[0].start_ms == 1000
    assert [part.text for part in moments[0].snippet if part.is_match] == ["budget", "search"]


def test_an_update_shows_few_moments() -> None:
    excerpts = [excerpt(number * 2, "budget") for number in range(10)]
    assert len(best_moments(excerpts, {("en", "budget"): {1: 1.0}})) <= MOMENTS


def test_what_matches_nothing_shows_nothing() -> None:
    assert best_moments([excerpt(0, "Nothing here.")], {}) == []


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(["budget", "other", "<b>", "a&b"]), min_size=1, max_size=120))
def test_snippets_are_short_and_say_what_was_said(words: list[str]) -> None:
    text = " ".join(words)
    for moment in best_moments([excerpt(0, text)], {("en", "budget"): {1: 1.0}}):
        shown = "".join(part.text for part in moment.snippet)
        assert shown.removeprefix("… ").removesuffix(" …") in text
        assert len(shown) <= SNIPPET_CHARACTERS + 4
        assert any(part.is_match for part in moment.snippet)


def test_spoken_markup_stays_text_in_snippets() -> None:
    parts = (Part(text="<script> & ", is_match=False), Part(text="<b>", is_match=True))
    assert as_html(parts) == "&lt;script&gt; &amp; <mark>&lt;b&gt;</mark>"
