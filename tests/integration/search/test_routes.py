"""Over HTTP: transcripts in every format, summaries, and search by thread."""

from typing import Any
from uuid import UUID

import pytest

from services.workspace.domain import Asker
from services.workspace.projections import store
from services.workspace.transcripts.formats import MEDIA_TYPES, Format
from shared.contracts.summary import Evidence, Statement, StatementKind
from tests.support.said import Archive
from tests.support.workspace_house import Cast

pytestmark = pytest.mark.integration

SENTENCES = ("Good morning.", "The budget <b> grows.", "We ship on Friday.")


async def say(cast: Cast, *sentences: str, state: str = "complete", thread: str = "") -> UUID:
    """Post a transcribed recording as the owner."""
    database = cast.house.database
    update_id = await Archive(database).update(
        UUID(thread or cast.thread_id), Asker(person_id=cast.people["Olga"].id), *sentences
    )
    await database.execute(
        "update updates set transcript_state = $2 where id = $1", update_id, state
    )
    return update_id


async def summarise(cast: Cast, update_id: UUID) -> None:
    evidence = (Evidence(segment_ids=(1,), start_ms=5_000, end_ms=9_900, quote="The budget"),)
    async with cast.house.database.transaction() as tx:
        await store.replace_statements(
            tx, update_id, [Statement(kind=StatementKind.GIST, text="Growth.", evidence=evidence)]
        )


def transcript(update_id: UUID, wanted: str = "json") -> str:
    return f"/api/v1/updates/{update_id}/transcript?format={wanted}"


@pytest.mark.parametrize("wanted", list(Format))
async def test_a_transcript_comes_in_every_format(cast: Cast, wanted: Format) -> None:
    update_id = await say(cast, *SENTENCES)
    reply = await cast.member.get(transcript(update_id, wanted))
    assert reply.status == 200, reply.body
    assert reply.headers["Content-Type"] == f"{MEDIA_TYPES[wanted]}; charset=utf-8"
    text = reply.body.decode()
    assert "Good morning." in text
    again = await cast.member.call(
        "GET", transcript(update_id, wanted), headers={"If-None-Match": reply.etag}
    )
    assert (again.status, again.body) == (304, b"")


async def test_markdown_has_the_gist_and_links_to_moments(cast: Cast) -> None:
    update_id = await say(cast, *SENTENCES)
    await summarise(cast, update_id)
    page = (await cast.member.get(transcript(update_id, "md"))).body.decode()
    assert "> Growth." in page
    assert f"/updates/{update_id}?t=0" in page


async def test_a_growing_transcript_is_data_only(cast: Cast) -> None:
    update_id = await say(cast, *SENTENCES[:1], state="growing")
    growing = await cast.member.get(transcript(update_id))
    assert (growing.status, growing.json["state"]) == (200, "growing")
    early = await cast.member.get(transcript(update_id, "vtt"))
    assert (early.status, early.code) == (404, "transcript-not-ready")


@pytest.mark.parametrize(
    ("state", "status", "code"),
    [("waiting", 404, "transcript-not-ready"), ("failed", 409, "transcript-failed")],
)
async def test_what_is_not_there_is_a_problem_not_an_empty_page(
    cast: Cast, state: str, status: int, code: str
) -> None:
    update_id = await say(cast, state=state)
    for wanted in Format:
        reply = await cast.member.get(transcript(update_id, wanted))
        assert (reply.status, reply.code) == (status, code)


async def test_a_failed_transcript_says_why(cast: Cast) -> None:
    update_id = await say(cast, state="failed")
    await cast.house.database.execute(
        "update updates set problem_code = 'no-speech-found', problem_detail = 'Nobody speaks.'"
        " where id = $1",
        update_id,
    )
    reply = await cast.member.get(transcript(update_id))
    assert reply.json["detail"] == "Nobody speaks."


