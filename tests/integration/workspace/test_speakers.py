"""Names of speakers: shown in every format, kept for their update, gone with it."""

import pytest

from tests.support.workspace_house import Cast

pytestmark = pytest.mark.integration


async def two_speak(cast: Cast) -> str:
    """Return the address of an update in which two people are heard."""
    path = f"/api/v1/threads/{cast.thread_id}/updates"
    update_id = (await cast.member.post(path, {"kind": "recording"})).json["update"]["id"]
    await cast.house.database.execute(
        "UPDATE updates SET recording_state = 'ready', transcript_state = 'complete',"
        " transcript_revision = 1, duration_ms = 4000 WHERE id = $1",
        update_id,
    )
    for number, (speaker, text) in enumerate([("S1", "Is it ready?"), ("S2", "It is.")]):
        await cast.house.database.execute(
            "INSERT INTO segments (update_id, id, start_ms, end_ms, text, language, confidence,"
            " speaker) VALUES ($1, $2, $3, $4, $5, 'en', 0.9, $6)",
            *(update_id, number, number * 2000, number * 2000 + 1900, text, speaker),
        )
    return f"/api/v1/updates/{update_id}"


async def test_a_name_stands_in_every_format_of_its_update_and_in_no_other(cast: Cast) -> None:
    path, other = await two_speak(cast), await two_speak(cast)

    named = await cast.member.put(f"{path}/speakers/S1", {"name": "Anna"})

    assert (named.status, named.json) == (200, {"label": "S1", "name": "Anna"})
    shown = (await cast.owner.get(f"{path}/transcript")).json["segments"]
    assert [(s["speaker"], s["speaker_label"]) for s in shown] == [("Anna", "S1"), ("S2", "S2")]
    for form, line in (
        ("txt", b"Anna: Is it ready?"),
        ("md", b"**Anna:** Is it ready?"),
        ("vtt", b"<v Anna>Is it ready?"),
        ("srt", b"Anna: Is it ready?"),
    ):
        assert line in (await cast.owner.get(f"{path}/transcript?format={form}")).body
    assert b"Anna" not in (await cast.owner.get(f"{other}/transcript")).body
    kind, data = (await cast.house.said())[-1]
    assert (kind, data["label"], data["name"]) == ("speaker.named.v1", "S1", "Anna")


async def test_a_name_can_be_changed_and_taken_back(cast: Cast) -> None:
    path = await two_speak(cast)
    for name, shown in (("Ana", "Ana"), ("Anna", "Anna"), (None, "S1")):
        assert (await cast.member.put(f"{path}/speakers/S1", {"name": name})).status == 200
        segments = (await cast.member.get(f"{path}/transcript")).json["segments"]
        assert segments[0]["speaker"] == shown


async def test_a_label_nobody_speaks_under_and_a_guest_are_refused(cast: Cast) -> None:
    path = await two_speak(cast)
    assert (await cast.member.put(f"{path}/speakers/S9", {"name": "X"})).code == "speaker-not-found"
    assert (await cast.guest.put(f"{path}/speakers/S1", {"name": "X"})).code == "not-yours"
    assert (await cast.member.put(f"{path}/speakers/S1", {"name": " "})).status == 422


async def test_names_go_with_their_update(cast: Cast) -> None:
    path = await two_speak(cast)
    await cast.member.put(f"{path}/speakers/S1", {"name": "Anna"})
    assert (await cast.member.delete(path)).status == 204
    assert await cast.house.database.fetchval("SELECT count(*) FROM speakers") == 0
