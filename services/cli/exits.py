"""How a command ends: one exit status per kind of outcome, so that scripts can decide."""

from enum import IntEnum
from http import HTTPStatus


class Exit(IntEnum):
    """Exit statuses; part of the interface."""

    DONE = 0  # it worked
    FAILED = 1  # it did not, for none of the reasons below
    USAGE = 2  # the command was wrongly given
    MISSING = 3  # the thing asked for is not there, or not for you
    DENIED = 4  # no valid token, or it may not do this
    REFUSED = 5  # the content was refused, e.g. no speech in it
    UNREACHABLE = 6  # the server does not answer
    INTERRUPTED = 130  # stopped from the keyboard


class CommandError(Exception):
    """Ends the command with a sentence for the person and a status for the script."""

    def __init__(self, sentence: str, status: Exit = Exit.FAILED, *, code: str = "failed") -> None:
        """Keep the stable ``code`` apart from the sentence."""
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status
        self.code = code


_BY_STATUS = {
    HTTPStatus.UNAUTHORIZED: Exit.DENIED,
    HTTPStatus.FORBIDDEN: Exit.DENIED,
    HTTPStatus.NOT_FOUND: Exit.MISSING,
    HTTPStatus.GONE: Exit.MISSING,
    HTTPStatus.BAD_GATEWAY: Exit.UNREACHABLE,
    HTTPStatus.SERVICE_UNAVAILABLE: Exit.UNREACHABLE,
    HTTPStatus.GATEWAY_TIMEOUT: Exit.UNREACHABLE,
}


def exit_of(http_status: int) -> Exit:
    """Return the exit status that goes with an HTTP status."""
    return next(
        (exit_ for status, exit_ in _BY_STATUS.items() if status == http_status), Exit.FAILED
    )


def unreachable(url: str) -> CommandError:
    """Return the error for a server that does not answer."""
    return CommandError(
        f"Tidings does not answer at {url}. Is it running? Try `tidings doctor`.",
        Exit.UNREACHABLE,
        code="unreachable",
    )
