"""Correcting what was heard: formats, captions and search follow, and it can be undone."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from services.workspace.projections.usecases import Keeper
from services.workspace.replies import sweep as sweep_replies
from shared.contracts import messages as m
from shared.contracts.summary import Evidence, Statement, StatementKind
from shared.contracts.transcript import Segment, Word
from shared.errors import ConflictError
from tests.support.said import completed, delivery
from tests.support.workspace_house import Caller, Cast, Reply

pytestmark = pytest.mark.integration

HEARD = ("We ship the marmalade on Friday.", "Anna tells the harbour.")


def spoken(*sentences: str) -> list[Segment]:
    """Return sentences with a word every half second."""
    segments = []
    start_ms = 0
    for number, sentence in enumerate(sentences):
        words = []
        for text in sentence.split():
            words.append(
                Word(start_ms=start_ms, end_ms=start_ms + 400, text=f" {text}", confidence=0.4)
            )
            start_ms += 500
        segments.append(
            Segment(
                id=number,
                start_ms=words[0].start_ms,
                end_ms=words[-1].end_ms,
                text=sentence,
                language="en",
                language_probability=0.9,
                confidence=0.4,
                words=tuple(words),
            )
        )
    return segments


class Spoken:
    """A recording of the member whose words are known."""

    def __init__(self, cast: Cast, update: Any) -> None:
        self.cast = cast
        self.id = str(update["id"])
        self.path = f"/api/v1/updates/{self.id}"
        self.recording_id = UUID(update["recording"]["id"])

    async def transcribe(self, *sentences: str, revision: int = 0) -> None:
        """Let the transcription tell that these were said, perhaps once more."""
        house = self.cast.house
        place = m.UpdateFact(
            team_id=UUID(self.cast.team_id),
            thread_id=UUID(self.cast.thread_id),
            update_id=UUID(self.id),
        )
        fact = await completed(
            house.workspace.blobs, place, self.recording_id, spoken(*sentences), revision
        )
        keeper = Keeper(database=house.database, blobs=house.workspace.blobs)
        await keeper.keep_transcript(fact, delivery(house.database))

    async def summarise(self, *statements: Statement) -> None:
        """Let the summary tell what it comes to."""
        fact = m.SummaryCompleted(
            team_id=UUID(self.cast.team_id),
            thread_id=UUID(self.cast.thread_id),
            update_id=UUID(self.id),
            language="en",
            statements=statements,
        )
        house = self.cast.house
        keeper = Keeper(database=house.database, blobs=house.workspace.blobs)
        await keeper.keep_summary(fact, delivery(house.database))

    async def summary(self) -> list[Any]:
        reply = await self.cast.member.get(f"{self.path}/summary")
        return list(reply.json["statements"])

    async def title(self) -> str:
        return str((await self.cast.member.get(self.path)).json["title"])

    async def text(self, kind: str = "txt") -> str:
        reply = await self.cast.member.get(f"{self.path}/transcript?format={kind}")
        assert reply.status == 200, reply.body
        return reply.body.decode()

    async def correct(self, caller: Caller, original: str, replacement: str, at_ms: int) -> Reply:
        body = {
            "start_ms": at_ms,
            "end_ms": at_ms + 400,
            "original": original,
            "replacement": replacement,
        }
        return await caller.post(f"{self.path}/corrections", body)

    async def hits(self, word: str) -> list[str]:
        """Return the ids of updates in which the member finds a word."""
        found = await self.cast.member.get(f"/api/v1/search?q={word}")
        return [moment["update_id"] for each in found.json["items"] for moment in each["moments"]]


@pytest.fixture
async def told(cast: Cast) -> Spoken:
    path = f"/api/v1/threads/{cast.thread_id}/updates"
    posted = await cast.member.post(path, {"kind": "recording", "title": "Plan"})
    told = Spoken(cast, posted.json["update"])
    await told.transcribe(*HEARD)
    return told


async def test_every_format_follows_a_correction_and_the_original_stays(told: Spoken) -> None:
    made = await told.correct(told.cast.owner, "marmalade", "Marmolada", 1_500)
    assert made.status == 201, made.body

    for kind in ("txt", "md", "vtt", "srt", "json"):
        text = await told.text(kind)
        assert "Marmolada" in text, kind
        assert kind == "json" or "marmalade" not in text, kind
    data = json.loads(await told.text("json"))
    assert data["segments"][0]["original"] == HEARD[0]
    assert "original" not in data["segments"][1]
    word = data["segments"][0]["words"][3]
    assert (word["word"], word["correction"]) == (" Marmolada", made.json["id"])
    (told_of,) = data["corrections"]
    assert (told_of["original"], told_of["author_name"]) == ("marmalade", "Olga")


async def test_search_follows_a_correction_and_its_withdrawal(told: Spoken) -> None:
    made = (await told.correct(told.cast.member, "marmalade", "Kirchturm", 1_500)).json
    assert told.id in await told.hits("Kirchturm")
    assert told.id not in await told.hits("marmalade")

    assert (await told.cast.member.delete(f"/api/v1/corrections/{made['id']}")).status == 204
    assert told.id not in await told.hits("Kirchturm")
    assert told.id in await told.hits("marmalade")
    assert await told.text() == f"{' '.join(HEARD)}\n"
    assert "original" not in json.loads(await told.text("json"))["segments"][0]


async def test_a_correction_survives_a_transcript_made_anew(told: Spoken) -> None:
    made = (await told.correct(told.cast.member, "marmalade", "Marmolada", 1_500)).json
    await told.transcribe("We ship", "the mar malade on Friday.", "Anna tells the harbour.")

    assert "We ship the Marmolada on Friday." in await told.text()
    assert told.id in await told.hits("Marmolada")
    await told.cast.member.delete(f"/api/v1/corrections/{made['id']}")
    assert "the mar malade on" in await told.text()


async def test_a_correction_survives_a_second_look_at_doubtful_words(told: Spoken) -> None:
    made = (await told.correct(told.cast.member, "marmalade", "Marmolada", 1_500)).json
    await told.transcribe("We shipped the marmolade on Sunday.", HEARD[1], revision=1)

    text = "We shipped the Marmolada on Sunday."
    for kind in ("txt", "md", "vtt", "srt", "json"):
        assert text in await told.text(kind), kind
    assert told.id in await told.hits("shipped")
    assert told.id in await told.hits("Marmolada")
    (told_of,) = json.loads(await told.text("json"))["corrections"]
    assert told_of["id"] == made["id"]
    with pytest.raises(ConflictError):
        await told.transcribe(*HEARD)
    assert text in await told.text()


def statement(kind: StatementKind, text: str, *, owner: str | None = None) -> Statement:
    """Return a statement that rests on the first sentence."""
    evidence = Evidence(segment_ids=(0,), start_ms=0, end_ms=2_900, quote=text)
    return Statement(kind=kind, text=text, owner=owner, evidence=(evidence,))


async def test_the_summary_follows_a_correction_and_its_withdrawal(told: Spoken) -> None:
    untitled = {"title": None}
    version = (await told.cast.member.get(told.path)).headers["ETag"]
    author = told.cast.member.with_headers(If_Match=version)
    assert (await author.patch(told.path, untitled)).status == 200
    action = statement(StatementKind.ACTION, "Marmalade, ship it on Friday.", owner="Marmalade")
    await told.summarise(statement(StatementKind.TITLE, "The marmalade on Friday"), action)
    before = await told.summary()

    made = await told.correct(told.cast.owner, "marmalade", "Marmolada", 1_500)
    title, acts = await told.summary()
    assert await told.title() == title["text"] == "The Marmolada on Friday"
    assert (acts["text"], acts["owner"]) == ("Marmolada, ship it on Friday.", "Marmolada")
    assert acts["evidence"][0]["quote"] == acts["text"]

    await told.cast.member.delete(f"/api/v1/corrections/{made.json['id']}")
    assert await told.summary() == before
    assert await told.title() == "The marmalade on Friday"


async def test_a_summary_that_names_nothing_follows_too(told: Spoken) -> None:
    path = f"/api/v1/threads/{told.cast.thread_id}/updates"
    posted = await told.cast.member.post(path, {"kind": "recording"})
    untitled = Spoken(told.cast, posted.json["update"])
    await untitled.transcribe(*HEARD)
    await untitled.summarise(statement(StatementKind.GIST, "We ship the marmalade on Friday."))
    made = await untitled.correct(told.cast.owner, "marmalade", "Marmolada", 1_500)
    (gist,) = await untitled.summary()
    assert (made.status, gist["text"]) == (201, "We ship the Marmolada on Friday.")


async def test_a_summary_made_anew_takes_the_corrections(told: Spoken) -> None:
    await told.correct(told.cast.owner, "marmalade", "Marmolada", 1_500)
    await told.summarise(statement(StatementKind.GIST, "We ship the marmalade on Friday."))
    (gist,) = await told.summary()
    assert gist["text"] == "We ship the Marmolada on Friday."
    assert await told.title() == "Plan"


async def test_both_facts_are_told(told: Spoken) -> None:
    made = (await told.correct(told.cast.member, "marmalade", "Marmolada", 1_500)).json
    await told.cast.owner.delete(f"/api/v1/corrections/{made['id']}")

    (kind, data), (last_kind, last) = (await told.cast.house.said())[-2:]
    assert (kind, last_kind) == ("correction.made.v1", "correction.withdrawn.v1")
    assert (data["original"], data["replacement"]) == ("marmalade", "Marmolada")
    assert (data["start_ms"], data["end_ms"]) == (1_500, 1_900)
    assert data["correction_id"] == last["correction_id"] == made["id"]
    assert last["member_id"] == str(told.cast.people["Olga"].id)


async def test_words_that_are_not_there_are_not_corrected(told: Spoken) -> None:
    await told.correct(told.cast.owner, "marmalade", "Marmolada", 1_500)

    again = await told.correct(told.cast.member, "marmalade", "Marmalade", 1_500)
    over = await told.correct(told.cast.member, "Marmolada", "Marmolata", 1_500)

    assert (again.status, again.code) == (409, "words-changed")
    assert over.status == 201
    listed = (await told.cast.guest.get(f"{told.path}/corrections")).json["items"]
    assert [each["author"]["name"] for each in listed] == ["Olga", "Mara"]


async def test_two_at_once_correct_different_words(told: Spoken) -> None:
    replies = await asyncio.gather(
        told.correct(told.cast.owner, "marmalade", "Marmolada", 1_500),
        told.correct(told.cast.member, "harbour.", "quay.", 4_500),
    )
    assert [reply.status for reply in replies] == [201, 201]
    assert await told.text() == "We ship the Marmolada on Friday. Anna tells the quay.\n"


async def test_a_repeat_under_one_key_corrects_once(told: Spoken) -> None:
    member = told.cast.member.with_headers(Idempotency_Key="k1")
    first = await told.correct(member, "marmalade", "Marmolada", 1_500)
    await told.cast.house.database.execute(
        "UPDATE idempotency SET status = NULL, created_at = $1", datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert (await told.correct(member, "marmalade", "Marmolada", 1_500)).json == first.json


async def test_a_key_used_again_days_later_makes_another_correction(told: Spoken) -> None:
    """Keys of corrections were kept for ever: the second one was answered with the first."""
    member, database = told.cast.member.with_headers(Idempotency_Key="k1"), told.cast.house.database
    await told.correct(member, "marmalade", "Marmolada", 1_500)
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    await database.execute("UPDATE idempotency SET created_at = $1", long_ago)
    await database.execute("UPDATE corrections SET made_at = $1", long_ago)
    await sweep_replies(database, told.cast.house.workspace.clock)

    assert (await told.correct(member, "harbour.", "quay.", 4_500)).json["replacement"] == "quay."
    assert await told.text() == "We ship the Marmolada on Friday. Anna tells the quay.\n"


async def test_guests_correct_only_what_they_said(told: Spoken) -> None:
    cast = told.cast
    refused = await told.correct(cast.guest, "marmalade", "Marmolada", 1_500)
    assert (refused.status, refused.code) == (403, "not-yours")

    path = f"/api/v1/threads/{cast.thread_id}/updates"
    own = Spoken(cast, (await cast.guest.post(path, {"kind": "recording"})).json["update"])
    await own.transcribe(*HEARD)
    assert (await own.correct(cast.guest, "marmalade", "Marmolada", 1_500)).status == 201
    hidden = await own.correct(cast.stranger, "the", "that", 1_000)
    assert (hidden.status, hidden.code) == (404, "update-not-found")


async def test_what_is_written_or_not_yet_heard_cannot_be_corrected(told: Spoken) -> None:
    cast = told.cast
    path = f"/api/v1/threads/{cast.thread_id}/updates"
    text = Spoken(
        cast,
        (await cast.member.post(path, {"kind": "text", "text": "x y"})).json["update"]
        | {"recording": {"id": told.id}},
    )
    early = Spoken(cast, (await cast.member.post(path, {"kind": "recording"})).json["update"])

    assert (await text.correct(cast.member, "x", "z", 0)).code == "words-written"
    assert (await early.correct(cast.member, "x", "z", 0)).code == "transcript-not-ready"


@pytest.mark.parametrize(
    "wrong",
    [{"end_ms": 1_000}, {"replacement": " "}, {"replacement": "a\x00b"}, {"original": "x" * 2_001}],
)
async def test_a_senseless_correction_is_refused(told: Spoken, wrong: dict[str, Any]) -> None:
    body = {
        "start_ms": 1_500,
        "end_ms": 1_900,
        "original": "marmalade",
        "replacement": "x",
        **wrong,
    }
    assert (await told.cast.member.post(f"{told.path}/corrections", body)).status == 422


async def test_nothing_of_a_correction_is_left_of_a_removed_update(told: Spoken) -> None:
    await told.correct(told.cast.member, "marmalade", "Marmolada", 1_500)
    assert (await told.cast.member.delete(told.path)).status == 204
    assert await told.cast.house.database.fetchval("SELECT count(*) FROM corrections") == 0
