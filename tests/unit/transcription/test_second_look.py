"""Which chunks leave doubt, and whether a second hearing takes the place of the first."""

import pytest

from services.transcription.domain.second_look import is_better, is_doubtful, languages_in
from shared.contracts.transcript import Segment, Word

pytestmark = pytest.mark.unit


def heard(
    *words: tuple[str, float],
    language: str = "en",
    language_probability: float = 1.0,
    repeats_cut: int = 0,
) -> list[Segment]:
    """Return one segment of words with their confidence."""
    return [
        Segment(
            id=0,
            start_ms=0,
            end_ms=100 * len(words),
            text=" ".join(text for text, _ in words),
            language=language,
            language_probability=language_probability,
            confidence=0.5,
            words=tuple(
                Word(start_ms=100 * place, end_ms=100 * place + 90, text=text, confidence=sure)
                for place, (text, sure) in enumerate(words)
            ),
            repeats_cut=repeats_cut,
        )
    ]


DOUBTFUL = heard(("We", 0.9), ("shop", 0.3), ("the", 0.5), ("marmalade.", 0.2))


@pytest.mark.parametrize(
    ("segments", "doubt"),
    [
        (heard(("We", 0.9), ("ship", 0.8), ("it.", 0.9)), False),
        (DOUBTFUL, True),
        (heard(("We", 0.9), ("ship.", 0.9), language_probability=0.4), True),
        (heard(("No,", 0.9), ("no.", 0.9), repeats_cut=20), True),
        ([], False),
    ],
)
def test_unsure_words_an_unsure_language_and_a_loop_leave_doubt(
    segments: list[Segment], *, doubt: bool
) -> None:
    assert is_doubtful(segments) is doubt


def test_surer_words_stand() -> None:
    second = heard(("We", 0.9), ("ship", 0.8), ("the", 0.7), ("Marmolada.", 0.6))
    assert is_better(second, than=DOUBTFUL)
    assert not is_better(DOUBTFUL, than=second)


def test_words_that_are_hardly_surer_are_not_worth_the_change() -> None:
    second = heard(("We", 0.9), ("ship", 0.32), ("the", 0.51), ("marmalade.", 0.25))
    assert not is_better(second, than=DOUBTFUL)


def test_the_same_hearing_is_not_better() -> None:
    assert not is_better(DOUBTFUL, than=DOUBTFUL)


def test_a_sure_word_does_not_give_way_to_a_doubtful_one() -> None:
    first = heard(("Not", 0.95), ("on", 0.2), ("Friday.", 0.1))
    assert not is_better(heard(("Now", 0.6), ("on", 0.9), ("Friday.", 0.9)), than=first)
    assert not is_better(heard(("on", 0.9), ("Friday.", 0.9)), than=first)
    assert is_better(heard(("Not", 0.6), ("on", 0.9), ("Friday.", 0.9)), than=first)
    assert is_better(heard(("Now", 0.97), ("on", 0.9), ("Friday.", 0.9)), than=first)


def test_a_sure_word_among_doubtful_ones_does_not_keep_them() -> None:
    first = heard(("We", 0.9), ("shop", 0.1), ("the", 0.9), ("mama", 0.1), ("lay.", 0.1))
    assert is_better(heard(("We", 0.9), ("ship", 0.7), ("marmalade.", 0.7)), than=first)


def test_nothing_and_words_never_take_each_others_place() -> None:
    assert not is_better([], than=DOUBTFUL)
    assert not is_better(heard(("Thanks.", 0.9)), than=[])


def test_words_in_another_language_are_not_better() -> None:
    second = heard(("Wir", 0.9), ("schiffen", 0.9), ("es.", 0.9), language="de")
    assert not is_better(second, than=DOUBTFUL)


def test_a_loop_gives_way_to_words_that_do_not_go_round_and_never_the_other_way() -> None:
    loop = heard(("No,", 0.6), ("no.", 0.6), repeats_cut=20)
    words = heard(("No,", 0.6), ("no,", 0.6), ("nobody.", 0.6))
    assert is_better(words, than=loop)
    assert not is_better(loop, than=words)
    assert not is_better(loop, than=DOUBTFUL)


def test_languages_are_told_in_the_order_they_were_spoken() -> None:
    segments = [*DOUBTFUL, *DOUBTFUL, *heard(("Ja.", 0.9), language="de"), *DOUBTFUL]
    assert languages_in(segments) == ("en", "de", "en")
