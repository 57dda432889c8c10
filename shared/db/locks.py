"""One lock between those who delete blobs and rows and those who copy them.

A backup copies the database first and blobs after; a sweeper that removed a blob in between would
leave a copied row pointing at nothing. So sweepers share this lock and a backup holds it alone.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from shared.db.database import Connection

DELETION_LOCK = 7_771


async def deletion_allowed(tx: Connection) -> bool:
    """Return whether this transaction may delete: False while a backup runs, then try again later.

    The permission lasts until the transaction ends, so do the deletion, blobs included, inside it.
    """
    return bool(await tx.fetchval("SELECT pg_try_advisory_xact_lock_shared($1)", DELETION_LOCK))


@asynccontextmanager
async def deletions_held(url: str) -> AsyncIterator[None]:
    """Wait for running deletions to end, then keep new ones out until the block is left.

    Its own connection holds the lock, so it is given back even when this process dies.
    """
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", DELETION_LOCK)
        yield
    finally:
        await connection.close()
