"""Puts the service together. The only file that names its adapters."""

import asyncio
import functools
import os
import threading
from collections.abc import AsyncIterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.transcription import consumer
from services.transcription.domain import EngineError
from services.transcription.engine import Engine
from services.transcription.engine_room import EngineRoom
from services.transcription.follower import Follower
from services.transcription.http import count_backlog, make_app
from services.transcription.models import Model, prepare_model
from services.transcription.second_engine import SecondEngine
from services.transcription.settings import Role, Settings
from services.transcription.usecases.assemble import Assembler
from services.transcription.usecases.dispatch import Dispatcher, Fairness
from services.transcription.usecases.draft import Drafter
from services.transcription.usecases.look_again import SecondLooks
from services.transcription.usecases.note import Notes
from services.transcription.usecases.overtake import Overtaker
from services.transcription.usecases.recognise import Recogniser
from services.transcription.usecases.strays import Strays
from services.transcription.usecases.sweep import Sweeper
from services.transcription.usecases.tell_apart import Speakers
from services.transcription.voice import VoiceActivity
from services.transcription.voiceprints import VoiceEncoder
from shared import log, telemetry
from shared.blobs import Blobs, open_blobs
from shared.bus import Bus, Relay, Runner
from shared.clock import Clock, SystemClock
from shared.contracts import registry
from shared.db import Database
from shared.errors import UnavailableError
from shared.http.serve import serve
from shared.media.workroom import Workroom

LEAST_PRIORITY = 19
SWEEP_EVERY_S = 5.0
"""What somebody removed is gone a few seconds later."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What both roles are made of."""

    settings: Settings
    clock: Clock
    database: Database
    bus: Bus
    blobs: Blobs

    @property
    def assembler(self) -> Assembler:
        """What brings recordings forward."""
        return Assembler(
            blobs=self.blobs,
            clock=self.clock,
            max_in_flight=self.settings.max_in_flight,
            tells_speakers=self.settings.speakers,
            looks_again=self.settings.second_model is not None,
        )


async def main(settings: Settings) -> None:
    """Run one role until cancelled."""
    log.configure("transcription", settings)
    telemetry.configure("transcription", settings)
    try:
        async with opened(settings) as parts:
            if settings.role is Role.FOLLOWER:
                await follow(parts)
            else:
                with ThreadPoolExecutor(1, thread_name_prefix="engine") as executor:
                    second = await find_second_engine(settings, parts.clock)
                    engine = await load_engine(settings, executor)
                    await recognise(parts, engine, executor, second)
    finally:
        telemetry.stop()


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Parts]:
    """Give the connections, closed afterwards. Raises UnavailableError without a database."""
    blobs = open_blobs(settings.blob_url, settings.blob_access_key, settings.blob_secret)
    database = await Database.connect(settings.database_url, schema="transcription")
    try:
        bus = await Bus.connect(
            settings.nats_url,
            service="transcription",
            credentials_file=settings.nats_credentials_file,
        )
        try:
            yield Parts(
                settings=settings, clock=SystemClock(), database=database, bus=bus, blobs=blobs
            )
        finally:
            await bus.close()
    finally:
        await database.close()


async def follow(parts: Parts) -> None:
    """Listen to recordings until cancelled."""
    settings = parts.settings
    # Loaded before the first recording comes, which would otherwise wait for it.
    await asyncio.to_thread(VoiceActivity)
    workroom = Workroom(settings.work_dir)
    await workroom.clear()
    assembler = parts.assembler
    runner = Runner(parts.bus, parts.database, parts.clock)
    consumer.listen_to_recordings(runner, Notes(assembler=assembler, clock=parts.clock))
    follower = Follower(
        owner=settings.instance,
        database=parts.database,
        blobs=parts.blobs,
        assembler=assembler,
        max_followed=settings.max_followed,
        max_seconds=settings.max_seconds,
        workroom=workroom,
        clock=parts.clock,
        draft_every_s=settings.draft_every_s,
    )
    sweeper = Sweeper(
        database=parts.database,
        blobs=parts.blobs,
        assembler=assembler,
        clock=parts.clock,
        recognising=_recognising(),
    )
    strays = Strays(database=parts.database, blobs=parts.blobs, clock=parts.clock)
    listening = ThreadPoolExecutor(1, thread_name_prefix="voices", initializer=_step_back)
    consumer.tell_speakers(
        runner,
        Speakers(
            encoder=functools.cache(VoiceEncoder),
            executor=listening,
            database=parts.database,
            blobs=parts.blobs,
            assembler=assembler,
        ),
    )
    async with _serving(parts), asyncio.TaskGroup() as group:
        group.create_task(runner.run())
        group.create_task(Relay(parts.bus, parts.database, parts.clock).run())
        group.create_task(follower.run())
        group.create_task(_sweep(sweeper, strays))
        group.create_task(count_backlog(parts.database, lambda: follower.followed))


