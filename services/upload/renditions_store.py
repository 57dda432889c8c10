"""All SQL of making recordings playable. What a query promises stands in renditions.sql."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from shared.contracts.messages import Rendition, RenditionKind
from shared.db import Connection, Database, load_queries
from shared.media import Probe

QUERIES = load_queries(Path(__file__).with_name("renditions.sql"))


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A complete recording and what is known of it so far."""

    recording_id: UUID
    team_id: UUID
    thread_id: UUID
    update_id: UUID
    max_seconds: int
    size_bytes: int
    state: str
    """``waiting``, ``ready`` or ``refused``."""
    needs_transcode: bool
    duration_ms: int | None
    has_video: bool | None


@dataclass(frozen=True, kw_only=True)
class GivenUp:
    """A recording for which wishes were given up without a verdict, ``times`` of them."""

    recording_id: UUID
    team_id: UUID
    thread_id: UUID
    update_id: UUID
    times: int


async def given_up_renditions(database: Database, consumer: str) -> list[GivenUp]:
    """Return recordings that still wait to be made playable although nobody is at it."""
    rows = await database.fetch(QUERIES["given_up_renditions"], consumer)
    return [GivenUp(**dict(row)) for row in rows]


async def given_up_transcodes(database: Database, consumer: str) -> list[GivenUp]:
    """Return recordings that still wait for their picture although nobody is at it."""
    rows = await database.fetch(QUERIES["given_up_transcodes"], consumer)
    return [GivenUp(**dict(row)) for row in rows]


async def recording_to_render(database: Database, recording_id: UUID) -> Recording | None:
    """Return the recording, or None when its update was removed."""
    row = await database.fetchrow(QUERIES["recording_to_render"], recording_id)
    return Recording(**dict(row)) if row else None


async def lock_row(tx: Connection, recording_id: UUID) -> bool:
    """Return whether the recording still exists, and keep it so until the transaction ends."""
    return await lock_state(tx, recording_id) is not None


async def lock_state(tx: Connection, recording_id: UUID) -> str | None:
    """Return the state, unchanged by others until the transaction ends; None where removed."""
    state: str | None = await tx.fetchval(QUERIES["lock_recording_row"], recording_id)
    return state


async def save_ready(
    tx: Connection,
    recording_id: UUID,
    found: Probe,
    *,
    duration_ms: int,
    needs_transcode: bool,
    now: datetime,
) -> None:
    """Keep what was found in a recording that can be played."""
    await tx.execute(
        QUERIES["save_ready"],
        recording_id,
        duration_ms,
        found.has_audio,
        found.has_video,
        found.format,
        found.audio_codec,
        found.video_codec,
        found.width or None,
        found.height or None,
        needs_transcode,
        now,
    )


async def save_refused(
    tx: Connection, recording_id: UUID, *, code: str, detail: str, now: datetime
) -> None:
    """Keep why a recording cannot be used."""
    await tx.execute(QUERIES["save_refused"], recording_id, code, detail, now)


async def end_transcode(tx: Connection, recording_id: UUID, now: datetime) -> None:
    """Keep that nothing better is being made any more."""
    await tx.execute(QUERIES["end_transcode"], recording_id, now)


async def put_renditions(
    tx: Connection, recording_id: UUID, renditions: Iterable[Rendition]
) -> None:
    """Name these forms; each replaces the one of its kind."""
    for rendition in renditions:
        await tx.execute(
            QUERIES["put_rendition"],
            recording_id,
            rendition.kind.value,
            rendition.key,
            rendition.media_type,
            rendition.size_bytes,
            rendition.sha256,
            rendition.width,
            rendition.height,
        )


async def renditions_of(tx: Connection, recording_id: UUID) -> tuple[Rendition, ...]:
    """Return every form there is."""
    rows = await tx.fetch(QUERIES["renditions_of"], recording_id)
    return tuple(Rendition(**{**row, "kind": RenditionKind(row["kind"])}) for row in rows)
