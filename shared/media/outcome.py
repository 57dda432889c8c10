"""Reads an exit status: what the file did wrong, and what was done to the program from outside."""

import errno
import signal

from shared.errors import StorageFullError, TidingsError
from shared.media.errors import MediaUnreadableError

_CRASHES = frozenset(
    (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP)
)


_NO_SPACE = 256 - errno.ENOSPC
"""ffmpeg exits with the negative error number, as far as a byte can hold it."""


class ProgramKilledError(TidingsError):
    """Working on the recording was interrupted again and again."""

    code = "media-program-killed"


def check_exit(returncode: int) -> None:
    """Raise when a signal ended the program, so that half an output never passes for a whole one.

    A crash is blamed on the file (`MediaUnreadableError`); any other signal came from outside
    (`ProgramKilledError`, worth a few more tries: the file may take too much memory), and so did a
    full disk (`StorageFullError`). Other statuses are the caller's to judge.
    """
    if returncode == _NO_SPACE:
        raise StorageFullError
    if -returncode in _CRASHES:
        raise MediaUnreadableError
    if returncode < 0:
        raise ProgramKilledError
