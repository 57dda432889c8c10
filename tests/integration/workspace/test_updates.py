"""Updates: posting, reading, retitling, removing; what is told and what is granted."""

import asyncio
from datetime import datetime

import pytest

from tests.support.workspace_house import Cast, Json

pytestmark = pytest.mark.integration

TEXT = {"kind": "text", "text": "The crane is repaired. Dr. Braun checks it on 3. May.\nAny news?"}


async def post(cast: Cast, body: Json, **headers: str) -> Json:
    path = f"/api/v1/threads/{cast.thread_id}/updates"
    reply = await cast.member.post(path, body, headers=headers)
    assert reply.status == 201, reply.body
    return dict(reply.json)


async def test_a_written_update_is_told_sentence_by_sentence(cast: Cast) -> None:
    posted = await post(cast, TEXT)

    update = posted["update"]
    assert posted["upload"] is None
    assert update["text"] == TEXT["text"]
    assert update["author"] == {"id": str(cast.people["Mara"].id), "name": "Mara"}
    assert (update["recording"]["state"], update["transcript"]["state"]) == ("none", "none")
    kind, data = (await cast.house.said())[-1]
    assert kind == "update.posted.v1"
    assert data["sentences"] == [
        "The crane is repaired.",
        "Dr. Braun checks it on 3. May.",
        "Any news?",
    ]


async def test_a_recording_gets_leave_to_upload_and_nothing_more(cast: Cast) -> None:
    posted = await post(cast, {"kind": "recording", "language": "de", "size_bytes": 1234})

    update, upload = posted["update"], posted["upload"]
    assert upload["url"] == "http://localhost:8081/files"
    claims = cast.house.verified(upload["token"], "upload")
    assert (
        claims.items()
        >= {
            "team_id": cast.team_id,
            "thread_id": cast.thread_id,
            "update_id": update["id"],
            "recording_id": update["recording"]["id"],
            "member_id": str(cast.people["Mara"].id),
            "language": "de",
            "max_bytes": 1234,
        }.items()
    )
    assert update["recording"]["state"] == "waiting"
    kind, data = (await cast.house.said())[-1]
    assert (kind, data["recording_id"]) == ("update.posted.v1", update["recording"]["id"])


async def test_a_recording_beyond_the_limit_is_refused_before_a_byte_is_sent(cast: Cast) -> None:
    path = f"/api/v1/threads/{cast.thread_id}/updates"

    reply = await cast.member.post(path, {"kind": "recording", "size_bytes": 1 << 50})

    assert (reply.status, reply.code) == (413, "recording-too-large")


async def test_a_repeat_under_one_key_posts_nothing_new(cast: Cast) -> None:
    key = {"Idempotency_Key": "k1"}

    first = await post(cast, TEXT, **{"Idempotency-Key": key["Idempotency_Key"]})
    again = await post(cast, TEXT, **{"Idempotency-Key": key["Idempotency_Key"]})

    assert first == again
    assert [kind for kind, _ in await cast.house.said()].count("update.posted.v1") == 1


async def test_no_permit_lies_in_the_table_of_replies_and_yet_a_repeat_gets_it(cast: Cast) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = await post(cast, {"kind": "recording"}, **headers)

    kept = await cast.house.database.fetchval("SELECT body FROM idempotency WHERE key = 'k1'")

    assert kept
    assert first["upload"]["token"].encode() not in kept
    assert first["update"]["id"].encode() not in kept
    assert await post(cast, {"kind": "recording"}, **headers) == first


async def test_a_reply_moved_to_another_key_is_not_given(cast: Cast) -> None:
    headers = {"Idempotency-Key": "k1"}
    await post(cast, {"kind": "recording"}, **headers)
    await cast.house.database.execute("UPDATE idempotency SET key = 'k2' WHERE key = 'k1'")

    path = f"/api/v1/threads/{cast.thread_id}/updates"
    moved = await cast.member.post(path, {"kind": "recording"}, headers={"Idempotency-Key": "k2"})

    assert (moved.status, moved.code) == (409, "reply-lost")


async def test_a_repeat_after_a_crash_between_effect_and_reply_finds_the_first(cast: Cast) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = await post(cast, {"kind": "recording"}, **headers)
    await cast.house.database.execute(
        "UPDATE idempotency SET status = NULL, created_at = now() - interval '2 minutes'"
    )

    again = await post(cast, {"kind": "recording"}, **headers)

    assert again["update"]["id"] == first["update"]["id"]
    assert again["upload"]["token"]
    assert [kind for kind, _ in await cast.house.said()].count("update.posted.v1") == 1


async def test_the_same_key_at_once_is_worked_on_once(cast: Cast) -> None:
    path = f"/api/v1/threads/{cast.thread_id}/updates"
    headers = {"Idempotency-Key": "k1"}

    replies = await asyncio.gather(
        *(cast.member.post(path, TEXT, headers=headers) for _ in range(4))
    )

    assert {reply.status for reply in replies} <= {201, 409}
    assert {reply.code for reply in replies if reply.status == 409} <= {"idempotency-key-in-use"}
    assert [kind for kind, _ in await cast.house.said()].count("update.posted.v1") == 1


