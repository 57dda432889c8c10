"""Which language was spoken: within a chunk, and among the chunks of a recording."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.transcription.domain import (
    Guess,
    Sound,
    Tongue,
    main_language,
    settled_languages,
    tongues_of,
)

pytestmark = pytest.mark.unit

LANGUAGES = ("de", "en", "nl")


def sound(language: str, probability: float = 0.95, speech_ms: int = 3_000) -> Sound:
    rest = (1 - probability) / (len(LANGUAGES) - 1)
    odds = {other: probability if other == language else rest for other in LANGUAGES}
    return Sound(odds=odds, speech_ms=speech_ms)


def spoken(*sounds: Sound) -> list[tuple[int, int, str]]:
    return [(tongue.first, tongue.end, tongue.language) for tongue in tongues_of(sounds)]


def test_one_language_throughout_is_one_tongue() -> None:
    assert spoken(sound("de"), sound("de", 0.5), sound("de")) == [(0, 3, "de")]


def test_a_clear_change_is_followed() -> None:
    heard = [sound("en"), sound("en"), sound("nl"), sound("nl")]
    assert spoken(*heard) == [(0, 2, "en"), (2, 4, "nl")]


def test_one_unsure_stretch_changes_nothing() -> None:
    assert spoken(sound("de"), sound("nl", 0.6), sound("de")) == [(0, 3, "de")]


def test_where_any_language_may_be_spoken_one_stretch_changes_nothing() -> None:
    any_language = {f"l{number:02d}": 0.0 for number in range(97)}
    heard = [
        Sound(odds=any_language | one.odds, speech_ms=one.speech_ms)
        for one in (sound("en"), sound("en"), sound("nl", 0.99))
    ]
    assert spoken(*heard) == [(0, 3, "en")]
    assert spoken(*heard, heard[-1]) == [(0, 2, "en"), (2, 4, "nl")]


def test_a_short_stretch_changes_nothing() -> None:
    assert spoken(sound("de"), sound("en", 0.95, 400), sound("de")) == [(0, 3, "de")]


def test_many_unsure_stretches_that_agree_are_sure_together() -> None:
    (tongue,) = tongues_of([sound("nl", 0.6)] * 6)
    assert tongue.language == "nl"
    assert tongue.probability > 0.95


def test_a_stretch_alone_is_as_sure_as_it_sounds() -> None:
    (tongue,) = tongues_of([sound("nl", 0.6)])
    assert tongue == Tongue(first=0, end=1, language="nl", probability=pytest.approx(0.6))


sounds = st.lists(
    st.builds(sound, st.sampled_from(LANGUAGES), st.floats(0.34, 1.0), st.integers(0, 10_000)),
    min_size=1,
    max_size=12,
)


@given(sounds)
def test_tongues_lie_side_by_side_and_change_every_time(heard: list[Sound]) -> None:
    tongues = tongues_of(heard)
    assert [tongue.first for tongue in tongues] == [0, *(tongue.end for tongue in tongues[:-1])]
    assert tongues[-1].end == len(heard)
    assert all(a.language != b.language for a, b in itertools.pairwise(tongues))
    assert all(0 < tongue.probability <= 1 for tongue in tongues)


@given(sounds)
def test_the_order_in_which_languages_are_named_does_not_matter(
    heard: list[Sound],
) -> None:
    turned = [
        Sound(odds=dict(reversed(one.odds.items())), speech_ms=one.speech_ms) for one in heard
    ]
    assert [(t.first, t.language) for t in tongues_of(heard)] == [
        (t.first, t.language) for t in tongues_of(turned)
    ]


def guess(language: str, probability: float = 0.95, speech_ms: int = 10_000) -> Guess:
    return Guess(languages=(language,), probability=probability, speech_ms=speech_ms)


def test_a_sure_chunk_speaks_for_itself_at_once() -> None:
    assert settled_languages([guess("de")], is_all=False) == ["de"]
    assert settled_languages([None, guess("nl"), None], is_all=False) == [None, "nl", None]


def test_a_single_unsure_chunk_among_german_ones_stays_german() -> None:
    heard = [guess("de"), guess("nl", 0.6), guess("de")]
    assert settled_languages(heard, is_all=True) == ["de", "de", "de"]


def test_a_clear_change_of_language_is_followed_and_back() -> None:
    heard = [guess("de"), guess("nl"), guess("nl", 0.4), guess("de")]
    assert settled_languages(heard, is_all=True) == ["de", "nl", "nl", "de"]


def test_a_sure_chunk_that_is_too_short_is_not_believed() -> None:
    assert settled_languages([guess("de", 0.99, 500)], is_all=False) == [None]
    assert settled_languages([guess("nl"), guess("de", 0.99, 500)], is_all=False) == ["nl", "nl"]


def test_an_unsure_chunk_waits_for_the_one_before() -> None:
    assert settled_languages([None, guess("nn", 0.3)], is_all=False) == [None, None]


def test_an_unsure_beginning_is_in_the_language_of_the_first_sure_chunk() -> None:
    heard = [guess("nn", 0.3), guess("de", 0.9)]
    assert settled_languages(heard[:1], is_all=False) == [None]
    assert settled_languages(heard, is_all=False) == ["de", "de"]


def test_an_unsure_chunk_without_others_speaks_alone() -> None:
    assert settled_languages([guess("nn", 0.3)], is_all=True) == ["nn"]


def test_three_unsure_chunks_vote() -> None:
    votes = [guess("nn", 0.45), guess("de", 0.3), guess("de", 0.3)]
    assert settled_languages(votes, is_all=False) == ["de", "de", "de"]


def test_a_chunk_of_two_languages_hands_on_its_last() -> None:
    mixed = Guess(languages=("de", "nl"), probability=0.7, speech_ms=20_000)
    heard = [guess("de"), mixed, guess("de", 0.6)]
    assert settled_languages(heard, is_all=True) == ["de", "nl", "nl"]


def test_nothing_heard_settles_nothing() -> None:
    assert settled_languages([], is_all=True) == []


guesses = st.lists(
    st.builds(
        lambda languages, probability, speech_ms: Guess(
            languages=tuple(languages), probability=probability, speech_ms=speech_ms
        ),
        st.lists(st.sampled_from(LANGUAGES), min_size=1, max_size=2, unique=True),
        st.floats(0, 1),
        st.integers(0, 30_000),
    ),
    max_size=8,
)


@given(guesses, st.data())
def test_the_order_of_answers_never_changes_what_was_decided(
    heard: list[Guess], data: st.DataObject
) -> None:
    """The same recording gives the same languages however its answers come in."""
    final = settled_languages(heard, is_all=True)
    cut = data.draw(st.integers(0, len(heard)))
    known: list[Guess | None] = [None] * cut
    for place in data.draw(st.permutations(range(cut))):
        known[place] = heard[place]
        for early, settled in zip(settled_languages(known, is_all=False), final, strict=False):
            assert early in {None, settled}
    assert None not in final


def test_the_main_language_is_the_one_most_was_said_in() -> None:
    assert main_language([("en", 10), ("de", 8), ("de", 3)]) == "de"
    assert main_language([("nl", 5), ("de", 5)]) == "de"
