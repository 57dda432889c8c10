"""Counts attempts in our own row, before the work: the server's count has surprised people."""

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from shared import log
from shared.bus.sql import QUERIES
from shared.clock import Clock
from shared.db import Database
from shared.errors import UnavailableError


@dataclass(frozen=True)
class Attempt:
    """What the row says."""

    number: int
    handled: bool


class Inbox:
    """The rows ``(consumer, message id)`` of one consumer."""

    def __init__(self, database: Database, clock: Clock, consumer: str) -> None:
        self._database = database
        self._clock = clock
        self._consumer = consumer
        # Attempts to take back that could not be written while the database was away.
        self._owed: Counter[UUID] = Counter()

    async def count(self, message_id: UUID, *, afresh: bool = False) -> Attempt:
        """Count one more attempt; ``afresh`` forgets earlier ones, as a replay wants."""
        owed = self._owed[message_id]
        row = await self._database.fetchrow(
            QUERIES["count_attempt"], self._consumer, message_id, self._clock.now(), owed, afresh
        )
        self._owed.pop(message_id, None)
        if row is None:
            raise UnavailableError
        return Attempt(number=row["attempts"], handled=row["handled"])

    async def uncount(self, message_id: UUID, reason: str) -> bool:
        """Take the last attempt back; False, and later, if the database is away."""
        try:
            await self._database.execute(
                QUERIES["uncount_attempt"], self._consumer, message_id, reason
            )
        except UnavailableError:
            self._owed[message_id] += 1
            return False
        return True

    async def note(self, message_id: UUID, reason: str) -> None:
        """Keep why an attempt failed, for whoever looks; without a database the log has to do."""
        try:
            await self._database.execute(
                QUERIES["note_failure"], self._consumer, message_id, reason
            )
        except UnavailableError:
            log.get().info("inbox note lost", consumer=self._consumer)

    async def mark_handled(self, message_id: UUID) -> None:
        """Remember the message as handled, for handlers that have no transaction to bind it to."""
        await self._database.execute(
            QUERIES["mark_handled"], self._consumer, message_id, self._clock.now()
        )

    async def mark_buried(self, message_id: UUID) -> None:
        """Remember that the message was given up, for those who wait for what it asked."""
        await self._database.execute(
            QUERIES["mark_buried"], self._consumer, message_id, self._clock.now()
        )
