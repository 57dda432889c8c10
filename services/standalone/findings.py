"""What an examination finds: each finding a sentence, with the remedy where one is needed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from shared.errors import TidingsError


class Verdict(StrEnum):
    """How good or bad a finding is."""

    OK = "ok"
    """As it should be."""
    WARN = "warn"
    """Works, but somebody should know."""
    FAIL = "fail"
    """Does not work until it is mended."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was examined."""

    name: str
    verdict: Verdict
    sentence: str


Check = Callable[[], Awaitable[Finding]]


def ok(name: str, sentence: str) -> Finding:
    """Return a good finding."""
    return Finding(name=name, verdict=Verdict.OK, sentence=sentence)


def warn(name: str, sentence: str) -> Finding:
    """Return a finding somebody should know of."""
    return Finding(name=name, verdict=Verdict.WARN, sentence=sentence)


def fail(name: str, sentence: str) -> Finding:
    """Return a bad finding; the sentence says what to do."""
    return Finding(name=name, verdict=Verdict.FAIL, sentence=sentence)


def failed(name: str, error: TidingsError) -> Finding:
    """Return what one of our errors says as a bad finding."""
    return fail(name, error.detail)