async def test_updates_are_listed_in_reading_order_page_by_page(cast: Cast) -> None:
    for number in range(4):
        await post(cast, {"kind": "text", "text": f"Number {number}"})
    path = f"/api/v1/threads/{cast.thread_id}/updates?limit=3"

    first = (await cast.guest.get(path)).json
    second = (await cast.guest.get(f"{path}&cursor={first['next_cursor']}")).json

    texts = [update["text"] for update in first["items"] + second["items"]]
    assert texts == ["Number 0", "Number 1", "Number 2", "Number 3"]
    assert second["next_cursor"] is None


async def test_only_its_author_retitles_an_update(cast: Cast) -> None:
    update = (await post(cast, TEXT))["update"]
    path = f"/api/v1/updates/{update['id']}"
    etag = (await cast.member.get(path)).etag

    assert (await cast.owner.patch(path, {"title": "Mine"}, etag)).code == "not-yours"
    retitled = await cast.member.patch(path, {"title": "Crane"}, etag)
    assert retitled.json["title"] == "Crane"
    assert (await cast.member.patch(path, {"title": "Late"}, etag)).code == "stale"


async def test_a_removed_update_is_gone_with_its_words_and_comments(cast: Cast) -> None:
    update_id = (await post(cast, {**TEXT, "title": "Crane"}))["update"]["id"]
    path = f"/api/v1/updates/{update_id}"
    comment = (await cast.guest.post(f"{path}/comments", {"text": "Thanks"})).json["id"]

    assert (await cast.guest.delete(path)).code == "not-yours"
    assert (await cast.member.delete(path)).status == 204

    assert (await cast.member.get(path)).code == "update-not-found"
    assert (await cast.guest.get(f"/api/v1/comments/{comment}")).code == "comment-not-found"
    assert (await cast.member.delete(path)).code == "update-not-found"
    row = await cast.house.database.fetchrow("SELECT title, text FROM updates")
    assert row is not None
    assert dict(row) == {"title": None, "text": None}
    assert await cast.house.database.fetchval("SELECT text FROM comments") == ""
    assert await cast.house.database.fetchval("SELECT count(*) FROM segments") == 0
    assert (await cast.house.said())[-1][0] == "update.removed.v1"


async def transcribed(cast: Cast) -> str:
    """Return the address of a recording that is here, with its words."""
    update_id = (await post(cast, {"kind": "recording"}))["update"]["id"]
    await cast.house.database.execute(
        "UPDATE updates SET recording_state = 'ready', transcript_state = 'complete',"
        " transcript_revision = 0 WHERE id = $1",
        update_id,
    )
    return f"/api/v1/updates/{update_id}"


async def test_a_recording_can_be_put_into_words_again_by_its_author_and_owners(cast: Cast) -> None:
    path = await transcribed(cast)

    assert (await cast.guest.post(f"{path}/transcript", {})).code == "not-yours"
    for caller in (cast.member, cast.owner):
        reply = await caller.post(f"{path}/transcript", {"language": "nl"})
        assert (reply.status, reply.json["transcript"]["renewal"]) == (202, "waiting")
        assert reply.json["transcript"]["state"] == "complete"
    wishes = [
        data for kind, data in await cast.house.said() if kind == "retranscription.request.v1"
    ]
    assert [wish["language"] for wish in wishes] == ["nl", "nl"]
    assert wishes[0]["recording_id"] == reply.json["recording"]["id"]


async def test_a_repeated_wish_for_better_words_is_made_once(cast: Cast) -> None:
    path = await transcribed(cast)
    for _ in range(2):
        headers = {"Idempotency-Key": "again"}
        assert (await cast.member.post(f"{path}/transcript", {}, headers=headers)).status == 202
    said = [kind for kind, _ in await cast.house.said()]
    assert said.count("retranscription.request.v1") == 1


async def test_there_is_nothing_to_put_into_words_before_a_recording_is_whole(cast: Cast) -> None:
    for body in ({"kind": "recording"}, TEXT):
        update_id = (await post(cast, body))["update"]["id"]
        reply = await cast.member.post(f"/api/v1/updates/{update_id}/transcript", {})
        assert (reply.status, reply.code) == (409, "nothing-to-transcribe")


async def test_two_removals_at_once_are_told_once(cast: Cast) -> None:
    update_id = (await post(cast, TEXT))["update"]["id"]
    path = f"/api/v1/updates/{update_id}"

    replies = await asyncio.gather(cast.member.delete(path), cast.owner.delete(path))

    assert sorted(reply.status for reply in replies) == [204, 404]
    assert [kind for kind, _ in await cast.house.said()].count("update.removed.v1") == 1


async def test_an_owner_may_remove_anybodys_update(cast: Cast) -> None:
    update_id = (await post(cast, TEXT))["update"]["id"]

    assert (await cast.owner.delete(f"/api/v1/updates/{update_id}")).status == 204


