"""All SQL of recordings and what was heard in them. What each promises stands in queries.sql."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from services.transcription.domain import Guess
from services.transcription.domain.speakers import Turn
from shared.contracts.messages import TeamChanged, UpdateFact
from shared.contracts.transcript import Segment
from shared.db import Connection, Database, load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
PARTS_CHANNEL = "transcription_parts"
OPEN_CHUNKS_CHANNEL = "transcription_open_chunks"

_SEGMENTS = TypeAdapter(tuple[Segment, ...])


@dataclass(frozen=True, kw_only=True)
class Recording:
    """What is known of one recording."""

    recording_id: UUID
    team_id: UUID
    thread_id: UUID
    update_id: UUID
    author_language: str | None
    state: str
    part_count: int | None
    completed_at: datetime | None
    heard_ms: int
    chunk_count: int | None
    told_chunks: int
    problem_code: str | None
    revision: int
    request_id: UUID | None
    """The wish this revision answers."""
    turns: tuple[Turn, ...] | None
    """Who speaks when; None while that was not found out."""

    @property
    def is_open(self) -> bool:
        """True while a transcript is still to come."""
        return self.state in {"following", "heard"}


@dataclass(frozen=True, kw_only=True)
class Team:
    """What a team speaks."""

    languages: tuple[str, ...] = ()
    """ISO 639-1; empty: anything."""
    glossary: tuple[str, ...] = ()
    """Names to expect."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A recording whose lease this follower holds."""

    recording_id: UUID
    needs_whole_file: bool
    revision: int = 0
    failures: int = 0
    """How often following has failed in a row."""
    is_live: bool = False
    """Somebody is speaking."""
    is_long: bool = False
    """It was followed before, and found to be long."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Where one part of a recording lies."""

    number: int
    key: str


@dataclass(frozen=True, kw_only=True)
class StoredChunk:
    """A chunk without its words."""

    index: int
    key: str
    start_ms: int
    end_ms: int
    state: str
    asked_language: str | None
    guess: Guess | None
    """What it sounded like by itself; None where that was not asked, or not answered yet."""
    model: str | None
    second_model: str | None
    """Whose words they are, where a second look bettered them."""


@dataclass(frozen=True, kw_only=True)
class OpenChunk:
    """What is being said: a chunk that may yet grow, with its samples."""

    recording_id: UUID
    index: int
    start_ms: int
    end_ms: int
    samples: bytes
    language: str | None = None
    languages: Sequence[str] = ()
    """What its team speaks."""
    glossary: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class HeardChunk:
    """What was heard in one chunk."""

    index: int
    end_ms: int
    segments: tuple[Segment, ...]


async def note_recording(
    tx: Connection, fact: UpdateFact, recording_id: UUID, now: datetime
) -> None:
    """Make sure the recording has a row; the first message about it may be any."""
    await tx.execute(
        QUERIES["note_recording"], recording_id, fact.team_id, fact.thread_id, fact.update_id, now
    )


async def announce(
    tx: Connection, recording_id: UUID, *, is_live: bool, language: str | None
) -> None:
    """Keep what RecordingStarted says."""
    await tx.execute(QUERIES["announce_recording"], recording_id, is_live, language)


async def note_team(tx: Connection, fact: TeamChanged) -> None:
    """Keep what a team speaks, unless something newer is known."""
    await tx.execute(
        QUERIES["note_team"],
        fact.team_id,
        list(fact.languages),
        list(fact.glossary),
        fact.revision,
    )


async def team_of(database: Database | Connection, team_id: UUID) -> Team:
    """Return what a team speaks; anything, where it never said so."""
    row = await database.fetchrow(QUERIES["team_of"], team_id)
    if row is None:
        return Team()
    return Team(languages=tuple(row["languages"]), glossary=tuple(row["glossary"]))


