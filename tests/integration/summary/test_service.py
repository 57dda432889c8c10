"""The summary service on real PostgreSQL and NATS: once per update, never for a removed one."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest

from services.summary.app import http_app, open_parts
from services.summary.settings import Settings
from services.summary.usecases import (
    NewerTranscriptError,
    Summaries,
    TranscriptDamagedError,
    UpdateRemovedError,
)
from services.workspace import consumer
from services.workspace.projections.usecases import Keeper
from shared.blobs import Blobs, open_blobs
from shared.bus import Bus, Relay, Runner, enqueue
from shared.contracts import envelope
from shared.contracts import messages as m
from shared.contracts.summary import StatementKind
from shared.db import Database
from shared.errors import ConflictError
from shared.http.routes import serve
from shared.testing.streams import fresh_streams
from shared.testing.waiting import until
from tests.support.nats_server import TestNats
from tests.support.postgres import DatabaseFor, TestPostgres
from tests.support.said import CLOCK, NOON, Archive, completed, delivery, spoken_segment

pytestmark = pytest.mark.integration

SPOKEN = [
    spoken_segment(0, "This is an update on the search migration."),
    spoken_segment(1, "We have decided to move on Monday."),
    spoken_segment(2, "Anna will write the runbook"),
    spoken_segment(1000, "by Friday. Who tests the rollback?"),
]


@dataclass
class House:
    """The verbs of the service, and what they said."""

    database: Database
    blobs: Blobs
    summaries: Summaries

    async def said(self) -> list[m.SummaryCompleted]:
        rows = await self.database.fetch("select payload from outbox order by id")
        return [envelope.unpack(row["payload"])[1] for row in rows]  # type: ignore[misc] # only these


@pytest.fixture
async def house(database_for: DatabaseFor, tmp_path: Path) -> House:
    database = await database_for("summary")
    blobs = open_blobs(f"file://{tmp_path}")
    summaries = Summaries(database=database, blobs=blobs, clock=CLOCK)
    return House(database=database, blobs=blobs, summaries=summaries)


def place() -> dict[str, UUID]:
    return {"team_id": uuid4(), "thread_id": uuid4(), "update_id": uuid4()}


def posted(where: dict[str, UUID], *sentences: str, language: str | None = None) -> m.UpdatePosted:
    return m.UpdatePosted(
        **where,
        member_id=uuid4(),
        kind=m.UpdateKind.TEXT if sentences else m.UpdateKind.RECORDING,
        recording_id=None if sentences else uuid4(),
        language=language,
        sentences=sentences,
        posted_at=NOON,
    )


async def transcribed(house: House, where: dict[str, UUID]) -> m.TranscriptCompleted:
    recording_id = uuid4()
    anchor = m.RecordingExpired(**where, recording_id=recording_id)
    return await completed(house.blobs, anchor, recording_id, SPOKEN)


async def test_what_was_said_is_summarised_with_dates_from_the_day_it_was_posted(
    house: House,
) -> None:
    where = place()
    await house.summaries.on_posted(posted(where), delivery(house.database))
    late = delivery(house.database, second=9 * 24 * 3600)
    await house.summaries.on_transcribed(await transcribed(house, where), late)
    (summary,) = await house.said()
    kinds = {statement.kind: statement for statement in summary.statements}
    assert kinds[StatementKind.TITLE].text == "The search migration"
    action = kinds[StatementKind.ACTION]
    assert (action.owner, action.due, action.due_text) == ("Anna", date(2026, 3, 13), "by Friday")
    assert action.evidence[0].segment_ids == (2, 1000)
    assert (summary.update_id, summary.language) == (where["update_id"], "en")


async def test_what_was_written_is_summarised_too(house: House) -> None:
    fact = posted(place(), "Wir haben uns für den Umzug entschieden.", "Anna wird ihn planen.")
    await house.summaries.on_posted(fact, delivery(house.database))
    (summary,) = await house.said()
    assert summary.language == "de"
    assert {statement.kind for statement in summary.statements} >= {
        StatementKind.DECISION,
        StatementKind.ACTION,
    }
    assert summary.statements[0].evidence[0].start_ms is None


async def test_a_posted_recording_is_not_summarised_before_it_is_transcribed(house: House) -> None:
    await house.summaries.on_posted(posted(place()), delivery(house.database))
    assert await house.said() == []


async def test_a_transcript_may_come_before_its_update_is_known(house: House) -> None:
    await house.summaries.on_transcribed(
        await transcribed(house, place()), delivery(house.database)
    )
    assert len(await house.said()) == 1


async def test_a_redelivered_transcript_is_summarised_once(house: House) -> None:
    fact, message_id = await transcribed(house, place()), uuid4()
    await house.summaries.on_transcribed(fact, delivery(house.database, message_id=message_id))
    with pytest.raises(ConflictError):
        await house.summaries.on_transcribed(fact, delivery(house.database, message_id=message_id))
    assert len(await house.said()) == 1


async def test_a_better_transcript_is_summarised_anew_and_an_earlier_one_no_more(
    house: House,
) -> None:
    where, recording_id = place(), uuid4()
    anchor = m.RecordingExpired(**where, recording_id=recording_id)
    better = [spoken_segment(0, "This is an update on the kitchen renovation.")]
    first = await completed(house.blobs, anchor, recording_id, SPOKEN)
    second = await completed(house.blobs, anchor, recording_id, better, revision=1)
    await house.summaries.on_transcribed(second, delivery(house.database))
    with pytest.raises(NewerTranscriptError):
        await house.summaries.on_transcribed(first, delivery(house.database))
    (summary,) = await house.said()
    assert summary.statements[0].text == "The kitchen renovation"


async def test_two_transcripts_in_order_are_both_summarised(house: House) -> None:
    where, recording_id = place(), uuid4()
    anchor = m.RecordingExpired(**where, recording_id=recording_id)
    for revision in (0, 1):
        fact = await completed(house.blobs, anchor, recording_id, SPOKEN, revision=revision)
        await house.summaries.on_transcribed(fact, delivery(house.database))
    assert len(await house.said()) == 2


async def test_a_removed_update_is_never_summarised(house: House) -> None:
    where = place()
    fact = await transcribed(house, where)
    await house.summaries.on_posted(posted(where), delivery(house.database))
    await house.summaries.on_removed(m.UpdateRemoved(**where), delivery(house.database))
    await house.blobs.delete([fact.key])
    for handler, late in (
        (house.summaries.on_transcribed, fact),
        (house.summaries.on_posted, posted(where, "Late words come here.")),
    ):
        with pytest.raises(UpdateRemovedError):
            await handler(late, delivery(house.database))  # type: ignore[operator] # each its own
    assert await house.said() == []
    assert await house.database.fetchval("select posted_at from updates") is None


async def test_a_damaged_transcript_is_refused(house: House) -> None:
    fact = await transcribed(house, place())
    await house.blobs.put(fact.key, b"{}")
    with pytest.raises(TranscriptDamagedError):
        await house.summaries.on_transcribed(fact, delivery(house.database))


@pytest.fixture
async def bus(nats_server: TestNats) -> AsyncIterator[dict[str, Bus]]:
    """Give a signed-in bus for each service that speaks here, with fresh streams."""
    buses = {
        service: await Bus.connect(
            nats_server.url, service=service, credentials_file=nats_server.credentials(service)
        )
        for service in ("admin", "workspace", "transcription")
    }
    await fresh_streams(buses["admin"])
    yield buses
    for each in buses.values():
        await each.close()


async def test_from_the_transcript_to_the_title_over_the_bus(
    bus: dict[str, Bus],
    database_for: DatabaseFor,
    postgres_server: TestPostgres,
    nats_server: TestNats,
    tmp_path: Path,
) -> None:
    workspace, transcription = await database_for("workspace"), await database_for("transcription")
    blobs = open_blobs(f"file://{tmp_path}")
    archive = Archive(workspace)
    author = await archive.person("Olga")
    team_id = await archive.team(author)
    thread_id = await archive.thread(team_id, author)
    update_id = await archive.update(thread_id, author, language=None)
    recording_id = await workspace.fetchval("select recording_id from updates")
    where = {"team_id": team_id, "thread_id": thread_id, "update_id": update_id}
    anchor = m.RecordingExpired(**where, recording_id=recording_id)
    whole = await completed(blobs, anchor, recording_id, SPOKEN)
    name = await workspace.fetchval("select current_database()")
    settings = Settings(
        database_url=postgres_server.service_url(name, "summary"),
        nats_url=nats_server.url,
        nats_credentials_file=nats_server.credentials("summary"),
        blob_url=f"file://{tmp_path}",
    )
    runner = Runner(bus["workspace"], workspace, CLOCK)
    for durable, handlers in consumer.handlers(Keeper(database=workspace, blobs=blobs)).items():
        runner.on(durable, handlers)
    async with open_parts(settings) as parts:
        running = [
            asyncio.create_task(each.run())
            for each in (
                runner,
                parts.runner,
                parts.relay,
                Relay(bus["workspace"], workspace, CLOCK),
                Relay(bus["transcription"], transcription, CLOCK),
            )
        ]
        async with workspace.transaction() as tx:
            await enqueue(tx, posted(where), clock=CLOCK)
        async with transcription.transaction() as tx:
            await enqueue(tx, whole, clock=CLOCK)

        async def is_summarised() -> Any:
            return await workspace.fetchrow(
                "select title, transcript_state from updates where summary_state = 'complete'"
            )

        row = await until(is_summarised)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    assert tuple(row) == ("The search migration", "complete")
    quotes = await workspace.fetchval("select count(*) from statements")
    assert quotes >= 4


async def test_the_process_says_whether_it_is_ready(
    database_for: DatabaseFor, postgres_server: TestPostgres, nats_server: TestNats, tmp_path: Path
) -> None:
    name = await (await database_for("summary")).fetchval("select current_database()")
    settings = Settings(
        database_url=postgres_server.service_url(name, "summary"),
        nats_url=nats_server.url,
        nats_credentials_file=nats_server.credentials("summary"),
        blob_url=f"file://{tmp_path}",
    )
    async with (
        open_parts(settings) as parts,
        serve(http_app(parts, settings), "127.0.0.1", 0) as url,
        aiohttp.ClientSession() as http,
        http.get(f"{url}/readyz") as reply,
    ):
        assert reply.status == 200
