"""Keeps long recordings from being cut far ahead of their recognition, a few of them at a time.

Cutting is a hundred times as fast as recognising. All of a backlog cut at once would take the cores
from what was sent just now, and fill the disk with samples that nobody needs for hours.
"""

import asyncio
from typing import Final
from uuid import UUID

from services.transcription import queue_store
from shared.db import Database
from shared.errors import ConflictError

AHEAD: Final = 64
"""While so many chunks wait for recognisers, no long recording adds to them."""
POLL_S: Final = 0.5


class NotYetError(ConflictError):
    """A long recording finds no place; it is followed once another long one is heard to its end."""

    code = "not-yet-followed"


class Pace:
    """The places for long recordings in one follower, and how fast they go."""

    def __init__(self, database: Database, *, places: int) -> None:
        self._database = database
        self._places = places
        self._inside: set[UUID] = set()

    @property
    def has_place(self) -> bool:
        """True while another long recording may be followed."""
        return len(self._inside) < self._places

    def enter(self, recording_id: UUID) -> None:
        """Give a place to a recording that is known to be long."""
        self._inside.add(recording_id)

    def leave(self, recording_id: UUID) -> None:
        """Take the place back, if it had one."""
        self._inside.discard(recording_id)

    async def keep(self, recording_id: UUID) -> None:
        """Return when the recording, a long one, may go on. Raises NotYetError without a place."""
        if recording_id not in self._inside:
            if not self.has_place:
                raise NotYetError
            self.enter(recording_id)
        while await queue_store.waiting(self._database, AHEAD) >= AHEAD:  # noqa: ASYNC110 - another process ends it
            await asyncio.sleep(POLL_S)