async def add_part(tx: Connection, recording_id: UUID, part: Part, size_bytes: int) -> None:
    """Keep where a part lies."""
    await tx.execute(QUERIES["add_part"], recording_id, part.number, part.key, size_bytes)


async def complete_parts(
    tx: Connection, recording_id: UUID, *, part_count: int, completed_at: datetime
) -> None:
    """Keep that all bytes are there."""
    await tx.execute(QUERIES["complete_parts"], recording_id, part_count, completed_at)


async def wake_followers(tx: Connection, recording_id: UUID) -> None:
    """Tell every follower, once the transaction commits, that this recording has something new."""
    await tx.execute(QUERIES["wake_followers"], str(recording_id))


async def lock_recording(tx: Connection, recording_id: UUID) -> Recording | None:
    """Return the recording, unchanged by others until the transaction ends."""
    row = await tx.fetchrow(QUERIES["lock_recording"], recording_id)
    return _recording(row) if row else None


async def claim_recording(
    database: Database, owner: str, lease: timedelta, *, may_be_long: bool
) -> Claim | None:
    """Take one recording that needs a follower, or None."""
    row = await database.fetchrow(QUERIES["claim_recording"], owner, lease, may_be_long)
    if row is None:
        return None
    return Claim(**row)


async def renew_lease(database: Database, recording_id: UUID, owner: str, lease: timedelta) -> bool:
    """Keep a lease; False when it is lost or there is nothing to follow any more."""
    return bool(await database.fetchval(QUERIES["renew_lease"], recording_id, owner, lease))


async def release_lease(
    database: Database, recording_id: UUID, owner: str, parked_at: int | None
) -> None:
    """Leave a recording to others; with ``parked_at`` only once it has more parts than that."""
    await database.execute(QUERIES["release_lease"], recording_id, owner, parked_at)


async def put_off(database: Database, recording_id: UUID, owner: str) -> None:
    """Leave a recording, a long one, until a follower has a place for it."""
    await database.execute(QUERIES["put_off"], recording_id, owner)


async def release_own_leases(database: Database, owner: str) -> None:
    """Drop what a former life of this follower held."""
    await database.execute(QUERIES["release_own_leases"], owner)


async def postpone(database: Database, recording_id: UUID, owner: str, delay: timedelta) -> int:
    """Leave a recording for a while after a failure; return how many there were in a row."""
    failures = await database.fetchval(QUERIES["postpone"], recording_id, owner, delay)
    return int(failures or 0)


async def failures_of(database: Database, recording_id: UUID) -> int:
    """Return how often following has failed since the last progress."""
    return int(await database.fetchval(QUERIES["failures_of"], recording_id) or 0)


async def part_total(database: Database, recording_id: UUID) -> int:
    """Return how many parts are known."""
    return int(await database.fetchval(QUERIES["part_total"], recording_id) or 0)


async def part_bytes(database: Database, recording_id: UUID) -> int:
    """Return how large the known parts are together."""
    return int(await database.fetchval(QUERIES["part_bytes"], recording_id))


async def need_whole_file(database: Database, recording_id: UUID, owner: str) -> None:
    """Remember that only the complete recording can be decoded."""
    await database.execute(QUERIES["need_whole_file"], recording_id, owner)


async def parts_from(
    database: Database, recording_id: UUID, number: int
) -> tuple[list[Part], int | None]:
    """Return the next parts without a gap (perhaps none yet), and how many there are in all."""
    rows = await database.fetch(QUERIES["parts_from"], recording_id, number)
    parts: list[Part] = []
    for row in rows:
        if row["number"] != number + len(parts):
            break
        parts.append(Part(number=row["number"], key=row["key"]))
    return parts, rows[0]["part_count"] if rows else None


async def add_chunk(
    tx: Connection, recording_id: UUID, *, index: int, key: str, start_ms: int, end_ms: int
) -> None:
    """Keep a chunk whose samples are stored."""
    await tx.execute(QUERIES["add_chunk"], recording_id, index, key, start_ms, end_ms)


