"""Places for long recordings among those being made playable, so that short ones find others free.

The sound of a long one is encoded behind everything else on the machine: while a backlog is put
into words, a few of them would else keep an update of a minute from being played for a long time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from shared.errors import TooMuchError
from shared.media.render import SOON_MS

LONG_PLACES: Final = 2
"""So many at once; the consumer works on more than that."""


class NoLongPlaceError(TooMuchError):
    """Other long recordings are being made playable; this one follows them."""

    code = "no-long-place"


class LongPlaces:
    """Which long recordings are being worked on in this process."""

    def __init__(self, places: int = LONG_PLACES) -> None:
        self._free = places
        self._known: set[UUID] = set()
        """Those that were found to be long and had to go: they need no second look."""

    def require_if_long(self, recording_id: UUID) -> None:
        """Raise NoLongPlaceError for one that is known to be long, while there is no place."""
        if recording_id in self._known and not self._free:
            raise NoLongPlaceError

    @contextmanager
    def place_for(self, recording_id: UUID, duration_ms: int) -> Iterator[None]:
        """Hold a place while the block runs, if it is long. Raises NoLongPlaceError without one."""
        if duration_ms <= SOON_MS:
            yield
            return
        self._known.add(recording_id)
        self.require_if_long(recording_id)
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1
            self._known.discard(recording_id)
