"""Threads and their guests."""

from datetime import UTC, datetime

import pytest

from services.workspace.replies import sweep as sweep_replies
from tests.support.workspace_house import Cast

pytestmark = pytest.mark.integration


async def test_opening_renaming_concluding_and_reopening_are_told(cast: Cast) -> None:
    path = f"/api/v1/threads/{cast.thread_id}"
    etag = (await cast.member.get(path)).etag

    renamed = await cast.member.patch(path, {"title": "Quay 4"}, etag)
    concluded = await cast.member.patch(
        path, {"concluded": True, "conclusion": "We build it."}, renamed.etag
    )
    reopened = await cast.member.patch(path, {"concluded": False}, concluded.etag)

    assert renamed.json["title"] == "Quay 4"
    assert concluded.json["conclusion"] == "We build it."
    assert concluded.json["concluded_at"] is not None
    assert (reopened.json["concluded_at"], reopened.json["conclusion"]) == (None, None)
    told = [data for kind, data in await cast.house.said() if kind == "thread.changed.v1"]
    assert [(data["concluded"], data["conclusion"]) for data in told] == [
        (False, None),
        (True, "We build it."),
        (False, None),
    ]


async def test_two_editors_do_not_overwrite_each_other(cast: Cast) -> None:
    path = f"/api/v1/threads/{cast.thread_id}"
    etag = (await cast.member.get(path)).etag

    assert (await cast.member.patch(path, {"title": "First"}, etag)).status == 200
    second = await cast.owner.patch(path, {"title": "Second"}, etag)

    assert (second.status, second.code) == (412, "stale")


async def test_a_conclusion_without_an_end_is_refused(cast: Cast) -> None:
    path = f"/api/v1/threads/{cast.thread_id}"
    etag = (await cast.member.get(path)).etag

    reply = await cast.member.patch(path, {"conclusion": "Done?"}, etag)

    assert (reply.status, reply.code) == (422, "conclusion-without-end")


async def test_guests_neither_open_nor_change_threads(cast: Cast) -> None:
    path = f"/api/v1/threads/{cast.thread_id}"
    etag = (await cast.guest.get(path)).etag

    opened = await cast.guest.post(f"/api/v1/teams/{cast.team_id}/threads", {"title": "Mine"})
    changed = await cast.guest.patch(path, {"title": "Mine"}, etag)

    assert (opened.status, opened.code) == (403, "role-too-low")
    assert (changed.status, changed.code) == (403, "role-too-low")


async def test_a_guest_lists_only_their_threads(cast: Cast) -> None:
    path = f"/api/v1/teams/{cast.team_id}/threads"

    guests = (await cast.guest.get(path)).json["items"]
    members = (await cast.member.get(path)).json["items"]

    assert [thread["id"] for thread in guests] == [cast.thread_id]
    assert [thread["id"] for thread in members] == [cast.hidden_thread_id, cast.thread_id]