async def offer_open_chunk(database: Database, chunk: OpenChunk) -> None:
    """Offer what is being said, in place of what was offered before, and wake recognisers."""
    await database.execute(
        QUERIES["offer_open_chunk"],
        chunk.recording_id,
        chunk.index,
        chunk.start_ms,
        chunk.end_ms,
        chunk.samples,
    )


async def take_open_chunks(database: Database, limit: int) -> list[OpenChunk]:
    """Take offers that nobody took."""
    rows = await database.fetch(QUERIES["take_open_chunks"], limit)
    return [OpenChunk(index=row["chunk_index"], **_without(row, "chunk_index")) for row in rows]


async def close_chunk(tx: Connection, recording_id: UUID, index: int) -> None:
    """Withdraw the offer of a chunk that was cut."""
    await tx.execute(QUERIES["close_chunk"], recording_id, index)


async def recording_with_open_chunk(
    database: Database, recording_id: UUID, index: int
) -> Recording | None:
    """Return the recording while this chunk of it is open, else None."""
    row = await database.fetchrow(QUERIES["recording_with_open_chunk"], recording_id, index)
    return _recording(row) if row else None


async def is_chunk(tx: Connection, recording_id: UUID, key: str) -> bool:
    """Return whether a row names this blob."""
    return bool(await tx.fetchval(QUERIES["is_chunk"], recording_id, key))


async def unnamed_keys(
    tx: Connection | Database, recording_id: UUID, keys: Sequence[str]
) -> list[str]:
    """Return which of these blobs of a recording no row names or will come to name."""
    rows = await tx.fetch(QUERIES["unnamed_keys"], recording_id, list(keys))
    return [row["key"] for row in rows]


async def chunk_indices(database: Database, recording_id: UUID) -> set[int]:
    """Return which chunks are stored already."""
    rows = await database.fetch(QUERIES["chunk_indices"], recording_id)
    return {row["chunk_index"] for row in rows}


async def note_heard(tx: Connection | Database, recording_id: UUID, heard_ms: int) -> None:
    """Keep how far the follower has heard."""
    await tx.execute(QUERIES["note_heard"], recording_id, heard_ms)


async def end_hearing(
    tx: Connection, recording_id: UUID, *, chunk_count: int, heard_ms: int
) -> None:
    """Keep that the end was heard."""
    await tx.execute(QUERIES["end_hearing"], recording_id, chunk_count, heard_ms)


async def chunks_of(tx: Connection, recording_id: UUID) -> list[StoredChunk]:
    """Return the chunks in order, without their words."""
    rows = await tx.fetch(QUERIES["chunks_of"], recording_id)
    return [_chunk(row) for row in rows]


async def segments_of(tx: Connection, recording_id: UUID, first: int, end: int) -> list[HeardChunk]:
    """Return what was heard in chunks ``first`` up to, not including, ``end``."""
    rows = await tx.fetch(QUERIES["segments_of"], recording_id, first, end)
    return [
        HeardChunk(
            index=row["chunk_index"],
            end_ms=row["end_ms"],
            segments=_SEGMENTS.validate_python(row["segments"]),
        )
        for row in rows
    ]


async def save_result(
    tx: Connection,
    recording_id: UUID,
    index: int,
    *,
    message_id: UUID,
    languages: Sequence[str],
    language_probability: float,
    model: str,
    segments: Sequence[Segment],
) -> bool:
    """Keep what was heard; False when nobody waits for this answer any more."""
    saved = await tx.fetchval(
        QUERIES["save_result"],
        recording_id,
        index,
        message_id,
        languages[0],
        list(languages),
        language_probability,
        model,
        [segment.model_dump(mode="json") for segment in segments],
    )
    return bool(saved)


async def note_told(tx: Connection, recording_id: UUID, count: int) -> None:
    """Keep how many chunks were published."""
    await tx.execute(QUERIES["note_told"], recording_id, count)


