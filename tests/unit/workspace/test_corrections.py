"""How corrections lie over a transcript, also over one that was made anew."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.workspace.corrections.domain import (
    REACH_MS,
    WordsChangedError,
    corrected,
    place_of,
    require_may_correct,
    restated,
)
from services.workspace.domain import Asker, NotYoursError, Role
from services.workspace.transcripts.captions import cut_cues
from services.workspace.transcripts.domain import Anchor, Correction, StoredSegment, StoredWord
from shared.contracts.summary import Evidence, Statement, StatementKind

pytestmark = pytest.mark.unit

ME, OTHER = uuid4(), uuid4()
WORD_MS = 400


def heard(*sentences: str, shift_ms: int = 0) -> tuple[StoredSegment, ...]:
    """Return sentences as an engine tells them; a word without a blank before it is glued on."""
    segments: list[StoredSegment] = []
    start_ms = 1_000 + shift_ms
    for number, sentence in enumerate(sentences):
        words = []
        for text in sentence.split():
            words.append(
                StoredWord(
                    start_ms=start_ms, end_ms=start_ms + WORD_MS, text=f" {text}", confidence=0.4
                )
            )
            start_ms += WORD_MS
        segments.append(
            StoredSegment(
                id=number,
                start_ms=words[0].start_ms,
                end_ms=words[-1].end_ms,
                text=sentence,
                language="en",
                words=tuple(words),
            )
        )
    return tuple(segments)


def correction(anchor: Anchor, replacement: str) -> Correction:
    return Correction(
        id=uuid4(),
        update_id=UUID(int=1),
        author_id=ME,
        author_name="Mara",
        anchor=anchor,
        replacement=replacement,
        made_at=datetime(2026, 3, 4, tzinfo=UTC),
    )


def of(segments: tuple[StoredSegment, ...], first: int, last: int, replacement: str) -> Correction:
    """Return a correction of the words with these numbers."""
    words = [word for segment in segments for word in segment.words][first : last + 1]
    original = " ".join(word.text.strip() for word in words)
    anchor = Anchor(start_ms=words[0].start_ms, end_ms=words[-1].end_ms, original=original)
    return correction(anchor, replacement)


def said(segments: tuple[StoredSegment, ...]) -> list[str]:
    return " ".join(segment.text for segment in segments).split()


SHIP = heard("We ship the marmalade on Friday.", "Anna tells the marmalade man.")


def test_a_correction_replaces_its_words_and_remembers_what_was_heard() -> None:
    made = of(SHIP, 3, 3, "Marmolada")
    first, second = corrected(SHIP, [made])

    assert first.text == "We ship the Marmolada on Friday."
    assert first.original == "We ship the marmalade on Friday."
    assert (first.words[3].correction, first.words[3].confidence) == (made.id, 1.0)
    assert second is SHIP[1]


def test_more_and_fewer_words_share_the_same_stretch_of_time() -> None:
    more = corrected(SHIP, [of(SHIP, 3, 3, "Mar Molada release")])[0]
    fewer = corrected(SHIP, [of(SHIP, 2, 4, "all")])[0]

    times = [(word.start_ms, word.end_ms) for word in more.words[3:6]]
    assert times[0][0] == SHIP[0].words[3].start_ms
    assert times[-1][1] == SHIP[0].words[3].end_ms
    assert [each[1] for each in times[:-1]] == [each[0] for each in times[1:]]
    assert fewer.text == "We ship all Friday."


def test_words_across_two_sentences_are_corrected_as_one() -> None:
    first, second = corrected(SHIP, [of(SHIP, 5, 6, "Friday; Anna also")])

    assert (first.text, second.text) == (
        "We ship the marmalade on Friday; Anna also",
        "tells the marmalade man.",
    )


def test_a_glued_word_stays_glued() -> None:
    words = (
        StoredWord(start_ms=0, end_ms=400, text=" open", confidence=0.9),
        StoredWord(start_ms=400, end_ms=800, text="-sauce", confidence=0.4),
    )
    segment = StoredSegment(
        id=0, start_ms=0, end_ms=800, text="open-sauce", language="en", words=words
    )
    assert corrected((segment,), [of((segment,), 1, 1, "-source")])[0].text == "open-source"


def test_a_later_correction_lies_over_an_earlier_one_and_without_it_too() -> None:
    first = of(SHIP, 3, 3, "Marmolada")
    second = correction(replace(first.anchor, original="Marmolada"), "Marmolata")

    assert corrected(SHIP, [first, second])[0].text == "We ship the Marmolata on Friday."
    assert corrected(SHIP, [second])[0].text == "We ship the Marmolata on Friday."


def test_the_nearest_of_equal_words_is_meant() -> None:
    second = corrected(SHIP, [of(SHIP, 9, 9, "Marmolada")])
    assert [segment.text for segment in second] == [
        "We ship the marmalade on Friday.",
        "Anna tells the Marmolada man.",
    ]


@pytest.mark.parametrize(
    ("again", "then"),
    [
        ("We ship the mar malade on Friday.", "We ship the Marmolada on Friday."),
        ("We ship the marmot on Friday.", "We ship the Marmolada on Friday."),
        ("We ship the Marmolada on Friday.", "We ship the Marmolada on Friday."),
    ],
)
def test_a_transcript_made_anew_takes_the_correction_where_it_still_is_wrong(
    again: str, then: str
) -> None:
    assert corrected(heard(again), [of(SHIP, 3, 3, "Marmolada")])[0].text == then


def test_a_correction_of_what_nobody_says_any_more_changes_nothing() -> None:
    silent = heard("We ship.")
    assert corrected(silent, [of(SHIP, 9, 9, "Marmolada")]) == silent


def test_words_that_are_not_there_cannot_be_corrected() -> None:
    anchor = of(SHIP, 3, 3, "x").anchor
    assert place_of(SHIP, replace(anchor, end_ms=anchor.end_ms + 300)) == anchor
    for wrong in (
        replace(anchor, original="marzipan"),
        replace(anchor, start_ms=60_000, end_ms=60_400),
    ):
        with pytest.raises(WordsChangedError):
            place_of(SHIP, wrong)


@pytest.mark.parametrize("role", list(Role))
def test_the_team_corrects_and_guests_only_what_they_said(role: Role) -> None:
    me = Asker(person_id=ME)
    require_may_correct(me, ME, role)
    if role is Role.GUEST:
        with pytest.raises(NotYoursError):
            require_may_correct(me, OTHER, role)
    else:
        require_may_correct(me, OTHER, role)


# --- whatever is said and corrected ---------------------------------------------------------------

#: Words that differ from each other however they are cut and joined.
VOCABULARY = [f"{letter}{number}{letter}." for number, letter in enumerate("abcdefghijklmnop")]
sentence = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=8).map(" ".join)
replacements = st.lists(st.sampled_from(["Xyl", "Yps,", "Z!"]), min_size=1, max_size=4).map(
    " ".join
)


@st.composite
def transcripts_and_corrections(
    draw: st.DrawFn,
) -> tuple[tuple[StoredSegment, ...], int, int, str]:
    segments = heard(*draw(st.lists(sentence, min_size=1, max_size=5)))
    count = sum(len(segment.words) for segment in segments)
    first = draw(st.integers(0, count - 1))
    return segments, first, draw(st.integers(first, min(first + 5, count - 1))), draw(replacements)


@given(transcripts_and_corrections())
def test_exactly_the_corrected_words_change(
    given_one: tuple[tuple[StoredSegment, ...], int, int, str],
) -> None:
    segments, first, last, replacement = given_one
    before = said(segments)
    after = corrected(segments, [of(segments, first, last, replacement)])

    assert said(after) == [*before[:first], *replacement.split(), *before[last + 1 :]]
    for segment in after:
        assert segment.text.split() == [word.text.strip() for word in segment.words]
    starts = [word.start_ms for segment in after for word in segment.words]
    assert starts == sorted(starts)


@given(transcripts_and_corrections())
def test_captions_of_a_corrected_transcript_keep_every_word(
    given_one: tuple[tuple[StoredSegment, ...], int, int, str],
) -> None:
    segments, first, last, replacement = given_one
    after = corrected(segments, [of(segments, first, last, replacement)])
    shown = " ".join(line for cue in cut_cues(after) for line in cue.lines)
    assert shown.split() == said(after)


@given(transcripts_and_corrections(), st.integers(-WORD_MS // 2 + 1, WORD_MS // 2 - 1), st.data())
def test_a_correction_finds_its_words_again_in_other_sentences_at_other_times(
    given_one: tuple[tuple[StoredSegment, ...], int, int, str], shift_ms: int, data: st.DataObject
) -> None:
    segments, first, last, replacement = given_one
    made = of(segments, first, last, replacement)
    words = said(segments)
    cut = data.draw(st.integers(0, len(words) - 1))
    again = heard(*filter(None, (" ".join(words[:cut]), " ".join(words[cut:]))), shift_ms=shift_ms)

    assert abs(shift_ms) < REACH_MS
    assert said(corrected(again, [made])) == said(corrected(segments, [made]))


@given(transcripts_and_corrections(), replacements)
def test_laying_over_twice_from_what_was_heard_gives_the_same(
    given_one: tuple[tuple[StoredSegment, ...], int, int, str], other: str
) -> None:
    segments, first, last, replacement = given_one
    corrections = [of(segments, first, last, replacement), of(segments, 0, 0, other)]
    assert corrected(segments, corrections) == corrected(segments, corrections)
    assert corrected(segments, ()) == segments


def about(text: str, *, start_ms: int | None = 0, end_ms: int | None = 3_000) -> Statement:
    evidence = Evidence(segment_ids=(0,), start_ms=start_ms, end_ms=end_ms, quote=text)
    return Statement(kind=StatementKind.DECISION, text=text, evidence=(evidence,))


@pytest.mark.parametrize(
    ("text", "original", "replacement", "shown"),
    [
        ("We ship the marmalade.", "marmalade", "Marmolada", "We ship the Marmolada."),
        ("We ship mar, malade.", "mar malade", "Marmolada,", "We ship Marmolada."),
        ("Marmalade it is.", "marmalade", "jam", "Jam it is."),
        ("We ship marmalades.", "marmalade", "jam", "We ship marmalades."),
        ("Cost is 5.0 (five).", "5.0", "6.5", "Cost is 6.5 (five)."),
        ("We ship it.", "it.", "!", "We ship it."),
        ("We ship it.", "...", "now", "We ship it."),
    ],
)
def test_a_summary_says_the_corrected_words(
    text: str, original: str, replacement: str, shown: str
) -> None:
    made = correction(Anchor(start_ms=1_000, end_ms=1_400, original=original), replacement)
    (statement,) = restated([about(text)], [made])
    assert (statement.text, statement.evidence[0].quote) == (shown, shown)


def test_only_what_rests_on_the_corrected_words_is_restated() -> None:
    made = correction(Anchor(start_ms=9_000, end_ms=9_400, original="it"), "jam")
    elsewhere, written = about("Ship it."), about("Ship it.", start_ms=None, end_ms=None)
    assert restated([elsewhere, written], [made]) == (elsewhere, written)