async def load_engine(settings: Settings, executor: Executor) -> Engine:
    """Find, check and load the speech model, off the event loop. Raises what says what is wrong."""

    def load() -> Engine:
        return _load(prepare_model(settings.model, settings.model_dir), settings)

    return await asyncio.get_running_loop().run_in_executor(executor, load)


async def find_second_engine(settings: Settings, clock: Clock) -> SecondEngine | None:
    """Find and check the second model, if there is one; it is loaded when it is first needed."""
    if settings.second_model is None:
        return None
    model = await asyncio.to_thread(prepare_model, settings.second_model, settings.model_dir)
    return SecondEngine(functools.partial(_load, model, settings), clock)


async def recognise(
    parts: Parts, engine: Engine, executor: Executor, second: SecondEngine | None = None
) -> None:
    """Recognise chunks until cancelled, and look again with the second engine if there is one."""
    settings = parts.settings
    runner = Runner(parts.bus, parts.database, parts.clock)
    room = EngineRoom(engine, executor, parts.clock)
    recogniser = Recogniser(
        room=room,
        blobs=parts.blobs,
        database=parts.database,
        assembler=parts.assembler,
        clock=parts.clock,
        max_attempts=_recognising().max_attempts,
    )
    overtaker = Overtaker(recogniser=recogniser, patience_s=settings.overtake_after_s)
    dispatcher = Dispatcher(
        room=room,
        database=parts.database,
        clock=parts.clock,
        fairness=Fairness(
            max_batch=settings.max_batch,
            beside_speech=settings.batch_beside_speech,
            beside_others=settings.batch_beside_others,
            shares=settings.team_shares,
            most_of_a_team=settings.max_of_a_team,
        ),
    )
    drafter = Drafter(
        room=room,
        database=parts.database,
        bus=parts.bus,
        clock=parts.clock,
        max_batch=settings.max_batch,
    )
    consumer.take_chunks(
        runner, recogniser, max_batch=settings.max_batch, linger_s=settings.linger_s
    )
    async with _serving(parts), asyncio.TaskGroup() as group:
        group.create_task(runner.run())
        group.create_task(Relay(parts.bus, parts.database, parts.clock).run())
        group.create_task(dispatcher.run())
        group.create_task(drafter.run())
        group.create_task(overtaker.run())
        if second is not None:
            looks = SecondLooks(
                room=room,
                second=second,
                blobs=parts.blobs,
                database=parts.database,
                assembler=parts.assembler,
            )
            group.create_task(looks.run())
        group.create_task(count_backlog(parts.database, lambda: 0))


def _load(model: Model, settings: Settings) -> Engine:
    """Return the engine, warm; with ``auto`` on a GPU where there is one and it works."""
    # Imported here because it takes a second and 200 MB that followers do not need.
    from services.transcription.faster_whisper_engine import (  # noqa: PLC0415
        FasterWhisperEngine,
        count_gpus,
    )

    def load_on(device: str) -> Engine:
        engine = FasterWhisperEngine(
            model.folder,
            name=model.name,
            device=device,
            compute_type=settings.compute_type,
            threads=settings.threads,
            beam=settings.beam,
            detectable=settings.languages,
        )
        engine.warm_up()
        log.get().info("engine ready", model=model.name, device=device)
        return engine

    if settings.device != "auto":
        return load_on(settings.device)
    if count_gpus():
        try:
            return load_on("cuda")
        except EngineError as exc:
            # The card is there, its libraries may not be.
            log.get().warning("GPU cannot be used", error=str(exc.__cause__ or exc))
    return load_on("cpu")


def _step_back() -> None:
    """Let this thread run when nothing else wants to. Linux knows priorities of single threads."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LEAST_PRIORITY)


def _recognising() -> registry.Consumer:
    return registry.CONSUMER_BY_DURABLE["transcription-recognise"]


@asynccontextmanager
async def _serving(parts: Parts) -> AsyncIterator[None]:
    app = make_app(parts.settings, database=parts.database, bus=parts.bus)
    async with serve(app, parts.settings.http_host, parts.settings.http_port):
        yield


async def _sweep(sweeper: Sweeper, strays: Strays) -> None:
    while True:
        await asyncio.sleep(SWEEP_EVERY_S)
        try:
            swept = await sweeper.sweep()
            deleted = await strays.sweep()
        except UnavailableError:
            # Nothing is lost by sweeping later.
            continue
        if swept:
            log.get().info("recordings swept", count=swept)
        if deleted:
            log.get().info("stray samples deleted", count=deleted)
