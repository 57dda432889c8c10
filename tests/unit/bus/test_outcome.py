"""What becomes of a message after an attempt."""

import pytest

from shared.bus.bus import growing_delay
from shared.bus.outcome import MISSING_ATTEMPTS, Again, Bury, Done, Outcome, decide
from shared.contracts import messages as m
from shared.contracts.registry import Consumer
from shared.db.database import DatabaseUnavailableError
from shared.errors import (
    ConflictError,
    DeniedError,
    GoneError,
    InvalidError,
    MissingError,
    StaleError,
    TooLargeError,
    TooMuchError,
    UnauthenticatedError,
    UnavailableError,
)

pytestmark = pytest.mark.unit

CONSUMER = Consumer(
    durable="summary-forget", service="summary", messages=(m.UpdateRemoved,), max_attempts=8
)


class UpdateUnknownError(MissingError):
    """The update is not known here."""

    code = "update-unknown"


def _decide(error: Exception | None, attempt: int = 1, backoff_s: float = 1.0) -> Outcome:
    return decide(error, consumer=CONSUMER, attempt=attempt, backoff_s=backoff_s)


def test_what_was_handled_is_done() -> None:
    assert _decide(None) == Done()


@pytest.mark.parametrize("error", [ConflictError(), StaleError()])
def test_a_conflict_means_it_is_done_already(error: Exception) -> None:
    assert _decide(error) == Done(already=True)


@pytest.mark.parametrize(
    "error", [InvalidError("Bad."), TooLargeError(), DeniedError(), UnauthenticatedError()]
)
def test_what_no_repetition_can_help_is_put_aside_at_once(error: Exception) -> None:
    assert isinstance(_decide(error), Bury)


@pytest.mark.parametrize("attempt", [1, 8, 10_000])
@pytest.mark.parametrize(
    "error", [UnavailableError(), DatabaseUnavailableError(), TooMuchError(retry_after_s=0.5)]
)
def test_what_is_not_there_says_nothing_about_the_message(error: Exception, attempt: int) -> None:
    outcome = _decide(error, attempt)
    assert isinstance(outcome, Again)
    assert not outcome.counted


def test_the_longer_of_the_two_delays_is_kept() -> None:
    assert _decide(TooMuchError(retry_after_s=30.0)) == Again(30.0, counted=False)
    assert _decide(TooMuchError(retry_after_s=0.1)) == Again(1.0, counted=False)


@pytest.mark.parametrize("error", [MissingError(), GoneError(), UpdateUnknownError()])
def test_what_is_missing_is_waited_for_a_few_times(error: MissingError) -> None:
    assert _decide(error, MISSING_ATTEMPTS - 1) == Again(1.0)
    assert _decide(error, MISSING_ATTEMPTS) == Bury(error.code, error.detail)


def test_our_own_bugs_are_tried_until_the_last_attempt_and_quote_nothing() -> None:
    bug = KeyError("what somebody said")
    assert _decide(bug, 7) == Again(1.0)
    assert _decide(bug, 8) == Bury("internal", "KeyError")


def test_delays_double_up_to_the_cap_with_a_fifth_of_jitter() -> None:
    for attempt, expected_s in ((1, 0.5), (2, 1.0), (3, 2.0), (8, 60.0), (5_000, 60.0)):
        delays = {growing_delay(attempt, base_s=0.5, cap_s=60.0) for _ in range(20)}
        assert all(0.8 * expected_s <= delay_s <= 1.2 * expected_s for delay_s in delays)
        assert len(delays) > 1
