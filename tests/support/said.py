"""A workspace database in which people have said things, and facts as the bus delivers them."""

import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from services.workspace.domain import Asker
from services.workspace.projections import store
from services.workspace.transcripts.domain import StoredSegment
from shared.blobs import Blobs
from shared.bus import Delivery, Handler
from shared.clock import SystemClock
from shared.contracts import messages as m
from shared.contracts.transcript import Segment, Transcript
from shared.db import Database
from shared.errors import ConflictError
from shared.ids import new_id

CLOCK = SystemClock()
NOON = datetime(2026, 3, 11, 12, tzinfo=UTC)


@dataclass
class Archive:
    """People, teams and threads, and what was said in them."""

    database: Database
    posted: dict[str, UUID] = field(default_factory=dict)

    async def person(self, name: str) -> Asker:
        person_id = new_id(CLOCK)
        await self.database.execute(
            "insert into people (id, email, name, created_at) values ($1, $2, $3, $4)",
            person_id,
            f"{person_id}@example.org",
            name,
            NOON,
        )
        return Asker(person_id=person_id)

    async def team(self, owner: Asker) -> UUID:
        team_id = new_id(CLOCK)
        await self.database.execute(
            "insert into teams (id, name, founded_at) values ($1, 'Team', $2)", team_id, NOON
        )
        await self.join(team_id, owner, "owner")
        return team_id

    async def join(self, team_id: UUID, person: Asker, role: str) -> None:
        await self.database.execute(
            "insert into memberships values ($1, $2, $3, $4)", team_id, person.person_id, role, NOON
        )

    async def thread(self, team_id: UUID, owner: Asker, title: str = "Topic") -> UUID:
        thread_id = new_id(CLOCK)
        await self.database.execute(
            "insert into threads (id, team_id, title, opened_by, opened_at)"
            " values ($1, $2, $3, $4, $5)",
            *(thread_id, team_id, title, owner.person_id, NOON),
        )
        return thread_id

    async def admit_guest(self, team_id: UUID, thread_id: UUID, guest: Asker) -> None:
        await self.database.execute(
            "insert into thread_guests values ($1, $2, $3, $4)",
            *(thread_id, team_id, guest.person_id, NOON),
        )

    async def update(
        self,
        thread_id: UUID,
        author: Asker,
        *sentences: str,
        language: str | None = "en",
        title: str | None = None,
        posted_at: datetime = NOON,
    ) -> UUID:
        """Post a spoken update that is transcribed already; a sentence is a segment of 5 s."""
        update_id, recording_id = new_id(CLOCK), new_id(CLOCK)
        async with self.database.transaction() as tx:
            await tx.execute(
                "insert into updates (id, team_id, thread_id, author_id, kind, title, title_by,"
                " language, recording_id, recording_state, transcript_state, summary_state,"
                " posted_at, changed_at) select $1, t.team_id, t.id, $3, 'recording', $4,"
                " case when $4::text is null then null else 'author' end, $5, $6, 'waiting',"
                " 'waiting', 'waiting', $7, $7 from threads t where t.id = $2",
                *(update_id, thread_id, author.person_id, title, language, recording_id, posted_at),
            )
            await store.replace_segments(tx, update_id, segments_of(sentences, language))
        return update_id

    async def comment(self, update_id: UUID, author: Asker, text: str, at_ms: int | None) -> UUID:
        comment_id = new_id(CLOCK)
        await self.database.execute(
            "insert into comments (id, update_id, author_id, at_ms, text, posted_at, changed_at)"
            " values ($1, $2, $3, $4, $5, $6, $6)",
            *(comment_id, update_id, author.person_id, at_ms, text, NOON),
        )
        return comment_id

    async def remove(self, update_id: UUID) -> None:
        await self.database.execute(
            "update updates set removed_at = $2, title = null, title_by = null where id = $1",
            *(update_id, NOON),
        )


def segments_of(sentences: Sequence[str], language: str | None) -> list[StoredSegment]:
    return [
        StoredSegment(
            id=number,
            start_ms=number * 5_000,
            end_ms=number * 5_000 + 4_900,
            text=sentence,
            language=language,
        )
        for number, sentence in enumerate(sentences)
    ]


def spoken_segment(number: int, text: str, language: str = "en") -> Segment:
    return Segment(
        id=number,
        start_ms=number * 5_000,
        end_ms=number * 5_000 + 4_900,
        text=text,
        language=language,
        language_probability=0.9,
        confidence=0.8,
    )


async def completed(
    blobs: Blobs,
    place: m.UpdateFact,
    recording_id: UUID,
    segments: Sequence[Segment],
    revision: int = 0,
) -> m.TranscriptCompleted:
    """Store a transcript and return the fact that announces it."""
    content = (
        Transcript(
            update_id=place.update_id,
            recording_id=recording_id,
            language=segments[0].language,
            duration_ms=segments[-1].end_ms,
            model="test",
            segments=tuple(segments),
        )
        .model_dump_json()
        .encode()
    )
    key = f"transcripts/{recording_id}/{revision}.json"
    await blobs.put(key, content)
    return m.TranscriptCompleted(
        team_id=place.team_id,
        thread_id=place.thread_id,
        update_id=place.update_id,
        recording_id=recording_id,
        revision=revision,
        language=segments[0].language,
        duration_ms=segments[-1].end_ms,
        segment_count=len(segments),
        word_count=0,
        key=key,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def delivery(database: Database, *, second: int = 0, message_id: UUID | None = None) -> Delivery:
    """Return a delivery of a message made so many seconds after noon."""

    async def in_progress() -> None:
        """Tell nobody."""

    return Delivery(
        consumer="test",
        message_id=message_id or uuid4(),
        subject="test",
        attempt=1,
        time=NOON + timedelta(seconds=second),
        _database=database,
        _clock=CLOCK,
        _in_progress=in_progress,
    )


async def deliver(handler: Handler, fact: m.Message, given: Delivery) -> None:
    """Handle a fact as the runner does: a conflict means that there is nothing left to do."""
    with contextlib.suppress(ConflictError):
        await handler(fact, given)
