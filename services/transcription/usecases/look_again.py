"""Hears doubtful chunks again with another model while nobody waits for anything.

The transcript is out already. Once all doubtful chunks of a recording were looked at, and some got
better words, it is published again. Whatever fails or comes in between costs no more than the look.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from services.transcription import looks_store, store
from services.transcription.domain import EngineError
from services.transcription.domain.second_look import is_better, languages_in
from services.transcription.engine import Chunk, Engine
from services.transcription.engine_room import EngineRoom
from services.transcription.looks_store import Look
from services.transcription.second_engine import SecondEngine
from services.transcription.usecases.assemble import Assembler
from services.transcription.usecases.place import segments_in
from services.transcription.usecases.samples import read_samples
from shared import log, telemetry
from shared.blobs.port import Blobs
from shared.contracts.transcript import Segment
from shared.db import Database
from shared.errors import MissingError, TidingsError, UnavailableError

LOOK_EVERY_S = 2.0
LOOK_FOR = timedelta(minutes=10)
"""Whoever takes longer is taken to be dead. Until then nobody looks at anything else."""
MOST_LOOKS = 3
"""A look is counted before it begins; a chunk that kills so many lookers is left as it is."""


@dataclass(frozen=True, kw_only=True)
class SecondLooks:
    """Works beside a recogniser, on its engine's thread, one chunk at a time."""

    room: EngineRoom
    second: SecondEngine
    blobs: Blobs
    database: Database
    assembler: Assembler

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                with suppress(UnavailableError):
                    while await self.look():
                        pass
            except TidingsError as error:
                # The model cannot be loaded. The chunk stays taken, so it is a while to the next.
                log.get().warning("second look failed", code=error.code)
            await self.second.free_unused()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> bool:
        """Look at one chunk unless somebody waits; return whether there was one."""
        if not await self._is_idle():
            return False
        look = await looks_store.take_look(self.database, LOOK_FOR)
        if look is None:
            return False
        if look.looks > MOST_LOOKS:
            await self._keep(look, "failed")
            return True
        engine = await self.second.ready()
        # Loading takes seconds, in which somebody may have come.
        if not await self._is_idle():
            await looks_store.give_back_look(self.database, look)
            return False
        try:
            better = await self._look_at(look, engine)
        except (EngineError, MissingError):
            await self._keep(look, "failed")
            return True
        await self._keep(look, "same" if better is None else "better", better, engine.name)
        return True

    async def _is_idle(self) -> bool:
        return not self.room.is_busy and await looks_store.is_idle(self.database)

    async def _look_at(self, look: Look, engine: Engine) -> tuple[Segment, ...] | None:
        """Return better words, or None. Heard in the languages that the chunk was settled in."""
        languages = languages_in(look.segments)
        if not engine.languages.issuperset(languages):
            return None
        team = await store.team_of(self.database, look.team_id)
        chunk = Chunk(
            pcm=await read_samples(self.blobs, look.key),
            language=languages[0] if len(languages) == 1 else None,
            languages=languages,
            glossary=team.glossary,
        )
        segments = segments_in(
            await self.room.look(engine, chunk),
            chunk_index=look.index,
            start_ms=look.start_ms,
            end_ms=look.end_ms,
        )
        return segments if is_better(segments, than=look.segments) else None

    async def _keep(
        self,
        look: Look,
        outcome: str,
        better: tuple[Segment, ...] | None = None,
        model: str | None = None,
    ) -> None:
        async with self.database.transaction() as tx:
            # The recording first: whoever assembles locks it before its chunks, and so must we.
            await store.lock_recording(tx, look.recording_id)
            if await looks_store.keep_look(tx, look, better=better, model=model):
                await self.assembler.publish_better(tx, look.recording_id)
        telemetry.metrics.second_looks.labels(outcome).inc()
