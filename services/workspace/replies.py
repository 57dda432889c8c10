"""Keeps replies under their Idempotency-Key in PostgreSQL, for a day and for every replica.

Replies may hold permits, so their bodies are sealed: who reads the table or a backup gets none.
"""

from datetime import timedelta
from pathlib import Path

from services.workspace.sealing import Seal
from shared.clock import Clock
from shared.db import Database, load_queries
from shared.errors import ConflictError
from shared.http.idempotency import KeyReusedError, StoredReply

_QUERIES = load_queries(Path(__file__).with_name("replies.sql"))
KEEP = timedelta(days=1)
# Longer than any request lives: whoever took the key before that is dead.
ABANDONED_AFTER = timedelta(seconds=90)


class StillWorkingError(ConflictError):
    """The first request with this Idempotency-Key is still being worked on."""

    code = "idempotency-key-in-use"


class Replies:
    """An idempotency store. A key whose request died can be taken again by the same request."""

    def __init__(self, database: Database, clock: Clock, seal: Seal) -> None:
        self._database = database
        self._clock = clock
        self._seal = seal

    async def claim(self, principal: str, key: str, fingerprint: str) -> StoredReply | None:
        """Take the key, or return the reply kept under it."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            taken = await tx.fetchval(
                _QUERIES["claim"], principal, key, fingerprint, now, now - ABANDONED_AFTER
            )
            if taken is not None:
                return None
            row = await tx.fetchrow(_QUERIES["kept"], principal, key)
        if row is None:
            # Given back in this very moment; the client may try again.
            raise StillWorkingError
        if row["fingerprint"] != fingerprint:
            raise KeyReusedError
        if row["status"] is None:
            raise StillWorkingError
        return StoredReply(
            status=row["status"],
            body=self._seal.open(row["body"], _place(principal, key)),
            media_type=row["media_type"],
            location=row["location"],
            etag=row["etag"],
        )

    async def save(self, principal: str, key: str, reply: StoredReply) -> None:
        """Keep the reply for a key taken before."""
        await self._database.execute(
            _QUERIES["keep"],
            principal,
            key,
            reply.status,
            reply.media_type,
            reply.location,
            reply.etag,
            self._seal.close(reply.body, _place(principal, key)),
        )

    async def release(self, principal: str, key: str) -> None:
        """Give the key back."""
        await self._database.execute(_QUERIES["release"], principal, key)


async def sweep(database: Database, clock: Clock) -> None:
    """Forget replies and keys older than a day."""
    before = clock.now() - KEEP
    for name in (
        "sweep_replies",
        "sweep_update_keys",
        "sweep_comment_keys",
        "sweep_correction_keys",
        "sweep_thread_keys",
    ):
        await database.execute(_QUERIES[name], before)


def _place(principal: str, key: str) -> str:
    return f"{principal} {key}"
