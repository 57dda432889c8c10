"""What the bus promises, whatever dies in between. A body inherits `BusSuite`, bringing servers."""

import asyncio
import contextlib
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from nats.aio.client import Client

from shared import telemetry
from shared.bus import Bus, Delivery, Relay, Runner, enqueue
from shared.bus import relay as relays
from shared.bus.dead import DeadLetter, NoSuchDeadLetterError, list_dead, replay_dead, show_dead
from shared.bus.delivery import Handler
from shared.bus.inbox import Inbox
from shared.bus.outbox import NotTheProducerError
from shared.clock import SystemClock
from shared.contracts import envelope, registry
from shared.contracts import messages as m
from shared.db import Database
from shared.db import database as databases
from shared.errors import (
    ConflictError,
    InvalidError,
    MissingError,
    TooMuchError,
    UnavailableError,
)
from shared.ids import new_id
from shared.testing.streams import fresh_streams
from shared.testing.waiting import until

CLOCK = SystemClock()
FORGET = "summary-forget"
"""A consumer of one fact, quick to give up here."""
RECOGNISE = "transcription-recognise"
EFFECT = "INSERT INTO inbox (consumer, message_id, first_seen_at) VALUES ('effect', $1, now())"
DIED_BEFORE = (
    "INSERT INTO inbox (consumer, message_id, attempts, first_seen_at) VALUES ($1, $2, 2, $3)"
)
COUNT_EFFECTS = "SELECT count(*) FROM inbox WHERE consumer = 'effect'"
QUICK: Mapping[str, Any] = {
    "ack_wait_s": 1.0,
    "max_attempts": 3,
    "retry_base_s": 0.05,
    "retry_cap_s": 0.4,
    "deadline_s": 5.0,
}