async def test_a_written_update_reads_alike_and_has_no_captions(cast: Cast) -> None:
    path = f"/api/v1/threads/{cast.thread_id}/updates"
    posted = await cast.owner.post(
        path, {"kind": "text", "text": "The lighthouse is done. Really."}
    )
    update_id = posted.json["update"]["id"]
    data = (await cast.member.get(transcript(update_id))).json
    assert [segment["text"] for segment in data["segments"]] == [
        "The lighthouse is done.",
        "Really.",
    ]
    assert data["segments"][0]["start"] is None
    refused = await cast.member.get(transcript(update_id, "vtt"))
    assert (refused.status, refused.code) == (422, "transcript-has-no-times")
    found = await search(cast, "lighthouse")
    assert found[0]["moments"][0]["update_id"] == update_id


async def test_a_summary_carries_its_evidence(cast: Cast) -> None:
    update_id = await say(cast, *SENTENCES)
    await summarise(cast, update_id)
    (statement,) = (await cast.member.get(f"/api/v1/updates/{update_id}/summary")).json[
        "statements"
    ]
    assert statement["evidence"][0] == {
        "segment_ids": [1],
        "start_ms": 5_000,
        "end_ms": 9_900,
        "quote": "The budget",
    }


async def test_words_of_a_hidden_thread_are_not_there_for_a_guest(cast: Cast) -> None:
    update_id = await say(cast, *SENTENCES, thread=cast.hidden_thread_id)
    for caller in (cast.guest, cast.stranger):
        for what in ("transcript", "summary"):
            reply = await caller.get(f"/api/v1/updates/{update_id}/{what}")
            assert (reply.status, reply.code) == (404, "update-not-found")
        assert (await caller.get("/api/v1/search?q=budget")).json["items"] == []


async def search(cast: Cast, words: str) -> Any:
    reply = await cast.member.get("/api/v1/search", params={"q": words})
    assert reply.status == 200, reply.body
    return reply.json["items"]


async def test_moments_are_grouped_by_thread_with_safe_snippets(cast: Cast) -> None:
    shown = await say(cast, *SENTENCES)
    hidden = await say(cast, "The budget of salaries.", thread=cast.hidden_thread_id)
    groups = await search(cast, "budget")
    assert {group["thread"]["title"] for group in groups} == {"Quay 3", "Salaries"}
    moments = {m["update_id"]: m for group in groups for m in group["moments"]}
    assert set(moments) == {str(shown), str(hidden)}
    moment = moments[str(shown)]
    assert moment["snippet"] == "The <mark>budget</mark> &lt;b&gt; grows."
    assert moment["url"].endswith(f"/updates/{shown}?t=5")
    assert (moment["start_ms"], moment["segment_id"]) == (5_000, 1)
    assert moment["author"]["name"] == "Olga"


async def test_pages_of_a_search_follow_each_other(cast: Cast) -> None:
    said = {str(await say(cast, f"The budget of {n} teams.")) for n in range(5)}
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        params = {"q": "budget", "limit": "2", **cursor}
        page = (await cast.member.get("/api/v1/search", params=params)).json
        seen += [m["update_id"] for group in page["items"] for m in group["moments"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert (len(seen), set(seen)) == (5, said)


@pytest.mark.parametrize(
    "query",
    ["q=", "q=%3F%21", "q=-budget", "q=a&cursor=nonsense", "q=a&from=yesterday", "q=a&limit=0", ""],
)
async def test_a_search_that_makes_no_sense_is_refused(cast: Cast, query: str) -> None:
    reply = await cast.member.get(f"/api/v1/search?{query}")
    assert reply.status in {400, 422}, reply.body


async def test_days_narrow_the_search(cast: Cast) -> None:
    await say(cast, "The budget.")
    for days, count in (("from=2026-03-11&to=2026-03-11", 1), ("from=2026-03-12", 0)):
        reply = await cast.member.get(f"/api/v1/search?q=budget&{days}")
        assert len(reply.json["items"]) == count
