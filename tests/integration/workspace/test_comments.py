"""Comments at a moment, replies, rewording and removing."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.workspace.updates.store import remove_update
from shared.testing.waiting import until
from tests.support.workspace_house import Cast

pytestmark = pytest.mark.integration

WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
async def comments(cast: Cast) -> str:
    """Post a recording and return the address of its comments."""
    path = f"/api/v1/threads/{cast.thread_id}/updates"
    posted = await cast.member.post(path, {"kind": "recording"})
    return f"/api/v1/updates/{posted.json['update']['id']}/comments"


async def test_a_comment_at_a_moment_is_told(cast: Cast, comments: str) -> None:
    posted = await cast.guest.post(comments, {"text": "Which crane?", "at_ms": 83_000})

    assert posted.status == 201
    assert posted.json["at_ms"] == 83_000
    kind, data = (await cast.house.said())[-1]
    assert (kind, data["text"], data["at_ms"]) == ("comment.posted.v1", "Which crane?", 83_000)


async def test_replies_hang_on_the_first_comment(cast: Cast, comments: str) -> None:
    first = (await cast.guest.post(comments, {"text": "Which crane?"})).json["id"]
    reply = (await cast.member.post(comments, {"text": "Number 4", "parent_id": first})).json
    deeper = (await cast.guest.post(comments, {"text": "Ok", "parent_id": reply["id"]})).json

    assert (reply["parent_id"], deeper["parent_id"]) == (first, first)


async def test_a_reply_to_a_comment_elsewhere_is_refused(cast: Cast, comments: str) -> None:
    path = f"/api/v1/threads/{cast.thread_id}/updates"
    other = (await cast.member.post(path, {"kind": "text", "text": "Other"})).json["update"]["id"]
    theirs = (await cast.guest.post(f"/api/v1/updates/{other}/comments", {"text": "x"})).json["id"]

    reply = await cast.guest.post(comments, {"text": "y", "parent_id": theirs})
    moment = await cast.guest.post(f"/api/v1/updates/{other}/comments", {"text": "x", "at_ms": 1})

    assert (reply.status, reply.code) == (422, "parent-elsewhere")
    assert (moment.status, moment.code) == (422, "moment-outside")


async def test_a_moment_after_the_end_is_refused(cast: Cast, comments: str) -> None:
    await cast.house.database.execute("UPDATE updates SET duration_ms = 5000")

    assert (await cast.guest.post(comments, {"text": "x", "at_ms": 5000})).status == 201
    assert (await cast.guest.post(comments, {"text": "x", "at_ms": 5001})).code == "moment-outside"


async def test_only_its_author_rewords_a_comment(cast: Cast, comments: str) -> None:
    posted = await cast.guest.post(comments, {"text": "Whitch crane?"})
    path = f"/api/v1/comments/{posted.json['id']}"

    assert (await cast.owner.patch(path, {"text": "x"}, posted.etag)).code == "not-yours"
    reworded = await cast.guest.patch(path, {"text": "Which crane?"}, posted.etag)
    assert reworded.json["text"] == "Which crane?"
    assert (await cast.guest.patch(path, {"text": "x"}, posted.etag)).code == "stale"
    assert (await cast.guest.patch(path, {"text": "x"})).code == "if-match-required"
    assert (await cast.house.said())[-1][0] == "comment.changed.v1"


async def test_author_and_owner_remove_a_comment_and_others_do_not(
    cast: Cast, comments: str
) -> None:
    first = (await cast.guest.post(comments, {"text": "One"})).json["id"]
    second = (await cast.guest.post(comments, {"text": "Two"})).json["id"]

    assert (await cast.member.delete(f"/api/v1/comments/{first}")).code == "not-yours"
    assert (await cast.guest.delete(f"/api/v1/comments/{first}")).status == 204
    assert (await cast.owner.delete(f"/api/v1/comments/{second}")).status == 204

    assert (await cast.guest.get(comments)).json["items"] == []
    removed = [data for kind, data in await cast.house.said() if kind == "comment.removed.v1"]
    assert [data["comment_id"] for data in removed] == [first, second]


async def test_a_removed_comment_keeps_its_place_while_replies_stand(
    cast: Cast, comments: str
) -> None:
    first = (await cast.guest.post(comments, {"text": "Regretted"})).json["id"]
    await cast.member.post(comments, {"text": "Answer", "parent_id": first})

    await cast.guest.delete(f"/api/v1/comments/{first}")

    listed = (await cast.guest.get(comments)).json["items"]
    assert [(each["text"], each["is_removed"]) for each in listed] == [
        ("", True),
        ("Answer", False),
    ]


async def test_no_comment_outlives_the_update_that_is_removed_meanwhile(
    cast: Cast, comments: str
) -> None:
    database = cast.house.database
    async with database.transaction() as tx:
        update_id = UUID(comments.split("/")[-2])
        await remove_update(tx, update_id, datetime.now(UTC))
        posting = asyncio.create_task(cast.guest.post(comments, {"text": "Too late"}))

        async def is_waiting() -> bool:
            return posting.done() or bool(await database.fetchval(WAITING))

        await until(is_waiting)

    posted = await posting

    assert (posted.status, posted.code) == (404, "update-not-found")
    assert await database.fetchval("SELECT count(*) FROM comments") == 0


async def test_a_repeat_under_one_key_comments_once(cast: Cast, comments: str) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = await cast.guest.post(comments, {"text": "Once"}, headers=headers)
    await cast.house.database.execute(
        "UPDATE idempotency SET status = NULL, created_at = now() - interval '2 minutes'"
    )

    again = await cast.guest.post(comments, {"text": "Once"}, headers=headers)

    assert first.json == again.json
    assert len((await cast.guest.get(comments)).json["items"]) == 1
