"""What a handler is given beside the message."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.bus.sql import QUERIES
from shared.clock import Clock
from shared.db import Connection, Database
from shared.errors import ConflictError


class AlreadyDoneError(ConflictError):
    """This message had its effect before."""

    code = "already-done"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One attempt at one message by one consumer."""

    consumer: str
    message_id: UUID
    subject: str
    attempt: int
    """Counts from 1; attempts that ended through no fault of the message are not counted."""
    time: datetime
    """When the message was made."""
    _database: Database = field(repr=False)
    _clock: Clock = field(repr=False)
    _in_progress: Callable[[], Awaitable[None]] = field(repr=False)

    async def heartbeat(self) -> None:
        """Tell the bus the work goes on. The runner does it too; this is for stricter moments."""
        await self._in_progress()

    @asynccontextmanager
    async def effect(self) -> AsyncIterator[Connection]:
        """Give the transaction of the effect; it records that the consumer handled this message.

        Raises AlreadyDoneError if it had: let it pass, the runner answers it. Two deliveries of one
        message at the same time wait for each other here.
        """
        async with self._database.transaction() as tx:
            first = await tx.fetchval(
                QUERIES["mark_handled"], self.consumer, self.message_id, self._clock.now()
            )
            if first is None:
                raise AlreadyDoneError(consumer=self.consumer, message_id=str(self.message_id))
            yield tx


Handler = Callable[[Any, Delivery], Awaitable[None]]
Release = Callable[[], None]
"""Called by a batch handler once the next batch may come, while it still settles this one."""
BatchHandler = Callable[
    [Sequence[tuple[Any, Delivery]], Release],
    Awaitable[Sequence[Exception | None]],
]
