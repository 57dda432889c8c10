"""What other services tell is kept, and any order of the same facts ends in the same place."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.workspace import consumer
from services.workspace.projections.domain import (
    NewerTranscriptError,
    UpdateRemovedError,
    UpdateUnknownError,
)
from services.workspace.projections.usecases import Keeper, TranscriptDamagedError, keep_written
from services.workspace.updates.store import await_renewal
from shared.blobs import Blobs, open_blobs
from shared.bus import Handler
from shared.contracts import messages as m
from shared.contracts import registry
from shared.contracts.summary import Evidence, Statement, StatementKind
from shared.contracts.transcript import Word
from shared.db import Database
from shared.errors import ConflictError, MissingError
from shared.ids import derived_id
from tests.support.postgres import DatabaseFor
from tests.support.said import NOON, Archive, completed, deliver, delivery, spoken_segment

pytestmark = pytest.mark.integration

GREETING = "Good morning everyone."
NEWS = "The database replication is fast again."
PLAN = "We ship the migration on Friday."


@dataclass
class House:
    """A thread to post in, and the handlers under test."""

    database: Database
    blobs: Blobs
    keeper: Keeper
    archive: Archive
    team_id: UUID
    thread_id: UUID
    author: Any
    straight: dict[str, dict[str, Any]] = field(default_factory=dict)

    def handler(self, fact: m.Message) -> Handler:
        every = consumer.handlers(self.keeper).values()
        return next(of_one[type(fact)] for of_one in every if type(fact) in of_one)

    async def post(self, title: str | None = None) -> tuple[dict[str, UUID], UUID]:
        """Return the place of a new update and its recording."""
        update_id = await self.archive.update(
            self.thread_id, self.author, language=None, title=title
        )
        place = {
            "team_id": self.team_id,
            "thread_id": self.thread_id,
            "update_id": update_id,
        }
        recording_id = await self.database.fetchval(
            "select recording_id from updates where id = $1", update_id
        )
        return place, recording_id

    async def tell(self, fact: m.Message, second: int = 0) -> None:
        await self.handler(fact)(fact, delivery(self.database, second=second))

    async def state(self, update_id: UUID) -> dict[str, Any]:
        """Return everything kept about an update, without what differs between two of them."""
        row = await self.database.fetchrow("select * from updates where id = $1", update_id)
        assert row is not None
        kept = {name: value for name, value in row.items() if name not in {"id", "recording_id"}}
        for table, order in (("segments", "id"), ("statements", "number")):
            rows = await self.database.fetch(
                f"select * from {table} where update_id = $1 order by {order}",  # noqa: S608
                update_id,
            )
            kept[table] = [{**each, "update_id": None} for each in rows]
        kept["passages"] = [
            tuple(each)
            for each in await self.database.fetch(
                "select source, first_segment, last_segment, language, folded from passages"
                " where update_id = $1 order by source, first_segment",
                update_id,
            )
        ]
        kept["words"] = await self.database.fetchval(
            "select array_agg(word order by word) from update_words where update_id = $1", update_id
        )
        return kept


@pytest.fixture
async def house(database_for: DatabaseFor, tmp_path: Path) -> House:
    database = await database_for("workspace")
    blobs = open_blobs(f"file://{tmp_path}")
    archive = Archive(database)
    author = await archive.person("Anna")
    team_id = await archive.team(author)
    return House(
        database=database,
        blobs=blobs,
        keeper=Keeper(database=database, blobs=blobs),
        archive=archive,
        team_id=team_id,
        thread_id=await archive.thread(team_id, author),
        author=author,
    )


def ready(place: dict[str, UUID], recording_id: UUID, *kinds: str, duration_ms: int) -> m.Message:
    renditions = tuple(
        m.Rendition(
            kind=m.RenditionKind(kind),
            key=f"recordings/{kind}",
            media_type="video/mp4",
            size_bytes=1,
            sha256="0" * 64,
        )
        for kind in kinds
    )
    return m.RecordingReady(
        **place,
        recording_id=recording_id,
        duration_ms=duration_ms,
        has_video="video" in kinds,
        renditions=renditions,
    )


def summary(place: dict[str, UUID], title: str) -> m.SummaryCompleted:
    evidence = (Evidence(segment_ids=(1,), start_ms=5_000, end_ms=9_900, quote="replication"),)
    return m.SummaryCompleted(
        **place,
        language="en",
        statements=(
            Statement(kind=StatementKind.TITLE, text=title, evidence=evidence),
            Statement(kind=StatementKind.GIST, text=NEWS, evidence=evidence),
        ),
    )


SEGMENTS = [spoken_segment(0, GREETING), spoken_segment(1, NEWS), spoken_segment(1000, PLAN)]

BETTER = [
    spoken_segment(0, "Goedemorgen allemaal.", "nl"),
    spoken_segment(1, "We verhuizen op vrijdag.", "nl"),
]

STORIES = ("good", "refused", "expired", "silent", "repaired", "refused-late", "revised")


async def story(
    house: House, name: str, place: dict[str, UUID], recording: UUID
) -> list[m.Message]:
    """Return the facts of one recording's life, in the order in which they happened."""
    about = {**place, "recording_id": recording}
    started = m.RecordingStarted(**about, is_live=True)
    arrived = m.RecordingCompleted(**about, part_count=1, size_bytes=1)
    grown = [
        m.TranscriptGrew(**about, segments=tuple(SEGMENTS[:1]), known_ms=5_000, arrived_ms=6_000),
        m.TranscriptGrew(**about, segments=tuple(SEGMENTS[1:]), known_ms=9_900, arrived_ms=9_900),
    ]
    whole = await completed(house.blobs, started, recording, SEGMENTS)
    revised = await completed(house.blobs, started, recording, BETTER, revision=1)
    silent = m.TranscriptFailed(**about, code="no-speech-found", detail="Nobody speaks.")
    refused = m.RecordingRefused(**about, code="media-unreadable", detail="Not a recording.")
    first = ready(place, recording, "audio", duration_ms=9_900)
    better = ready(place, recording, "audio", "video", duration_ms=9_901)
    return {
        "good": [
            *(started, *grown, arrived, first, whole, better),
            *(summary(place, "First title"), summary(place, "Second title")),
        ],
        "refused": [started, grown[0], arrived, refused, silent],
        "refused-late": [started, arrived, silent, refused],
        "expired": [started, *grown, m.RecordingExpired(**about), silent],
        "silent": [started, arrived, first, silent],
        "revised": [
            *(started, grown[0], arrived, first, whole, summary(place, "A title")),
            *(revised, summary(place, "De verhuizing")),
        ],
        "repaired": [started, grown[0], silent, arrived, whole, first, summary(place, "A title")],
    }[name]