async def test_pages_of_threads_join_without_gap_or_repeat(cast: Cast) -> None:
    path = f"/api/v1/teams/{cast.team_id}/threads"
    for number in range(5):
        await cast.member.post(path, {"title": f"Topic {number}"})
    found: list[str] = []
    cursor = None
    while True:
        query = f"?limit=3&cursor={cursor}" if cursor else "?limit=3"
        page = (await cast.member.get(path + query)).json
        found += [thread["title"] for thread in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert found == ["Topic 4", "Topic 3", "Topic 2", "Topic 1", "Topic 0", "Salaries", "Quay 3"]


@pytest.mark.parametrize("query", ["cursor=x", "cursor=eyJpZCI6MX0", "limit=0", "limit=201"])
async def test_a_page_nobody_gave_is_refused(cast: Cast, query: str) -> None:
    reply = await cast.member.get(f"/api/v1/teams/{cast.team_id}/threads?{query}")

    assert reply.status == 422


async def test_opening_twice_under_one_key_opens_once(cast: Cast) -> None:
    path, key = f"/api/v1/teams/{cast.team_id}/threads", {"Idempotency-Key": "k1"}

    first = await cast.member.post(path, {"title": "Once"}, headers=key)
    again = await cast.member.post(path, {"title": "Once"}, headers=key)
    other = await cast.member.post(path, {"title": "Twice"}, headers=key)
    owners = await cast.owner.post(path, {"title": "Mine"}, headers=key)

    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert other.code == "idempotency-key-reused"
    assert owners.status == 201


async def test_a_request_that_died_before_its_reply_opens_no_second_thread(cast: Cast) -> None:
    path, key = f"/api/v1/teams/{cast.team_id}/threads", {"Idempotency-Key": "k1"}
    first = await cast.member.post(path, {"title": "Once"}, headers=key)
    database = cast.house.database
    forget = "UPDATE idempotency SET status = NULL, created_at = $1"
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    await database.execute(forget, long_ago)
    before = [kind for kind, _ in await cast.house.said()].count("thread.opened.v1")

    assert (await cast.member.post(path, {"title": "Once"}, headers=key)).json == first.json
    assert [kind for kind, _ in await cast.house.said()].count("thread.opened.v1") == before

    for table, column in (("idempotency", "created_at"), ("threads", "opened_at")):
        await database.execute(f"UPDATE {table} SET {column} = $1", long_ago)  # noqa: S608 - ours
    await sweep_replies(database, cast.house.workspace.clock)
    later = await cast.member.post(path, {"title": "Days later"}, headers=key)
    assert later.json["title"] == "Days later"


async def test_an_owner_lets_a_guest_into_and_out_of_threads(cast: Cast) -> None:
    gus = cast.people["Gus"].id
    guest = f"/api/v1/threads/{cast.hidden_thread_id}/guests/{gus}"

    assert (await cast.member.put(guest)).code == "role-too-low"
    assert (await cast.owner.put(guest)).status == 204
    assert (await cast.owner.put(guest)).status == 204
    assert (await cast.guest.get(f"/api/v1/threads/{cast.hidden_thread_id}")).status == 200
    assert (await cast.member.delete(guest)).code == "role-too-low"
    assert (await cast.owner.delete(guest)).status == 204
    assert (await cast.guest.get(f"/api/v1/threads/{cast.hidden_thread_id}")).status == 404
    assert (await cast.owner.delete(guest)).code == "guest-not-found"


async def test_only_guests_of_the_team_become_guests_of_a_thread(cast: Cast) -> None:
    for name in ("Mara", "Sven"):
        path = f"/api/v1/threads/{cast.thread_id}/guests/{cast.people[name].id}"
        assert (await cast.owner.put(path)).code == "guest-not-found"


async def test_a_thread_says_what_came_last_from_whom(cast: Cast) -> None:
    path = f"/api/v1/threads/{cast.thread_id}"
    updates = f"{path}/updates"
    first = await cast.member.post(updates, {"kind": "text", "text": "Old.", "title": "Old"})
    second = await cast.owner.post(updates, {"kind": "text", "text": "New.", "title": "New"})
    comments = f"/api/v1/updates/{first.json['update']['id']}/comments"
    await cast.member.post(comments, {"text": "Mine."})

    mine, theirs = [(await each.get(path)).json for each in (cast.member, cast.owner)]
    listed = (await cast.owner.get(f"/api/v1/teams/{cast.team_id}/threads")).json["items"]
    await cast.owner.call("DELETE", f"/api/v1/updates/{second.json['update']['id']}")
    left = (await cast.member.get(path)).json

    assert (mine["last_update_by"], mine["last_update_title"]) == ("Olga", "New")
    assert mine["last_comment_at"] is None
    assert theirs["last_comment_at"] is not None
    assert theirs in listed
    assert (left["last_update_by"], left["last_update_title"]) == ("Mara", "Old")
