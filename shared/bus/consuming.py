"""One durable consumer's deliveries, from the wire to the answer: the only place that acknowledges.

Attempts are counted before the work. A message that can never be handled ends as a dead letter and
the queue goes on. An outage of the bus or the database costs time and no attempts.
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from nats.aio.msg import Msg

from shared import log, telemetry
from shared.bus.bus import Bus, BusUnavailableError, growing_delay
from shared.bus.dead import REPLAYED, bury
from shared.bus.delivery import Delivery
from shared.bus.inbox import Inbox
from shared.bus.outcome import Again, Bury, Done, Outcome, decide
from shared.clock import Clock
from shared.contracts import envelope
from shared.contracts.envelope import Envelope
from shared.contracts.messages import Message
from shared.contracts.registry import Consumer
from shared.db import Database
from shared.errors import InvalidError, TooMuchError, UnavailableError

ANSWER_TRIES: Final = 3


class UnhandledMessageError(InvalidError):
    """This consumer has no handler for this message."""

    code = "message-unhandled"


@dataclass(frozen=True, kw_only=True)
class Job:
    """A message ready to be handled."""

    raw: Msg
    message: Message
    envelope: Envelope
    delivery: Delivery

    def span(self) -> AbstractContextManager[object]:
        """Continue the trace of whoever caused the message."""
        traceparent = (self.raw.headers or {}).get("traceparent")
        return telemetry.continued(traceparent, f"handle {self.envelope.type}")


class Consuming:
    """One durable consumer at work."""

    def __init__(self, bus: Bus, database: Database, clock: Clock, consumer: Consumer) -> None:
        self.bus = bus
        self.consumer = consumer
        self.inbox = Inbox(database, clock, consumer.durable)
        self._database = database
        self._clock = clock
        self._database_there = asyncio.Event()
        self._database_there.set()
        self._answered: set[str] = set()

    async def database_answers(self) -> None:
        """Wait while the database is away: what is fetched meanwhile could only be given back."""
        attempt = 0
        while not self._database_there.is_set():
            attempt += 1
            try:
                await self._database.fetchval("SELECT 1")
            except UnavailableError:
                await asyncio.sleep(growing_delay(attempt, base_s=0.1, cap_s=2.0))
            else:
                self._database_there.set()

    async def prepare(self, raw: Msg) -> Job | None:
        """Decode and count; None where the message was answered already."""
        message_id: UUID | None = None
        try:
            opened = envelope.open_envelope(raw.data)
            message_id = opened.id
            opened, message = envelope.unpack(raw.data)
            if type(message) not in self.consumer.messages:
                raise UnhandledMessageError(type=opened.type)
        except InvalidError as exc:
            await self._carry_out(raw, Bury(exc.code, exc.detail), message_id, attempts=1)
            return None
        afresh = raw.metadata.num_delivered == 1 and REPLAYED in (raw.headers or {})
        try:
            attempt = await self.inbox.count(opened.id, afresh=afresh)
        except UnavailableError:
            self._database_there.clear()
            await self._carry_out(raw, Again(self.backoff_s(raw), counted=False), None, attempts=0)
            return None
        if attempt.handled:
            await self._carry_out(raw, Done(already=True), opened.id, attempts=attempt.number)
            return None
        if attempt.number > self.consumer.max_attempts:
            # The last try counted itself and then took the process down before it could say so.
            verdict = Bury("attempts-exhausted", "Every attempt ended without an answer.")
            await self._carry_out(raw, verdict, opened.id, attempts=attempt.number - 1)
            return None
        delivery = Delivery(
            consumer=self.consumer.durable,
            message_id=opened.id,
            subject=raw.subject,
            attempt=attempt.number,
            time=opened.time,
            _database=self._database,
            _clock=self._clock,
            _in_progress=partial(self.bus.answer, raw.reply, Msg.Ack.Progress),
        )
        return Job(raw=raw, message=message, envelope=opened, delivery=delivery)

    async def settle(self, job: Job, error: Exception | None) -> None:
        """Answer the server for one attempt."""
        message_id = job.delivery.message_id
        if error is None:
            try:
                await self.inbox.mark_handled(message_id)
            except UnavailableError as exc:
                error = exc
        outcome = decide(
            error,
            consumer=self.consumer,
            attempt=job.delivery.attempt,
            backoff_s=self.backoff_s(job.raw),
        )
        if error is not None and not isinstance(outcome, Done):
            await self._record(message_id, outcome, error)
        self._tell(job, outcome, error)
        await self._carry_out(job.raw, outcome, message_id, attempts=job.delivery.attempt)

    async def _record(self, message_id: UUID, outcome: Outcome, error: Exception) -> None:
        """Write down why it failed, and take the attempt back where it does not count."""
        if not isinstance(outcome, Again) or outcome.counted:
            await self.inbox.note(message_id, log.describe(error))
        elif not await self.inbox.uncount(message_id, log.describe(error)):
            self._database_there.clear()

    async def interrupt(self, raw: Msg, job: Job | None) -> None:
        """Give back what stopping cut short; it does not count."""
        if raw.reply in self._answered:
            return
        if job is not None:
            await self.inbox.uncount(job.delivery.message_id, "interrupted")
        await self.give_back(raw)

    async def put_back(self, job: Job) -> None:
        """Let another have a job that was not begun, at once; its attempt does not count."""
        await self.inbox.uncount(job.delivery.message_id, "put back")
        with suppress(BusUnavailableError):
            await self._answer(job.raw, Msg.Ack.Nak)

    async def give_back(self, raw: Msg, delay_s: float = 0.0) -> None:
        """Let another replica have it, at once or after ``delay_s``."""
        with suppress(BusUnavailableError):
            await self.bus.answer(raw.reply, _nak(delay_s))

    def forget(self, raw: Msg) -> None:
        """Leave a delivery behind."""
        self._answered.discard(raw.reply)

    async def keep_alive(self, jobs: Sequence[Job]) -> None:
        """Tell the server every third of the ack wait that these are being worked on."""
        while True:
            await asyncio.sleep(self.consumer.ack_wait_s / 3)
            for job in jobs:
                # While the bus is away there is nobody to tell; it redelivers if this lasts.
                with suppress(BusUnavailableError):
                    await job.delivery.heartbeat()

    def backoff_s(self, raw: Msg) -> float:
        """Return the delay before the next delivery, growing with every one."""
        return growing_delay(
            raw.metadata.num_delivered,
            base_s=self.consumer.retry_base_s,
            cap_s=self.consumer.retry_cap_s,
        )

    async def _carry_out(
        self, raw: Msg, outcome: Outcome, message_id: UUID | None, *, attempts: int
    ) -> None:
        telemetry.metrics.bus_handled.labels(
            self.consumer.durable, type(outcome).__name__.lower()
        ).inc()
        for _ in range(ANSWER_TRIES):
            try:
                match outcome:
                    case Done():
                        await self._answer(raw, Msg.Ack.Ack, confirmed=self.consumer.confirms)
                    case Again(delay_s):
                        # A nak without delay redelivers at once and skips the server's back-off.
                        await self._answer(raw, _nak(delay_s))
                    case Bury():
                        await self._bury(raw, outcome, message_id, attempts)
            except BusUnavailableError:
                await self.bus.until_back()
            else:
                return
        # The server redelivers, and the inbox knows what was done.
        log.get().warning("answer lost", consumer=self.consumer.durable)

    async def _answer(self, raw: Msg, payload: bytes, *, confirmed: bool = False) -> None:
        await self.bus.answer(raw.reply, payload, confirmed=confirmed)
        self._answered.add(raw.reply)

    async def _bury(self, raw: Msg, verdict: Bury, message_id: UUID | None, attempts: int) -> None:
        await bury(
            self.bus,
            raw,
            consumer=self.consumer,
            verdict=verdict,
            attempts=attempts,
            message_id=message_id,
            now=self._clock.now(),
        )
        if message_id is not None:
            try:
                await self.inbox.mark_buried(message_id)
            except UnavailableError:
                # Unmarked, those who wait for it would wait for ever. The letter is not doubled.
                self._database_there.clear()
                await self._answer(raw, _nak(self.backoff_s(raw)))
                return
        telemetry.metrics.bus_dead.labels(self.consumer.durable).inc()
        log.get().error(
            "message buried",
            consumer=self.consumer.durable,
            message_id=message_id,
            code=verdict.code,
            attempts=attempts,
        )
        await self._answer(raw, Msg.Ack.Term)

    def _tell(self, job: Job, outcome: Outcome, error: Exception | None) -> None:
        logger = log.get().bind(
            consumer=self.consumer.durable,
            type=job.envelope.type,
            message_id=job.delivery.message_id,
            attempt=job.delivery.attempt,
            outcome=type(outcome).__name__.lower(),
        )
        match outcome:
            case Done():
                logger.info("message handled")
            case Again(delay_s) if isinstance(error, TooMuchError):
                # Nothing is wrong: its turn comes.
                logger.info("message waits", delay_s=round(delay_s, 3), code=error.code)
            case Again(delay_s):
                logger.warning("message will be retried", delay_s=round(delay_s, 3), exc_info=error)
            case Bury():
                logger.error("message failed for good", exc_info=error)


def _nak(delay_s: float) -> bytes:
    """Return the answer that asks for redelivery after ``delay_s``."""
    if delay_s <= 0:
        return Msg.Ack.Nak
    return Msg.Ack.Nak + b" " + json.dumps({"delay": int(delay_s * 1e9)}).encode()
