"""Recognises again what another recogniser has had for too long: the first answer stands.

A recogniser that died is noticed by the bus. One that lives and is slow, or hangs, keeps its chunk
for as long as it likes, and a recording waits for its slowest chunk. So whoever has nothing to do
takes it over.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from services.transcription import queue_store
from services.transcription.usecases.dispatch import request_for
from services.transcription.usecases.recognise import Recogniser
from shared import log
from shared.errors import TidingsError

LOOK_EVERY_S = 2.0
TIMES_SLOWER = 3.0
"""So much longer than the longest batch took here, and it is worth another try."""


@dataclass(frozen=True, kw_only=True)
class Overtaker:
    """Works beside a recogniser, with its engine, while that has nothing to do."""

    recogniser: Recogniser
    patience_s: float
    """A chunk stays where it is for at least so long."""

    async def run(self) -> None:
        """Overtake until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            # What fails here is still with the recogniser that has it.
            with suppress(TidingsError):
                while await self.overtake():
                    pass

    async def overtake(self) -> bool:
        """Recognise one chunk that is overdue, if any; return whether there was one."""
        recogniser = self.recogniser
        if recogniser.room.is_busy:
            return False
        after_s = max(self.patience_s, TIMES_SLOWER * recogniser.room.longest_s)
        asked = await queue_store.take_overdue(recogniser.database, timedelta(seconds=after_s))
        if asked is None:
            return False
        request = request_for(asked)
        log.get().info("chunk overtaken", recording_id=asked.recording_id, chunk_index=asked.index)
        (result,) = await recogniser.room.recognise([await recogniser.load(request)])
        async with recogniser.database.transaction() as tx:
            await recogniser.keep(tx, request, asked.message_id, result)
        return True