def hasten(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Let every consumer of the registry retry and give up sooner."""
    quick = tuple(replace(consumer, **{**QUICK, **changes}) for consumer in registry.CONSUMERS)
    monkeypatch.setattr(registry, "CONSUMERS", quick)
    by_durable = {consumer.durable: consumer for consumer in quick}
    monkeypatch.setattr(registry, "CONSUMER_BY_DURABLE", by_durable)


@dataclass
class BusHouse:
    """Real servers with empty streams, and hands to hurt them."""

    admin: Bus
    connect: Callable[[str], Awaitable[Bus]]
    database_for: Callable[[str], Awaitable[Database]]
    kill_bus: Callable[[], None]
    start_bus: Callable[[], None]
    kill_database: Callable[[], None]
    start_database: Callable[[], None]
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def empty_streams(self) -> None:
        """Begin with fresh streams."""
        await fresh_streams(self.admin)

    async def say(self, service: str, *messages: m.Message, **options: Any) -> list[UUID]:
        """Commit messages to the outbox of their producer."""
        database = await self.database_for(service)
        async with database.transaction() as tx:
            return [await enqueue(tx, said, clock=CLOCK, **options) for said in messages]

    async def relay(self, service: str) -> asyncio.Task[None]:
        """Start a relay."""
        relay = Relay(await self.connect(service), await self.database_for(service), CLOCK)
        return self.keep(asyncio.create_task(relay.run()))

    async def listen(
        self, durable: str, handler: Handler, *, grace_s: float = 5.0
    ) -> asyncio.Task[None]:
        """Start a runner with one handler for all messages of a durable."""
        runner = await self._runner(durable, grace_s)
        consumer = registry.CONSUMER_BY_DURABLE[durable]
        runner.on(durable, dict.fromkeys(consumer.messages, handler))
        return self.keep(asyncio.create_task(runner.run()))

    async def listen_together(
        self,
        durable: str,
        handler: Callable[[Sequence[tuple[Any, Delivery]]], Awaitable[Sequence[Exception | None]]],
        *,
        max_batch: int = 8,
        linger_s: float = 0.2,
    ) -> asyncio.Task[None]:
        """Start a runner that takes several messages at once."""
        runner = await self._runner(durable, 5.0)
        runner.on_batch(durable, lambda batch, _: handler(batch), max_batch, linger_s)
        return self.keep(asyncio.create_task(runner.run()))

    async def rows(self, durable: str) -> list[Any]:
        """Return the inbox rows of a durable."""
        database = await self.database_for(registry.CONSUMER_BY_DURABLE[durable].service)
        return await database.fetch("SELECT * FROM inbox WHERE consumer = $1", durable)

    async def stored(self, stream: str) -> int:
        """Return how many messages a stream holds."""
        info = await self.admin.jetstream.stream_info(stream)
        return int(info.state.messages)

    async def pending(self, durable: str) -> int:
        """Return how many messages the durable has not answered for good."""
        consumer = registry.CONSUMER_BY_DURABLE[durable]
        info = await self.admin.jetstream.consumer_info(consumer.stream, durable)
        return int(info.num_pending or 0) + int(info.num_ack_pending or 0)

    async def settled(self, durable: str) -> None:
        """Wait until the durable has answered everything."""

        async def nothing_pending() -> bool:
            return await self.pending(durable) == 0

        await until(nothing_pending)

    async def letters(self, count: int = 1) -> list[DeadLetter]:
        """Wait for so many dead letters."""

        async def enough() -> list[DeadLetter]:
            letters = await list_dead(self.admin)
            return letters if len(letters) >= count else []

        found: list[DeadLetter] = await until(enough)
        return found

    def keep(self, task: asyncio.Task[None]) -> asyncio.Task[None]:
        """Remember a task so that it ends with the test."""
        self.tasks.append(task)
        return task

    async def stop(self) -> None:
        """End all relays and runners."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _runner(self, durable: str, grace_s: float) -> Runner:
        service = registry.CONSUMER_BY_DURABLE[durable].service
        return Runner(
            await self.connect(service), await self.database_for(service), CLOCK, grace_s=grace_s
        )


class Ear:
    """A handler that remembers; told to, it fails before or inside its effect."""

    def __init__(self, *failures: Exception | None) -> None:
        self.heard: list[m.UpdateRemoved] = []
        self.attempts: list[int] = []
        self.times_s: list[float] = []
        self._failures = list(failures)

    async def __call__(self, message: m.UpdateRemoved, delivery: Delivery) -> None:
        self.attempts.append(delivery.attempt)
        self.times_s.append(asyncio.get_running_loop().time())
        async with delivery.effect():
            failure = self._failures.pop(0) if self._failures else None
            if failure is not None:
                raise failure
            self.heard.append(message)


def removal() -> m.UpdateRemoved:
    """Make a fact."""
    return m.UpdateRemoved(team_id=uuid4(), thread_id=uuid4(), update_id=uuid4())


def request(index: int = 0) -> m.TranscriptionRequest:
    """Make a wish."""
    return m.TranscriptionRequest(
        team_id=uuid4(),
        recording_id=uuid4(),
        chunk_id=uuid4(),
        chunk_index=index,
        key=f"chunks/{index}",
        start_ms=0,
        end_ms=1,
    )


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class BusSuite(ABC):
    """The promises of `shared.bus`, one test each."""

    @pytest.fixture
    @abstractmethod
    def house(self) -> AsyncIterator[BusHouse]:
        """Give servers with empty streams and quick consumers."""

    # --- saying ------------------------------------------------------------------------------

    async def test_a_committed_message_is_heard_once_with_its_data(self, house: BusHouse) -> None:
        ear, said = Ear(), removal()
        await house.relay("workspace")
        await house.listen(FORGET, ear)
        await house.say("workspace", said)
        await until(lambda: ear.heard)
        await house.settled(FORGET)
        assert ear.heard == [said]
        assert [row["handled_at"] is not None for row in await house.rows(FORGET)] == [True]

    async def test_a_rolled_back_message_is_never_said(self, house: BusHouse) -> None:
        database = await house.database_for("workspace")
        with contextlib.suppress(InvalidError):
            async with database.transaction() as tx:
                await enqueue(tx, removal(), clock=CLOCK)
                raise InvalidError
        await house.relay("workspace")
        kept = removal()
        await house.say("workspace", kept)
        await until(lambda: house.stored(registry.FACTS_STREAM))
        stored = await house.admin.jetstream.get_msg(registry.FACTS_STREAM, 1)
        assert envelope.unpack(stored.data or b"")[1] == kept

    async def test_only_its_producer_can_say_a_message(self, house: BusHouse) -> None:
        with pytest.raises(NotTheProducerError):
            await house.say("summary", removal())
        database = await house.database_for("summary")
        assert await database.fetchval("SELECT count(*) FROM outbox") == 0

    async def test_a_trace_goes_on_where_the_message_is_heard(self, house: BusHouse) -> None:
        traces: list[str | None] = []

        async def handler(_: m.UpdateRemoved, __: Delivery) -> None:
            traces.append(telemetry.traceparent())

        await house.relay("workspace")
        await house.listen(FORGET, handler)
        with telemetry.continued(None, "a request"):
            began = telemetry.traceparent()
            await house.say("workspace", removal())
        await until(lambda: traces)
        assert began is not None
        assert [trace and trace.split("-")[1] for trace in traces] == [began.split("-")[1]]

    async def test_what_was_published_long_ago_is_forgotten_and_what_waits_is_not(
        self, house: BusHouse
    ) -> None:
        database = await house.database_for("workspace")
        await house.say("workspace", removal())
        first = await house.relay("workspace")
        await until(lambda: database.fetchval("SELECT true FROM outbox WHERE published_at < now()"))
        await _stop(first)
        await house.say("workspace", removal())
        await database.execute(
            "UPDATE outbox SET created_at = created_at - interval '99 days',"
            " published_at = published_at - interval '31 days'"
        )
        await house.relay("workspace")

        async def one_left() -> bool:
            return bool(await database.fetchval("SELECT count(*) FROM outbox") == 1)

        await until(one_left)
        assert await house.stored(registry.FACTS_STREAM) == 2

    async def test_the_same_message_id_is_said_once(self, house: BusHouse) -> None:
        message_id, said = new_id(CLOCK), removal()
        await house.say("workspace", said, message_id=message_id)
        await house.say("workspace", said, message_id=message_id)
        await house.relay("workspace")
        await house.say("workspace", removal())
        await until(lambda: self._has_stored(house, 2))

    async def test_messages_are_said_in_the_order_of_their_rows(self, house: BusHouse) -> None:
        ids = await house.say("workspace", *(removal() for _ in range(120)))
        for _ in range(2):
            await house.relay("workspace")
        await until(lambda: self._has_stored(house, 120))
        stored = [
            await house.admin.jetstream.get_msg(registry.FACTS_STREAM, n + 1) for n in range(120)
        ]
        assert [envelope.open_envelope(one.data or b"").id for one in stored] == ids

    async def test_a_process_that_died_before_publishing_publishes_after_its_restart(
        self, house: BusHouse
    ) -> None:
        await house.say("workspace", removal())
        assert await house.stored(registry.FACTS_STREAM) == 0
        await house.relay("workspace")
        await until(lambda: self._has_stored(house, 1))

    async def test_a_process_that_died_between_publishing_and_marking_doubles_nothing(
        self, house: BusHouse
    ) -> None:
        await house.say("workspace", removal())
        first = await house.relay("workspace")
        await until(lambda: self._has_stored(house, 1))
        await _stop(first)
        database = await house.database_for("workspace")
        await database.execute("UPDATE outbox SET published_at = NULL")
        await house.relay("workspace")
        await until(
            lambda: database.fetchval("SELECT count(*) FROM outbox WHERE published_at IS NOT NULL")
        )
        assert await house.stored(registry.FACTS_STREAM) == 1

    # --- hearing once ------------------------------------------------------------------------

    async def test_a_message_delivered_twice_has_one_effect(self, house: BusHouse) -> None:
        ear, message_id = Ear(), new_id(CLOCK)
        await house.listen(FORGET, ear)
        for copy in ("first", "second"):
            await self._publish(house, removal(), message_id=message_id, copy=copy)
        await house.settled(FORGET)
        assert await house.stored(registry.FACTS_STREAM) == 2
        assert len(ear.heard) == 1

    async def test_a_crash_inside_the_effect_is_rolled_back_and_done_again(
        self, house: BusHouse
    ) -> None:
        database = await house.database_for("summary")
        attempts: list[int] = []

        async def handler(message: m.UpdateRemoved, delivery: Delivery) -> None:
            attempts.append(delivery.attempt)
            async with delivery.effect() as tx:
                await tx.execute(EFFECT, uuid4())
                if len(attempts) == 1:
                    raise RuntimeError(message.update_id)

        await house.listen(FORGET, handler)
        await self._publish(house, removal())
        await until(lambda: len(attempts) > 1)
        await house.settled(FORGET)
        assert attempts == [1, 2]
        assert await database.fetchval(COUNT_EFFECTS) == 1

    async def test_a_message_nobody_answered_is_delivered_again(self, house: BusHouse) -> None:
        await self._publish(house, removal())
        silent = await house.admin.jetstream.pull_subscribe_bind(FORGET, registry.FACTS_STREAM)
        assert len(await silent.fetch(1)) == 1
        ear = Ear()
        await house.listen(FORGET, ear)
        await until(lambda: ear.heard)

    async def test_a_message_that_took_its_process_down_each_time_is_put_aside(
        self, house: BusHouse
    ) -> None:
        database, message_id = await house.database_for("summary"), new_id(CLOCK)
        await database.execute(
            "INSERT INTO inbox (consumer, message_id, attempts, first_seen_at)"
            " VALUES ($1, $2, 3, now())",
            FORGET,
            message_id,
        )
        ear = Ear()
        await house.listen(FORGET, ear)
        await self._publish(house, removal(), message_id=message_id)
        (letter,) = await house.letters()
        assert (letter.code, letter.attempts, ear.attempts) == ("attempts-exhausted", 3, [])

    # --- outcomes ----------------------------------------------------------------------------

    async def test_what_cannot_be_read_is_put_aside_and_the_queue_goes_on(
        self, house: BusHouse
    ) -> None:
        ear, good = Ear(), removal()
        await house.listen(FORGET, ear)
        subject = registry.BY_MESSAGE[m.UpdateRemoved].subject(uuid4())
        whole = json.loads(envelope.pack(removal(), message_id=uuid4(), time=CLOCK.now()))
        broken = (
            b"{not json",
            json.dumps({**whole, "type": "tidings.update.removed.v9"}).encode(),
            json.dumps({**whole, "data": {"team_id": "no id"}}).encode(),
            json.dumps({**whole, "type": "tidings.team.founded.v1", "data": _team()}).encode(),
        )
        for number, payload in enumerate(broken):
            await house.admin.publish(subject, payload, message_id=f"broken {number}")
        await self._publish(house, good)
        await until(lambda: ear.heard)
        await house.settled(FORGET)
        letters = await house.letters(len(broken))
        assert sorted(letter.code for letter in letters) == [
            "message-unhandled",
            "message-unknown",
            "message-unreadable",
            "message-unreadable",
        ]
        assert {payload for seq in letters for payload in [await _payload(house, seq)]} == set(
            broken
        )
        assert ear.heard == [good]

    async def test_a_handler_that_always_fails_ends_in_a_dead_letter(self, house: BusHouse) -> None:
        ear = Ear(*(RuntimeError("spoken words") for _ in range(9)))
        await house.listen(FORGET, ear)
        await self._publish(house, removal())
        (letter,) = await house.letters()
        await house.settled(FORGET)
        assert ear.attempts == [1, 2, 3]
        assert (letter.code, letter.detail, letter.attempts) == ("internal", "RuntimeError", 3)

    async def test_who_waits_for_a_message_that_was_given_up_can_see_it_until_its_replay(
        self, house: BusHouse
    ) -> None:
        ear, unreadable = Ear(*[RuntimeError()] * 3), uuid4()
        await house.listen(FORGET, ear)
        whole = json.loads(envelope.pack(removal(), message_id=unreadable, time=CLOCK.now()))
        payload = json.dumps({**whole, "data": {"team_id": "no id"}}).encode()
        subject = registry.BY_MESSAGE[m.UpdateRemoved].subject(uuid4())
        await house.admin.publish(subject, payload, message_id=str(unreadable))
        await self._publish(house, removal())
        letters = await house.letters(2)
        await house.settled(FORGET)
        rows = await house.rows(FORGET)
        assert len(rows) == 2
        assert all(row["buried_at"] is not None and row["handled_at"] is None for row in rows)
        (internal,) = (letter for letter in letters if letter.code == "internal")
        await replay_dead(house.admin, internal.seq)
        await until(lambda: ear.heard)
        await house.settled(FORGET)
        given_up = [r["message_id"] for r in await house.rows(FORGET) if r["buried_at"]]
        assert given_up == [unreadable]

    async def test_a_message_given_up_while_the_database_goes_away_is_marked_later(
        self, house: BusHouse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mark, tries = Inbox.mark_buried, 0

        async def mark_at_second_try(inbox: Inbox, message_id: UUID) -> None:
            nonlocal tries
            tries += 1
            if tries == 1:
                raise UnavailableError
            await mark(inbox, message_id)

        monkeypatch.setattr(Inbox, "mark_buried", mark_at_second_try)
        await house.listen(FORGET, Ear(*[InvalidError("Bad.")] * 9))
        await self._publish(house, removal())
        await house.letters()
        await until(lambda: tries == 2)
        await house.settled(FORGET)
        assert [row["buried_at"] is not None for row in await house.rows(FORGET)] == [True]
        assert await house.stored(registry.DEAD_STREAM) == 1

    @pytest.mark.parametrize(
        ("failure", "attempts", "is_dead"),
        [
            (InvalidError("Bad."), 1, True),
            (ConflictError(), 1, False),
            (MissingError(), 3, True),
        ],
        ids=["invalid", "conflict", "missing"],
    )
    async def test_the_kind_of_error_decides(
        self, house: BusHouse, failure: Exception, attempts: int, *, is_dead: bool
    ) -> None:
        ear = Ear(*[failure] * 9)
        await house.listen(FORGET, ear)
        await self._publish(house, removal())
        await until(lambda: len(ear.attempts) >= attempts)
        await house.settled(FORGET)
        assert len(ear.attempts) == attempts
        assert await house.stored(registry.DEAD_STREAM) == int(is_dead)

    async def test_what_is_needed_may_stay_away_longer_than_attempts_last(
        self, house: BusHouse
    ) -> None:
        ear = Ear(*(UnavailableError(retry_after_s=0.01) for _ in range(5)))
        await house.listen(FORGET, ear)
        await self._publish(house, removal())
        await until(lambda: ear.heard)
        assert ear.attempts == [1] * 6
        assert await house.stored(registry.DEAD_STREAM) == 0

    async def test_delays_between_attempts_grow(
        self, house: BusHouse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hasten(monkeypatch, retry_base_s=0.2, retry_cap_s=2.0)
        ear = Ear(*(UnavailableError(retry_after_s=0.01) for _ in range(3)))
        await house.listen(FORGET, ear)
        await self._publish(house, removal())
        await until(lambda: ear.heard)
        first, second, third = (b - a for a, b in zip(ear.times_s, ear.times_s[1:], strict=False))
        assert 0.15 <= first < second < third

    async def test_a_wanted_delay_is_honoured(self, house: BusHouse) -> None:
        ear = Ear(TooMuchError(retry_after_s=0.7))
        await house.listen(FORGET, ear)
        await self._publish(house, removal())
        await until(lambda: ear.heard)
        assert ear.times_s[1] - ear.times_s[0] >= 0.65

    # --- long work and stopping --------------------------------------------------------------

    async def test_heartbeats_keep_long_work_from_being_given_to_another(
        self, house: BusHouse
    ) -> None:
        done: list[int] = []

        async def handler(_: m.UpdateRemoved, delivery: Delivery) -> None:
            await asyncio.sleep(2.5)  # two and a half times the ack wait
            async with delivery.effect():
                done.append(delivery.attempt)

        for _ in range(2):
            await house.listen(FORGET, handler)
        await self._publish(house, removal())
        await until(lambda: done)
        await house.settled(FORGET)
        (row,) = await house.rows(FORGET)
        assert (done, row["attempts"]) == ([1], 1)

    async def test_work_past_its_deadline_has_failed(
        self, house: BusHouse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hasten(monkeypatch, deadline_s=0.2)
        attempts: list[int] = []

        async def handler(_: m.UpdateRemoved, delivery: Delivery) -> None:
            attempts.append(delivery.attempt)
            await asyncio.sleep(60 if len(attempts) == 1 else 0)

        await house.listen(FORGET, handler)
        await self._publish(house, removal())
        await until(lambda: len(attempts) > 1)
        await house.settled(FORGET)
        assert attempts == [1, 2]

    async def test_stopping_lets_running_work_finish(self, house: BusHouse) -> None:
        started, ear = asyncio.Event(), Ear()

        async def handler(message: m.UpdateRemoved, delivery: Delivery) -> None:
            started.set()
            await asyncio.sleep(0.4)
            await ear(message, delivery)

        running = await house.listen(FORGET, handler)
        await self._publish(house, removal())
        await started.wait()
        await _stop(running)
        assert len(ear.heard) == 1
        await house.settled(FORGET)

    async def test_work_that_stopping_cut_short_is_not_counted_and_goes_to_the_next(
        self, house: BusHouse
    ) -> None:
        started = asyncio.Event()

        async def endless(_: m.UpdateRemoved, __: Delivery) -> None:
            started.set()
            await asyncio.sleep(60)

        running = await house.listen(FORGET, endless, grace_s=0.1)
        await self._publish(house, removal())
        await started.wait()
        await _stop(running)
        ear = Ear()
        await house.listen(FORGET, ear)
        await until(lambda: ear.heard, timeout_s=0.9)  # sooner than the ack wait
        assert ear.attempts == [1]

    # --- several at once ---------------------------------------------------------------------

    async def test_a_batch_is_answered_message_by_message(self, house: BusHouse) -> None:
        batches: list[list[int]] = []

        async def handler(
            batch: Sequence[tuple[m.TranscriptionRequest, Delivery]],
        ) -> list[Exception | None]:
            batches.append([message.chunk_index for message, _ in batch])
            return [
                InvalidError("Not sound.") if message.chunk_index == 2 else None
                for message, _ in batch
            ]

        await house.say("transcription", *(request(n) for n in range(4)))
        await house.relay("transcription")
        await until(lambda: self._has_stored(house, 4, registry.WISHES_STREAM))
        await house.listen_together(RECOGNISE, handler)
        (letter,) = await house.letters()
        await house.settled(RECOGNISE)
        assert batches == [[0, 1, 2, 3]]
        assert letter.code == "invalid"
        assert await house.stored(registry.WISHES_STREAM) == 0

    async def test_a_suspect_is_tried_alone(self, house: BusHouse) -> None:
        batches: list[list[int]] = []

        async def handler(
            batch: Sequence[tuple[m.TranscriptionRequest, Delivery]],
        ) -> list[Exception | None]:
            indexes = [message.chunk_index for message, _ in batch]
            batches.append(indexes)
            if 1 in indexes:
                raise RuntimeError
            return [None] * len(batch)

        await house.say("transcription", *(request(n) for n in range(3)))
        await house.relay("transcription")
        await until(lambda: self._has_stored(house, 3, registry.WISHES_STREAM))
        await house.listen_together(RECOGNISE, handler, linger_s=0.5)
        await house.letters()
        await house.settled(RECOGNISE)
        assert [1] in batches
        assert len(await house.letters()) == 1

    async def test_what_came_with_a_suspect_does_not_die_with_it(self, house: BusHouse) -> None:
        """Whatever was in every batch with a message that kills was buried together with it."""
        at_suspect = asyncio.Event()
        others: list[int] = []

        async def handler(
            batch: Sequence[tuple[m.TranscriptionRequest, Delivery]],
        ) -> list[Exception | None]:
            indexes = [message.chunk_index for message, _ in batch]
            if 0 in indexes:
                assert indexes == [0]
                at_suspect.set()
                await asyncio.Event().wait()
            others.extend(indexes)
            return [None] * len(batch)

        database = await house.database_for("transcription")
        for message_id in await house.say("transcription", *(request(n) for n in range(3))):
            await database.execute(DIED_BEFORE, RECOGNISE, message_id, CLOCK.now())
        await house.relay("transcription")
        await until(lambda: self._has_stored(house, 3, registry.WISHES_STREAM))
        await house.listen_together(RECOGNISE, handler, linger_s=0.5)
        await at_suspect.wait()
        assert sorted(row["attempts"] for row in await house.rows(RECOGNISE)) == [2, 2, 3]
        await house.listen_together(RECOGNISE, handler)
        await until(lambda: sorted(others) == [1, 2], timeout_s=5)

    async def test_who_is_busy_leaves_messages_to_who_is_not(self, house: BusHouse) -> None:
        """Room left in a batch was still asked for: a message could lie there until it ended."""
        taken: list[tuple[str, int]] = []

        def handler(name: str) -> Any:
            async def take(
                batch: Sequence[tuple[m.TranscriptionRequest, Delivery]],
            ) -> list[Exception | None]:
                taken.extend((name, message.chunk_index) for message, _ in batch)
                await asyncio.Event().wait()
                return [None] * len(batch)

            return take

        await house.relay("transcription")
        await house.listen_together(RECOGNISE, handler("busy"), linger_s=0.05)
        await house.say("transcription", request(0))
        await until(lambda: taken)
        await house.listen_together(RECOGNISE, handler("idle"), linger_s=0.05)
        await asyncio.sleep(0.2)
        await house.say("transcription", request(1))
        await until(lambda: len(taken) == 2, timeout_s=0.8)  # sooner than the ack wait
        assert taken == [("busy", 0), ("idle", 1)]

    # --- servers that die --------------------------------------------------------------------

    async def test_a_killed_bus_costs_time_only(self, house: BusHouse) -> None:
        ear = Ear()
        await house.relay("workspace")
        await house.listen(FORGET, ear)
        await house.say("workspace", removal())
        await until(lambda: ear.heard)
        house.kill_bus()
        await house.say("workspace", *(removal() for _ in range(5)))
        await asyncio.sleep(0.3)
        house.start_bus()
        await until(lambda: len(ear.heard) == 6)
        await house.settled(FORGET)
        assert set(ear.attempts) == {1}

    async def test_a_slow_bus_delays_a_relay_and_does_not_stop_it(
        self, house: BusHouse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A batch took longer than a transaction may stay idle: it was said again, for ever."""
        publish = Bus.publish

        async def publish_slowly(bus: Bus, *given: Any, **options: Any) -> int:
            await asyncio.sleep(0.3)
            return await publish(bus, *given, **options)

        monkeypatch.setattr(Bus, "publish", publish_slowly)
        monkeypatch.setattr(relays, "TURN_S", 0.5)
        monkeypatch.setattr(databases, "STATEMENT_TIMEOUT_S", 1.0)
        database = await house.database_for("workspace")
        await house.say("workspace", *(removal() for _ in range(8)))

        async def all_said() -> bool:
            return not await database.fetchval(
                "SELECT count(*) FROM outbox WHERE published_at IS NULL"
            )

        await house.relay("workspace")
        await until(all_said, timeout_s=15)

    async def test_a_connection_that_ends_at_its_last_step_is_made_anew(
        self, house: BusHouse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It was taken for a good one, and nobody ever tried again: no call went through."""
        flush, ended = Client.flush, False

        async def flush_and_end(client: Client, timeout: int = 10) -> None:  # noqa: ASYNC109
            nonlocal ended
            await flush(client, timeout)
            if not ended:
                ended = True
                await client.close()

        monkeypatch.setattr(Client, "flush", flush_and_end)
        bus = await house.connect("summary")
        assert bus.is_healthy
        assert bus.client.is_connected

    async def test_a_killed_database_costs_time_and_no_attempts(self, house: BusHouse) -> None:
        ear = Ear()
        await house.relay("workspace")
        await house.listen(FORGET, ear)
        await house.say("workspace", removal())
        await until(lambda: ear.heard)
        house.kill_database()
        for _ in range(3):
            await self._publish(house, removal())
        await asyncio.sleep(0.5)
        house.start_database()
        await house.say("workspace", removal())
        await until(lambda: len(ear.heard) == 5, timeout_s=20)
        assert await house.stored(registry.DEAD_STREAM) == 0

    async def test_random_kills_lose_nothing_and_double_nothing(self, house: BusHouse) -> None:
        database = await house.database_for("summary")

        async def handler(_: m.UpdateRemoved, delivery: Delivery) -> None:
            async with delivery.effect() as tx:
                await tx.execute(EFFECT, uuid4())

        async def everything_happened() -> bool:
            with contextlib.suppress(UnavailableError):
                return bool(await database.fetchval(COUNT_EFFECTS) >= said)
            return False

        await house.relay("workspace")
        await house.listen(FORGET, handler)
        for number in range(8):
            for _ in range(10):
                with contextlib.suppress(UnavailableError):
                    await house.say("workspace", removal())
            # Not all at once: the kill is to find messages at every step of their way.
            await asyncio.sleep(0.05 * number)
            (house.kill_bus, house.kill_database)[number % 2]()
            await asyncio.sleep(0.05 * (8 - number))
            (house.start_bus, house.start_database)[number % 2]()
        outbox = await house.database_for("workspace")
        said = await outbox.fetchval("SELECT count(*) FROM outbox")
        await until(everything_happened, timeout_s=30)
        await house.settled(FORGET)
        assert await database.fetchval(COUNT_EFFECTS) == said
        assert await house.stored(registry.DEAD_STREAM) == 0

    # --- dead letters ------------------------------------------------------------------------

    async def test_a_replayed_dead_letter_goes_to_the_one_consumer_that_gave_up(
        self, house: BusHouse
    ) -> None:
        failing, other, said = Ear(*[RuntimeError()] * 3), Ear(), removal()
        await house.listen(FORGET, failing)
        await house.listen("upload-forget", other)
        await self._publish(house, said)
        (letter,) = await house.letters()
        replayed = await replay_dead(house.admin, letter.seq)
        await until(lambda: failing.heard)
        await house.settled("upload-forget")
        assert replayed == letter
        assert (failing.heard, other.heard) == ([said], [said])
        assert failing.attempts == [1, 2, 3, 1]
        with pytest.raises(NoSuchDeadLetterError):
            await replay_dead(house.admin, letter.seq)

    async def _publish(
        self,
        house: BusHouse,
        message: m.Message,
        *,
        message_id: UUID | None = None,
        copy: str = "",
    ) -> None:
        """Put a message on the bus past the outbox."""
        message_id = message_id or uuid4()
        contract = registry.BY_MESSAGE[type(message)]
        payload = envelope.pack(message, message_id=message_id, time=CLOCK.now())
        await house.admin.publish(
            contract.subject(message.team_id), payload, message_id=f"{message_id}{copy}"
        )

    @staticmethod
    async def _has_stored(house: BusHouse, count: int, stream: str = registry.FACTS_STREAM) -> bool:
        return await house.stored(stream) == count


def _team() -> dict[str, str]:
    return {"team_id": str(uuid4()), "name": "Red"}


async def _payload(house: BusHouse, letter: DeadLetter) -> bytes:
    return (await show_dead(house.admin, letter.seq))[1]
