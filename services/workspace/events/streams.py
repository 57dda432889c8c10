"""How many event streams each person has open here: every one holds a connection and a reader."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from shared.errors import TooMuchError

STREAMS_PER_PERSON: Final = 20
RETRY_AFTER_S: Final = 30.0


class TooManyStreamsError(TooMuchError):
    """You follow events in too many places at once. Close some of them."""

    code = "too-many-event-streams"


class OpenStreams:
    """Counts the streams of this process."""

    def __init__(self) -> None:
        self._open: Counter[UUID] = Counter()

    @contextmanager
    def one_more(self, person_id: UUID) -> Iterator[None]:
        """Count a stream while it is open; raise TooManyStreamsError if it is one too many."""
        if self._open[person_id] >= STREAMS_PER_PERSON:
            raise TooManyStreamsError(retry_after_s=RETRY_AFTER_S)
        self._open[person_id] += 1
        try:
            yield
        finally:
            self._open[person_id] -= 1
            if not self._open[person_id]:
                del self._open[person_id]
