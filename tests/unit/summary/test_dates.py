"""Deadlines keep their words; they become a date only where there is just one it can be."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.summary.domain.dates import find_due

pytestmark = pytest.mark.unit

WEDNESDAY = date(2026, 3, 11)


@pytest.mark.parametrize(
    ("language", "text", "said", "day"),
    [
        ("en", "send it by Friday", "by Friday", date(2026, 3, 13)),
        ("en", "on this coming Monday", "on this coming Monday", date(2026, 3, 16)),
        ("en", "by the end of the month", "by the end of the month", date(2026, 3, 31)),
        ("en", "in two weeks", "in two weeks", date(2026, 3, 25)),
        ("en", "within 3 days", "within 3 days", date(2026, 3, 14)),
        ("en", "by 2026-04-01", "by 2026-04-01", date(2026, 4, 1)),
        ("de", "bis spätestens Montag", "bis spätestens Montag", date(2026, 3, 16)),
        ("de", "am 3. April", "am 3. April", date(2026, 4, 3)),
        ("de", "bis zum 12.3. fertig", "bis zum 12.3.", date(2026, 3, 12)),
        ("de", "übermorgen", "übermorgen", date(2026, 3, 13)),
        ("nl", "uiterlijk vrijdag", "uiterlijk vrijdag", date(2026, 3, 13)),
        ("nl", "over twee weken", "over twee weken", date(2026, 3, 25)),
        ("fr", "avant vendredi", "avant vendredi", date(2026, 3, 13)),
        ("es", "antes del viernes", "antes del viernes", date(2026, 3, 13)),
    ],
)
def test_a_clear_deadline_has_its_date(language: str, text: str, said: str, day: date) -> None:
    due = find_due(text, language, WEDNESDAY)
    assert due is not None
    assert (due.text, due.day) == (said, day)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "by Wednesday"),
        ("en", "next Friday"),
        ("en", "by the end of the week"),
        ("en", "on the 31 of February"),
        ("en", "by March 3rd"),
        ("de", "nächsten Freitag"),
        ("de", "Ende der Woche"),
        ("nl", "volgende week"),
    ],
)
def test_an_unclear_deadline_keeps_its_words_only(language: str, text: str) -> None:
    due = find_due(text, language, WEDNESDAY)
    assert due is not None
    assert due.day is None


@pytest.mark.parametrize(
    ("language", "text"), [("en", "nothing here"), ("de", "guten Morgen"), (None, "by Friday")]
)
def test_no_deadline_is_none(language: str | None, text: str) -> None:
    assert find_due(text, language, WEDNESDAY) is None


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(["en", "de", "nl", "fr", "es"]), st.text(max_size=40), st.dates())
def test_whatever_is_said_on_whatever_day_is_answered(language: str, text: str, day: date) -> None:
    due = find_due(f"{text} by in 999 weeks {text}", language, day)
    assert due is None or due.text in f"{text} by in 999 weeks {text}"