async def finish(
    tx: Connection, recording_id: UUID, state: str, now: datetime, problem_code: str | None = None
) -> None:
    """Close a recording: ``complete``, ``failed`` or ``removed``."""
    await tx.execute(QUERIES["finish"], recording_id, state, problem_code, now)


async def given_up(database: Database, consumer: str) -> list[UUID]:
    """Return open recordings with a request that was given up, so that no answer will come."""
    rows = await database.fetch(QUERIES["given_up"], consumer)
    return [row["recording_id"] for row in rows]


async def to_sweep(
    tx: Connection, *, failed_before: datetime, finished_before: datetime
) -> tuple[UUID, bool] | None:
    """Return a recording whose blobs can go, and whether it was removed altogether, or None."""
    row = await tx.fetchrow(QUERIES["to_sweep"], failed_before, finished_before)
    return (row["recording_id"], row["state"] == "removed") if row else None


async def mark_swept(tx: Connection, recording_id: UUID, now: datetime) -> None:
    """Keep that the blobs are gone."""
    await tx.execute(QUERIES["mark_swept"], recording_id, now)


async def begin_revision(
    tx: Connection, recording_id: UUID, *, request_id: UUID, language: str | None
) -> bool:
    """Let a recording be heard anew; False when its bytes are not all known."""
    await forget_chunks(tx, recording_id)
    row = await tx.fetchrow(QUERIES["begin_revision"], recording_id, request_id, language)
    return row is not None and row["part_count"] == row["known_parts"]


async def await_speakers(tx: Connection, recording_id: UUID) -> None:
    """Keep the samples until the speakers are told apart."""
    await tx.execute(QUERIES["await_speakers"], recording_id)


async def keep_turns(tx: Connection, recording_id: UUID, turns: Sequence[Turn]) -> None:
    """Keep who speaks when; the samples may go."""
    rows = [[turn.start_ms, turn.end_ms, turn.speaker] for turn in turns]
    await tx.execute(QUERIES["keep_turns"], recording_id, rows)


async def begin_reassembly(tx: Connection, recording_id: UUID) -> None:
    """Let a complete transcript be put together again, from the words as they are known now."""
    await tx.execute(QUERIES["begin_reassembly"], recording_id)


async def forget_chunks(tx: Connection, recording_id: UUID) -> None:
    """Delete chunks with their words; where the bytes lie is kept, to hear them anew."""
    await tx.execute(QUERIES["forget_chunks"], recording_id)


async def forget(tx: Connection, recording_id: UUID) -> None:
    """Delete parts and chunks with their words; the bare row stays for late messages."""
    await tx.execute(QUERIES["forget_open_chunk"], recording_id)
    await tx.execute(QUERIES["forget_parts"], recording_id)
    await forget_chunks(tx, recording_id)


async def backlog(database: Database) -> asyncpg.Record | None:
    """Return what waits, one column each, and for how long: ``oldest_s``."""
    return await database.fetchrow(QUERIES["backlog"])


def _recording(row: asyncpg.Record) -> Recording:
    fields = {name: row[name] for name in Recording.__dataclass_fields__}
    if fields["turns"] is not None:
        fields["turns"] = tuple(
            Turn(start_ms=start, end_ms=end, speaker=speaker)
            for start, end, speaker in fields["turns"]
        )
    return Recording(**fields)


def _without(row: asyncpg.Record, name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def _chunk(row: asyncpg.Record) -> StoredChunk:
    return StoredChunk(
        index=row["chunk_index"],
        key=row["key"],
        start_ms=row["start_ms"],
        end_ms=row["end_ms"],
        state=row["state"],
        asked_language=row["asked_language"],
        guess=Guess(
            languages=tuple(row["guess"]),
            probability=row["guess_probability"],
            speech_ms=row["guess_speech_ms"],
        )
        if row["guess"]
        else None,
        model=row["model"],
        second_model=row["second_model"],
    )
