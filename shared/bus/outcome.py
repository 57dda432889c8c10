"""Decides what becomes of a message after an attempt. Pure: the runner carries it out."""

from dataclasses import dataclass
from typing import Final

from shared.contracts.registry import Consumer
from shared.errors import (
    ConflictError,
    DeniedError,
    InvalidError,
    MissingError,
    TidingsError,
    TooMuchError,
    UnauthenticatedError,
    UnavailableError,
)

MISSING_ATTEMPTS: Final = 5
"""What a message refers to may still be on its way, but not for ever."""


@dataclass(frozen=True)
class Done:
    """Acknowledge it: the effect is there."""

    already: bool = False
    """True where an earlier delivery did it."""


@dataclass(frozen=True)
class Again:
    """Deliver it again, not before ``delay_s``."""

    delay_s: float
    counted: bool = True
    """False where the attempt does not speak against the message."""


@dataclass(frozen=True)
class Bury:
    """Put it aside as a dead letter, for a person to look at."""

    code: str
    detail: str


Outcome = Done | Again | Bury


def decide(
    error: Exception | None, *, consumer: Consumer, attempt: int, backoff_s: float
) -> Outcome:
    """Return what becomes of attempt number ``attempt``; ``backoff_s`` is the proposed delay."""
    match error:
        case None:
            return Done()
        case ConflictError():
            return Done(already=True)
        case InvalidError() | DeniedError() | UnauthenticatedError():
            return Bury(error.code, error.detail)
        case TooMuchError() | UnavailableError():
            # Whatever the message needs is not there: no verdict on the message, however often.
            return Again(max(backoff_s, error.retry_after_s), counted=False)
        case _:
            is_last = attempt >= _attempts_allowed(error, consumer)
            return _last_straw(error) if is_last else Again(backoff_s)


def _attempts_allowed(error: Exception, consumer: Consumer) -> int:
    if isinstance(error, MissingError):
        return min(MISSING_ATTEMPTS, consumer.max_attempts)
    return consumer.max_attempts


def _last_straw(error: Exception) -> Bury:
    """Name our own errors; of others only the class, for their text may hold what people said."""
    if isinstance(error, TidingsError):
        return Bury(error.code, error.detail)
    return Bury("internal", type(error).__name__)