async def live(house: House, name: str, order: Sequence[int] | None = None) -> dict[str, Any]:
    """Let a recording live its story, told in some order, and return where it ends."""
    place, recording = await house.post()
    facts = await story(house, name, place, recording)
    for index in order or range(len(facts)):
        fact = facts[index % len(facts)]
        # A repeat is the same message, told at the same time.
        message_id = derived_id(place["update_id"], index % len(facts))
        given_now = delivery(house.database, second=index % len(facts), message_id=message_id)
        await deliver(house.handler(fact), fact, given_now)
    return await house.state(place["update_id"])


@pytest.mark.parametrize("name", STORIES)
@settings(
    deadline=None,
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_any_order_of_the_same_facts_ends_in_the_same_place(
    house: House, name: str, data: st.DataObject
) -> None:
    if name not in house.straight:
        house.straight[name] = await live(house, name)
    place, recording = await house.post()
    count = len(await story(house, name, place, recording))
    order = data.draw(st.permutations(range(count)))
    repeats = data.draw(st.lists(st.integers(0, count - 1), max_size=4))
    assert await live(house, name, [*order, *repeats]) == house.straight[name]


async def test_a_good_recording_ends_complete_and_titled(house: House) -> None:
    end = await live(house, "good")
    states = [end[f"{what}_state"] for what in ("recording", "transcript", "summary")]
    assert states == ["ready", "complete", "complete"]
    assert (end["title"], end["title_by"], end["language"]) == ("Second title", "summary", "en")
    assert (end["duration_ms"], end["has_video"], end["problem_code"]) == (9_901, True, None)
    assert [each["text"] for each in end["segments"]] == [GREETING, NEWS, PLAN]
    assert [each["kind"] for each in end["statements"]] == ["title", "gist"]


async def test_a_better_transcript_takes_the_place_of_the_first_in_text_and_search(
    house: House,
) -> None:
    end = await live(house, "revised")
    assert (end["transcript_revision"], end["language"]) == (1, "nl")
    assert [each["text"] for each in end["segments"]] == [each.text for each in BETTER]
    assert "verhuizen" in end["words"]
    assert "replication" not in end["words"]


async def test_only_the_answer_to_the_latest_wish_ends_the_waiting(house: House) -> None:
    place, recording = await house.post()
    anchor = m.RecordingExpired(**place, recording_id=recording)
    wish = uuid4()
    await house.tell(await completed(house.blobs, anchor, recording, SEGMENTS))

    async def renewal(answer: m.Message) -> Any:
        async with house.database.transaction() as tx:
            await await_renewal(tx, place["update_id"], wish, NOON)
        await house.tell(answer)
        state = await house.state(place["update_id"])
        assert state["transcript_state"] == "complete"
        assert state["problem_code"] is None
        return state["renewal_state"]

    better = await completed(house.blobs, anchor, recording, BETTER, revision=1)
    failed = m.TranscriptFailed(
        **place, recording_id=recording, request_id=wish, code="engine-failed", detail=""
    )
    assert await renewal(better) == "waiting"
    assert await renewal(better.model_copy(update={"request_id": uuid4()})) == "waiting"
    assert await renewal(failed) == "failed"
    assert await renewal(better.model_copy(update={"request_id": wish})) is None


async def test_an_earlier_transcript_that_comes_late_changes_nothing(house: House) -> None:
    place, recording = await house.post()
    anchor = m.RecordingExpired(**place, recording_id=recording)
    first = await completed(house.blobs, anchor, recording, SEGMENTS)
    await house.tell(await completed(house.blobs, anchor, recording, BETTER, revision=1))
    with pytest.raises(NewerTranscriptError):
        await house.tell(first, second=9)
    kept = (await house.state(place["update_id"]))["segments"]
    assert [each["text"] for each in kept] == [each.text for each in BETTER]


@pytest.mark.parametrize(
    ("name", "recording_state", "code"),
    [
        ("refused", "refused", "media-unreadable"),
        ("refused-late", "refused", "media-unreadable"),
        ("expired", "expired", "recording-expired"),
        ("silent", "ready", "no-speech-found"),
    ],
)
async def test_a_lost_recording_says_why_and_waits_for_nothing(
    house: House, name: str, recording_state: str, code: str
) -> None:
    end = await live(house, name)
    assert (end["recording_state"], end["problem_code"]) == (recording_state, code)
    assert (end["transcript_state"], end["summary_state"]) == ("failed", "none")


async def test_what_grows_can_be_read_and_found_before_it_is_whole(house: House) -> None:
    place, recording = await house.post()
    for number in range(40):
        segment = spoken_segment(number, f"This is sentence number {number} of a longer talk.")
        fact = m.TranscriptGrew(
            **place, recording_id=recording, segments=(segment,), known_ms=0, arrived_ms=0
        )
        await house.tell(fact)
    grown = await house.state(place["update_id"])
    assert grown["transcript_state"] == "growing"
    assert len(grown["segments"]) == 40
    other, other_recording = await house.post()
    at_once = [
        spoken_segment(n, f"This is sentence number {n} of a longer talk.") for n in range(40)
    ]
    anchor = m.RecordingExpired(**other, recording_id=other_recording)
    await house.tell(await completed(house.blobs, anchor, other_recording, at_once))
    assert (await house.state(other["update_id"]))["passages"] == grown["passages"]


async def test_the_authors_title_stays(house: House) -> None:
    place, _ = await house.post(title="My own title")
    await house.tell(summary(place, "Another title"))
    end = await house.state(place["update_id"])
    assert (end["title"], end["title_by"]) == ("My own title", "author")


async def test_an_older_summary_changes_nothing(house: House) -> None:
    place, _ = await house.post()
    await house.tell(summary(place, "Newer"), second=5)
    with pytest.raises(ConflictError):
        await house.tell(summary(place, "Older"), second=4)
    assert (await house.state(place["update_id"]))["title"] == "Newer"


async def test_a_redelivered_fact_has_no_second_effect(house: House) -> None:
    place, _ = await house.post()
    fact, message_id = summary(place, "Title"), uuid4()
    await house.keeper.keep_summary(fact, delivery(house.database, message_id=message_id))
    with pytest.raises(ConflictError):
        await house.keeper.keep_summary(
            fact, delivery(house.database, second=9, message_id=message_id)
        )


async def test_a_removed_update_takes_nothing_and_keeps_nothing(house: House) -> None:
    place, recording = await house.post()
    facts = await story(house, "good", place, recording)
    for second, fact in enumerate(facts[:-1]):
        await deliver(house.handler(fact), fact, delivery(house.database, second=second))
    await house.archive.remove(place["update_id"])
    for fact in facts:
        with pytest.raises(UpdateRemovedError):
            await house.tell(fact, second=60)
    end = await house.state(place["update_id"])
    assert (end["segments"], end["statements"], end["passages"], end["words"]) == ([], [], [], None)


async def test_a_removed_update_is_not_read_from_its_blob(house: House) -> None:
    place, recording = await house.post()
    anchor = m.RecordingExpired(**place, recording_id=recording)
    whole = await completed(house.blobs, anchor, recording, SEGMENTS)
    await house.blobs.delete([whole.key])
    await house.archive.remove(place["update_id"])
    with pytest.raises(UpdateRemovedError):
        await house.tell(whole)


async def test_a_fact_about_an_unknown_update_is_tried_again(house: House) -> None:
    place, recording = await house.post()
    unknown = {**place, "update_id": uuid4()}
    with pytest.raises(UpdateUnknownError):
        await house.tell(m.RecordingStarted(**unknown, recording_id=recording, is_live=False))
    with pytest.raises(UpdateUnknownError):
        await house.tell(m.RecordingStarted(**place, recording_id=uuid4(), is_live=False))
    assert UpdateUnknownError.retryable


async def test_a_transcript_that_is_not_the_announced_one_is_refused(house: House) -> None:
    place, recording = await house.post()
    anchor = m.RecordingExpired(**place, recording_id=recording)
    whole = await completed(house.blobs, anchor, recording, SEGMENTS)
    await house.blobs.put(whole.key, b"{}")
    with pytest.raises(TranscriptDamagedError):
        await house.tell(whole)
    await house.blobs.delete([whole.key])
    with pytest.raises(MissingError):
        await house.tell(whole)


async def test_characters_the_database_cannot_keep_are_left_out(house: House) -> None:
    place, recording = await house.post()
    word = Word(start_ms=0, end_ms=1, text="nu\x00ll", confidence=1)
    segment = spoken_segment(0, "A nu\x00ll byte.").model_copy(update={"words": (word,)})
    fact = m.TranscriptGrew(
        **place, recording_id=recording, segments=(segment,), known_ms=0, arrived_ms=0
    )
    await house.tell(fact)
    (kept,) = (await house.state(place["update_id"]))["segments"]
    assert (kept["text"], kept["words"][0]["text"]) == ("A null byte.", "null")


async def test_written_sentences_become_segments_without_times(house: House) -> None:
    place, _ = await house.post()
    async with house.database.transaction() as tx:
        await keep_written(tx, place["update_id"], ["First.", "Second."], "en")
    end = await house.state(place["update_id"])
    assert [(each["id"], each["text"], each["start_ms"]) for each in end["segments"]] == [
        (0, "First.", None),
        (1, "Second.", None),
    ]


async def test_the_time_of_the_last_change_is_that_of_the_newest_fact(house: House) -> None:
    end = await live(house, "silent")
    assert end["changed_at"] == NOON + timedelta(seconds=3)


def test_every_message_of_the_registry_has_its_handler(tmp_path: Path) -> None:
    unused: Any = None
    keeper = Keeper(database=unused, blobs=open_blobs(f"file://{tmp_path}"))
    for durable, handlers in consumer.handlers(keeper).items():
        assert set(handlers) == set(registry.CONSUMER_BY_DURABLE[durable].messages)
