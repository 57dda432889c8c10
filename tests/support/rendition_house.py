"""Uploads that are complete, and the use cases that make them playable, on real rows and blobs."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from services.upload.long_places import LongPlaces
from services.upload.renditions import Renditions
from shared.blobs import Blobs
from shared.bus import Delivery
from shared.clock import SystemClock
from shared.contracts.messages import RenditionRequest, TranscodeRequest
from shared.db import Database
from shared.media.workroom import Workroom

TEAM = UUID("0198a2b0-0000-7000-8000-000000000001")


@dataclass(kw_only=True)
class RenditionHouse:
    """One media worker, given its wishes by hand."""

    database: Database
    blobs: Blobs
    place: Path
    clock: SystemClock = field(default_factory=SystemClock)
    long_places: LongPlaces = field(default_factory=LongPlaces)

    @property
    def renditions(self) -> Renditions:
        """The use cases under test."""
        return Renditions(
            database=self.database,
            blobs=self.blobs,
            clock=self.clock,
            workroom=Workroom(self.place),
            long_places=self.long_places,
        )

    async def uploaded(self, data: bytes, *, parts: int = 1, max_seconds: int = 3600) -> UUID:
        """Store the bytes as a complete upload that waits for probing."""
        recording_id, now = uuid4(), self.clock.now()
        await self.database.execute(
            "INSERT INTO upload (recording_id, team_id, thread_id, update_id, member_id,"
            " length_bytes, offset_bytes, part_count, state, max_bytes, max_seconds,"
            " expires_at, created_at, updated_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $6, $7, 'complete', 1 << 30, $8, $9, $9, $9)",
            *(recording_id, TEAM, uuid4(), uuid4(), uuid4()),
            *(len(data), parts if data else 0, max_seconds, now),
        )
        size = max(1, -(-len(data) // parts))
        for number, start in enumerate(range(0, len(data), size)):
            await self._store_part(recording_id, number, start, data[start : start + size])
        await self.database.execute(
            "INSERT INTO recording (recording_id, updated_at) VALUES ($1, $2)", recording_id, now
        )
        return recording_id

    async def make(
        self, recording_id: UUID, message_id: UUID | None = None, *, attempt: int = 1
    ) -> None:
        """Hand over the wish for renditions."""
        wish = RenditionRequest(team_id=TEAM, recording_id=recording_id)
        delivery = self.delivery("upload-make-renditions", message_id, attempt=attempt)
        await self.renditions.make(wish, delivery)

    async def transcode(
        self, recording_id: UUID, message_id: UUID | None = None, *, attempt: int = 1
    ) -> None:
        """Hand over the wish for a transcode."""
        wish = TranscodeRequest(team_id=TEAM, recording_id=recording_id)
        delivery = self.delivery("upload-transcode", message_id, attempt=attempt)
        await self.renditions.transcode(wish, delivery)

    def delivery(
        self, consumer: str, message_id: UUID | None = None, *, attempt: int = 1
    ) -> Delivery:
        """Return one attempt."""

        async def nothing() -> None:
            pass

        return Delivery(
            consumer=consumer,
            message_id=message_id or uuid4(),
            subject="test",
            attempt=attempt,
            time=self.clock.now(),
            _database=self.database,
            _clock=self.clock,
            _in_progress=nothing,
        )

    async def said(self, recording_id: UUID) -> list[tuple[str, dict[str, Any]]]:
        """Return type and data of what was said about a recording, in order."""
        rows = await self.database.fetch("SELECT payload FROM outbox ORDER BY id")
        told = [json.loads(row["payload"]) for row in rows]
        return [
            (one["type"].removeprefix("tidings."), one["data"])
            for one in told
            if one["data"].get("recording_id") == str(recording_id)
        ]

    async def row(self, recording_id: UUID) -> dict[str, Any]:
        """Return what is known of a recording."""
        found = await self.database.fetchrow(
            "SELECT * FROM recording WHERE recording_id = $1", recording_id
        )
        assert found is not None
        return dict(found)

    async def forms(self, recording_id: UUID) -> dict[str, dict[str, Any]]:
        """Return the rendition rows by kind."""
        rows = await self.database.fetch(
            "SELECT * FROM rendition WHERE recording_id = $1", recording_id
        )
        return {row["kind"]: dict(row) for row in rows}

    async def bytes_of(self, key: str) -> bytes:
        """Return a whole blob."""
        return b"".join([piece async for piece in self.blobs.read(key)])

    async def fetched(self, recording_id: UUID, kind: str, folder: Path) -> Path:
        """Copy a rendition to a local file."""
        row = (await self.forms(recording_id))[kind]
        path = folder / Path(row["key"]).name
        await self.blobs.fetch([row["key"]], path)
        return path

    async def _store_part(self, recording_id: UUID, number: int, start: int, piece: bytes) -> None:
        key = f"recordings/{recording_id}/parts/{number:06d}-test"
        await self.blobs.put(key, piece)
        await self.database.execute(
            "INSERT INTO part (recording_id, number, offset_bytes, size_bytes, sha256, key)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            *(recording_id, number, start, len(piece), hashlib.sha256(piece).hexdigest(), key),
        )