async def test_an_answer_belongs_to_the_same_thread(cast: Cast) -> None:
    first = (await post(cast, TEXT))["update"]["id"]
    hidden = f"/api/v1/threads/{cast.hidden_thread_id}/updates"

    answer = await post(cast, {**TEXT, "reply_to": first})
    elsewhere = await cast.member.post(hidden, {**TEXT, "reply_to": first})

    assert answer["update"]["reply_to"] == first
    assert (elsewhere.status, elsewhere.code) == (422, "reply-elsewhere")


async def test_the_author_gets_a_new_upload_token_until_the_recording_is_there(cast: Cast) -> None:
    posted = await post(cast, {"kind": "recording"})
    path = f"/api/v1/updates/{posted['update']['id']}/upload"

    assert (await cast.owner.post(path)).code == "not-yours"
    renewed = await cast.member.post(path)
    claims = cast.house.verified(renewed.json["token"], "upload")
    assert claims["recording_id"] == posted["update"]["recording"]["id"]
    await cast.house.database.execute("UPDATE updates SET recording_state = 'arrived'")
    assert (await cast.member.post(path)).code == "nothing-to-upload"


async def test_what_was_never_sent_is_said_so_until_its_author_tries_again(cast: Cast) -> None:
    posted = await post(cast, {"kind": "recording"})
    path = f"/api/v1/updates/{posted['update']['id']}"
    granted = datetime.fromisoformat(posted["upload"]["expires_at"])
    kept = await cast.house.database.fetchval("SELECT upload_expires_at FROM updates")
    assert kept == granted
    assert (await cast.guest.get(path)).json["problem"] is None

    await cast.house.database.execute("UPDATE updates SET upload_expires_at = now()")

    late = (await cast.guest.get(path)).json
    listed = (await cast.guest.get(f"/api/v1/threads/{cast.thread_id}/updates")).json["items"][-1]
    assert (late["recording"]["state"], late["problem"]["code"]) == ("waiting", "never-sent")
    assert listed["problem"] == late["problem"]
    assert (await cast.member.post(f"{path}/upload")).status == 201
    assert (await cast.guest.get(path)).json["problem"] is None


async def test_a_recording_on_its_way_is_not_called_never_sent(cast: Cast) -> None:
    posted = await post(cast, {"kind": "recording"})
    await cast.house.database.execute(
        "UPDATE updates SET upload_expires_at = now(), recording_state = 'arriving'"
    )

    seen = (await cast.member.get(f"/api/v1/updates/{posted['update']['id']}")).json

    assert seen["problem"] is None


async def test_a_title_taken_back_makes_room_for_the_summarys(cast: Cast) -> None:
    posted = (await post(cast, {**TEXT, "title": "Mine"}))["update"]
    path = f"/api/v1/updates/{posted['id']}"
    untitled = await cast.member.patch(path, {"title": None}, (await cast.member.get(path)).etag)
    assert untitled.json["title"] is None
    await cast.member.patch(path, {"title": "Mine again"}, untitled.etag)
    await cast.house.database.execute(
        "INSERT INTO statements (update_id, number, kind, text, evidence) "
        "VALUES ($1, 0, 'title', ' The crane\n is repaired ', '[]')",
        posted["id"],
    )

    cleared = await cast.member.patch(path, {"title": None}, (await cast.member.get(path)).etag)

    assert cleared.json["title"] == "The crane is repaired"
    by = await cast.house.database.fetchval("SELECT title_by FROM updates")
    assert by == "summary"


async def test_media_addresses_are_signed_for_one_recording_and_kind(cast: Cast) -> None:
    posted = await post(cast, {"kind": "recording"})
    recording_id = posted["update"]["recording"]["id"]
    rendition = {
        "kind": "audio",
        "key": f"recordings/{recording_id}/renditions/audio",
        "media_type": "audio/mp4",
        "size_bytes": 10,
        "sha256": "0" * 64,
        "width": None,
        "height": None,
    }
    await cast.house.database.execute(
        "UPDATE updates SET recording_state = 'ready', renditions = $1", [rendition]
    )

    update = (await cast.guest.get(f"/api/v1/updates/{posted['update']['id']}")).json

    (media,) = update["recording"]["media"]
    address, _, token = media["url"].partition("?token=")
    assert address == f"http://localhost:8081/media/{recording_id}/audio"
    claims = cast.house.verified(token, "media")
    assert (claims["recording_id"], claims["kind"]) == (recording_id, "audio")
    assert claims["exp"] - claims["iat"] == 3600
    assert "key" not in media


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "text"},
        {"kind": "text", "text": " \n "},
        {"kind": "text", "text": "a\x00b"},
        {"kind": "text", "text": "a\x1b[31mb"},
        {"kind": "text", "text": "x" * 20_001},
        {"kind": "text", "text": "x", "author_id": "me"},
        {"kind": "recording", "language": "German"},
        {"kind": "recording", "size_bytes": 0},
        {"kind": "song"},
    ],
)
async def test_a_faulty_update_is_refused(cast: Cast, body: Json) -> None:
    reply = await cast.member.post(f"/api/v1/threads/{cast.thread_id}/updates", body)

    assert reply.status in {400, 422}
