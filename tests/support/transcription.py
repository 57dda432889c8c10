"""A transcription service on real servers, with a pretended upload service in front of it."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from nats.aio.msg import Msg

from services.transcription import app, consumer
from services.transcription.engine import Engine
from services.transcription.engine_room import EngineRoom
from services.transcription.second_engine import SecondEngine
from services.transcription.settings import Settings
from services.transcription.usecases.dispatch import Dispatcher, Fairness
from services.transcription.usecases.note import Notes
from shared.blobs import Blobs
from shared.bus import Bus, Relay, Runner, enqueue
from shared.clock import SystemClock
from shared.contracts import envelope
from shared.contracts import messages as m
from shared.contracts.transcript import Transcript
from shared.db import Database
from shared.ids import new_id
from shared.testing.waiting import until

CLOCK = SystemClock()


@dataclass(kw_only=True)
class Sent:
    """One recording on its way."""

    team_id: UUID = field(default_factory=lambda: new_id(CLOCK))
    thread_id: UUID = field(default_factory=lambda: new_id(CLOCK))
    update_id: UUID = field(default_factory=lambda: new_id(CLOCK))
    recording_id: UUID = field(default_factory=lambda: new_id(CLOCK))
    parts: int = 0
    offset: int = 0

    @property
    def places(self) -> dict[str, UUID]:
        return {
            "team_id": self.team_id,
            "thread_id": self.thread_id,
            "update_id": self.update_id,
            "recording_id": self.recording_id,
        }


@dataclass(kw_only=True)
class TranscriptionHouse:
    """Says what upload would say, runs followers and recognisers, and hears what they say."""

    connect: Callable[[str], Awaitable[Bus]]
    database_for: Callable[[str], Awaitable[Database]]
    blobs: Blobs
    settings: Settings
    facts: list[m.Message] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    executor: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    async def open(self) -> None:
        """Start the pretended upload service and listen to all facts."""
        admin = await self.connect("admin")
        await admin.jetstream.subscribe("tidings.fact.>", cb=self._hear, ordered_consumer=True)
        for service in ("upload", "workspace"):
            relay = Relay(await self.connect(service), await self.database_for(service), CLOCK)
            self.keep(relay.run())

    async def close(self) -> None:
        for task in self.tasks:
            await self.stop(task)
        self.executor.shutdown()

    def keep(self, work: "asyncio._CoroutineLike[None]") -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self.tasks.append(task)
        return task

    async def stop(self, task: asyncio.Task[None]) -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def start_follower(self, instance: str = "follower-1") -> asyncio.Task[None]:
        return self.keep(app.follow(await self.parts(instance)))

    async def keep_notes(self) -> asyncio.Task[None]:
        """Only take in facts; the test follows by itself."""
        parts = await self.parts("notes-1")
        runner = Runner(parts.bus, parts.database, CLOCK)
        consumer.listen_to_recordings(runner, Notes(assembler=parts.assembler, clock=CLOCK))
        return self.keep(runner.run())

    async def start_recogniser(
        self, engine: Engine, second: SecondEngine | None = None
    ) -> asyncio.Task[None]:
        parts = await self.parts("recogniser-1")
        return self.keep(app.recognise(parts, engine, self.executor, second))

    def dispatcher(self, database: Database, engine: Engine, fairness: Fairness) -> Dispatcher:
        """Return what fills the queue beside an engine."""
        return Dispatcher(
            room=EngineRoom(engine, self.executor, CLOCK),
            database=database,
            clock=CLOCK,
            fairness=fairness,
        )

    async def parts(self, instance: str) -> app.Parts:
        return app.Parts(
            settings=self.settings.model_copy(update={"instance": instance}),
            clock=CLOCK,
            database=await self.database_for("transcription"),
            bus=await self.connect("transcription"),
            blobs=self.blobs,
        )

    async def say(self, service: str, *messages: m.Message) -> None:
        database = await self.database_for(service)
        async with database.transaction() as tx:
            for message in messages:
                await enqueue(tx, message, clock=CLOCK)

    async def begin(self, *, language: str | None = None, is_live: bool = False) -> Sent:
        sent = Sent()
        await self.say(
            "upload", m.RecordingStarted(**sent.places, language=language, is_live=is_live)
        )
        return sent

    async def add(self, sent: Sent, data: bytes) -> None:
        digest = hashlib.sha256(data).hexdigest()
        key = f"recordings/{sent.recording_id}/parts/{sent.parts:06d}-{digest[:8]}"
        await self.blobs.put(key, data)
        grew = m.RecordingGrew(
            **sent.places,
            part_number=sent.parts,
            offset=sent.offset,
            key=key,
            size_bytes=len(data),
            sha256=digest,
        )
        sent.parts += 1
        sent.offset += len(data)
        await self.say("upload", grew)

    async def end(self, sent: Sent) -> None:
        await self.say(
            "upload",
            m.RecordingCompleted(**sent.places, part_count=sent.parts, size_bytes=sent.offset),
        )

    async def send(
        self, path: Path, *, language: str | None = None, part_bytes: int = 1 << 20
    ) -> Sent:
        """Send a whole file, in parts of this size."""
        data = await asyncio.to_thread(path.read_bytes)
        sent = await self.begin(language=language)
        for start in range(0, len(data), part_bytes):
            await self.add(sent, data[start : start + part_bytes])
        await self.end(sent)
        return sent

    def heard(self, sent: Sent, *kinds: type[m.Message]) -> list[m.Message]:
        """Return the facts of these kinds about a recording, in order."""
        return [
            fact
            for fact in self.facts
            if isinstance(fact, kinds) and getattr(fact, "recording_id", None) == sent.recording_id
        ]

    async def outcome(
        self, sent: Sent, timeout_s: float = 40
    ) -> m.TranscriptCompleted | m.TranscriptFailed:
        """Wait for the end of a recording's transcription."""
        ends = (m.TranscriptCompleted, m.TranscriptFailed)
        await until(lambda: self.heard(sent, *ends), timeout_s=timeout_s)
        end = self.heard(sent, *ends)[0]
        assert isinstance(end, ends)
        return end

    async def transcript(self, sent: Sent) -> Transcript:
        """Wait for the transcript and read it."""
        end = await self.outcome(sent)
        assert isinstance(end, m.TranscriptCompleted), end
        data = b"".join([data async for data in self.blobs.read(end.key)])
        assert hashlib.sha256(data).hexdigest() == end.sha256
        return Transcript.model_validate_json(data)

    async def _hear(self, raw: Msg) -> None:
        _, message = envelope.unpack(raw.data)
        self.facts.append(message)
