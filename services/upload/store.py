"""All SQL of uploads: rows in, domain values out. What a query promises stands in queries.sql."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg

from services.upload.domain import Part, Permit, StoredMedia, Upload, UploadState
from shared.db import Connection, Database, load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


async def open_upload(
    tx: Connection,
    permit: Permit,
    *,
    length: int | None,
    metadata: str,
    now: datetime,
    expires_at: datetime,
) -> Upload | None:
    """Begin an upload, or return None when the recording already has one."""
    row = await tx.fetchrow(
        QUERIES["open_upload"],
        permit.recording_id,
        permit.team_id,
        permit.thread_id,
        permit.update_id,
        permit.member_id,
        permit.language,
        length,
        metadata,
        permit.max_bytes,
        permit.max_seconds,
        expires_at,
        now,
    )
    return _upload(row) if row else None


async def get_upload(database: Database | Connection, recording_id: UUID) -> Upload | None:
    """Return the head of the ledger, or None."""
    row = await database.fetchrow(QUERIES["get_upload"], recording_id)
    return _upload(row) if row else None


async def lock_upload(tx: Connection, recording_id: UUID) -> Upload | None:
    """Return the head of the ledger, unchanged by others until the transaction ends, or None."""
    row = await tx.fetchrow(QUERIES["lock_upload"], recording_id)
    return _upload(row) if row else None


async def lock_recording(tx: Connection, recording_id: UUID) -> None:
    """Let opening an upload and forgetting it happen one after the other."""
    await tx.execute(QUERIES["lock_recording"], recording_id)


async def is_forgotten(tx: Connection, recording_id: UUID) -> bool:
    """Return whether the recording's update was removed."""
    return bool(await tx.fetchval(QUERIES["is_forgotten"], recording_id))


async def claim_upload(
    tx: Connection,
    recording_id: UUID,
    *,
    writer: UUID,
    length: int | None,
    now: datetime,
    expires_at: datetime,
) -> Upload:
    """Make ``writer`` the only one that may append; fix the length if it was still deferred."""
    row = await tx.fetchrow(QUERIES["claim_upload"], recording_id, writer, length, now, expires_at)
    return _upload(_present(row))


async def release_upload(database: Database, recording_id: UUID, writer: UUID) -> None:
    """Say that ``writer`` appends nothing more."""
    await database.execute(QUERIES["release_upload"], recording_id, writer)


async def append_part(
    tx: Connection,
    recording_id: UUID,
    part: Part,
    *,
    writer: UUID,
    now: datetime,
    expires_at: datetime,
) -> Upload | None:
    """Move the offset over ``part``; return None when this writer may not, or the offset moved."""
    row = await tx.fetchrow(
        QUERIES["advance_upload"],
        recording_id,
        writer,
        part.offset_bytes,
        part.size_bytes,
        part.number,
        now,
        expires_at,
    )
    if row is None:
        return None
    await tx.execute(
        QUERIES["add_part"],
        recording_id,
        part.number,
        part.offset_bytes,
        part.size_bytes,
        part.sha256,
        part.key,
    )
    return _upload(row)


async def complete_upload(tx: Connection, recording_id: UUID, now: datetime) -> Upload:
    """Close the ledger and make room for what probing will find."""
    row = await tx.fetchrow(QUERIES["complete_upload"], recording_id)
    await tx.execute(QUERIES["await_probing"], recording_id, now)
    return _upload(_present(row))


async def end_upload(
    tx: Connection, recording_id: UUID, state: UploadState, now: datetime
) -> Upload | None:
    """End an unfinished upload, or return None when it is not arriving any more."""
    row = await tx.fetchrow(QUERIES["end_upload"], recording_id, state, now)
    return _upload(row) if row else None


async def abandoned_uploads(tx: Connection, now: datetime, limit: int) -> list[UUID]:
    """Return unfinished uploads whose time is over, locked for this transaction."""
    return _ids(await tx.fetch(QUERIES["abandoned_uploads"], now, limit))


async def ended_uploads_with_parts(tx: Connection, limit: int) -> list[UUID]:
    """Return ended uploads whose parts are still there, locked for this transaction."""
    return _ids(await tx.fetch(QUERIES["ended_uploads_with_parts"], limit))


async def parts_of(database: Database | Connection, recording_id: UUID) -> list[Part]:
    """Return the parts in order."""
    rows = await database.fetch(QUERIES["parts_of"], recording_id)
    return [Part(**dict(row)) for row in rows]


async def drop_parts(tx: Connection, recording_id: UUID) -> None:
    """Strike the parts out of the ledger."""
    await tx.execute(QUERIES["drop_parts"], recording_id)


async def rendition_of(database: Database, recording_id: UUID, kind: str) -> StoredMedia | None:
    """Return where a playable form lies, or None."""
    row = await database.fetchrow(QUERIES["rendition_of"], recording_id, kind)
    return StoredMedia(**dict(row)) if row else None


async def keys_of(tx: Connection, recording_id: UUID) -> list[str]:
    """Return the keys of every blob of a recording that a row names."""
    return _keys(await tx.fetch(QUERIES["keys_of"], recording_id))


async def forget(tx: Connection, recording_id: UUID, now: datetime) -> None:
    """Remove a recording's rows and keep it from being opened again. Needs `lock_recording`."""
    await tx.execute(QUERIES["remember_forgotten"], recording_id, now)
    await tx.execute(QUERIES["drop_upload"], recording_id)


async def unnamed_keys(database: Database | Connection, keys: Iterable[str]) -> list[str]:
    """Return which of these blobs no row names."""
    return _keys(await database.fetch(QUERIES["unnamed_keys"], list(keys)))


async def note_orphans(database: Database, keys: Iterable[str], now: datetime) -> None:
    """Write down when these blobs were first seen without a row."""
    await database.execute(QUERIES["note_orphans"], list(keys), now)


async def old_orphans(tx: Connection, seen_before: datetime, limit: int) -> list[str]:
    """Return blobs that had no row at that time, locked for this transaction."""
    return _keys(await tx.fetch(QUERIES["old_orphans"], seen_before, limit))


async def drop_orphans(tx: Database | Connection, keys: Iterable[str]) -> None:
    """Stop watching these blobs."""
    await tx.execute(QUERIES["drop_orphans"], list(keys))


def _upload(row: asyncpg.Record) -> Upload:
    return Upload(
        recording_id=row["recording_id"],
        team_id=row["team_id"],
        thread_id=row["thread_id"],
        update_id=row["update_id"],
        language=row["language"],
        length_bytes=row["length_bytes"],
        offset_bytes=row["offset_bytes"],
        part_count=row["part_count"],
        metadata=row["metadata"],
        state=UploadState(row["state"]),
        writer=row["writer"],
        max_bytes=row["max_bytes"],
        expires_at=row["expires_at"],
    )


def _present(row: asyncpg.Record | None) -> asyncpg.Record:
    if row is None:
        raise AssertionError("the row is locked by this transaction")
    return row


def _ids(rows: list[asyncpg.Record]) -> list[UUID]:
    return [row["recording_id"] for row in rows]


def _keys(rows: list[asyncpg.Record]) -> list[str]:
    return [row["key"] for row in rows]
