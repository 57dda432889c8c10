"""What the workspace says reaches the stream, with the rights it really has there."""

from typing import Any
from uuid import UUID

import pytest

from shared.bus import Bus
from shared.bus.events import read_events
from shared.bus.provision import provision
from shared.contracts.registry import CONTRACTS
from tests.support.nats_server import TestNats
from tests.support.workspace_house import Cast

pytestmark = pytest.mark.integration


CORRECTION = {"start_ms": 0, "end_ms": 900, "original": "Doom", "replacement": "Done"}


async def spoken_update(cast: Cast) -> str:
    """Return the address of an update in which one speaker said one word, which was misheard."""
    path = f"/api/v1/threads/{cast.thread_id}/updates"
    update_id = (await cast.member.post(path, {"kind": "recording"})).json["update"]["id"]
    await cast.house.database.execute(
        "UPDATE updates SET transcript_state = 'complete' WHERE id = $1", update_id
    )
    await cast.house.database.execute(
        "INSERT INTO segments (update_id, id, start_ms, end_ms, text, language, speaker, words) "
        "VALUES ($1, 0, 0, 900, 'Doom', 'en', 'S1', $2)",
        update_id,
        [{"start_ms": 0, "end_ms": 900, "text": "Doom", "confidence": 0.4}],
    )
    return f"/api/v1/updates/{update_id}"


async def do_everything(cast: Cast) -> None:
    """Let everything happen that the workspace tells about."""
    thread = f"/api/v1/threads/{cast.thread_id}"
    etag = (await cast.member.get(thread)).etag
    await cast.member.patch(thread, {"title": "Quay 4"}, etag)
    team = f"/api/v1/teams/{cast.team_id}"
    await cast.owner.patch(team, {"glossary": ["Quay"]}, (await cast.owner.get(team)).etag)
    posted = await cast.member.post(f"{thread}/updates", {"kind": "text", "text": "Done."})
    update = f"/api/v1/updates/{posted.json['update']['id']}"
    await cast.member.patch(update, {"title": "Ready"}, (await cast.member.get(update)).etag)
    comment = await cast.guest.post(f"{update}/comments", {"text": "Good"})
    path = f"/api/v1/comments/{comment.json['id']}"
    await cast.guest.patch(path, {"text": "Very good"}, comment.etag)
    await cast.guest.delete(path)
    spoken = await spoken_update(cast)
    made = await cast.member.post(f"{spoken}/corrections", CORRECTION)
    await cast.member.delete(f"/api/v1/corrections/{made.json['id']}")
    await cast.member.put(f"{spoken}/speakers/S1", {"name": "Anna"})
    await cast.member.delete(update)
    gus = cast.people["Gus"].id
    await cast.owner.delete(f"/api/v1/teams/{cast.team_id}/members/{gus}")


async def test_every_fact_of_the_workspace_is_said_and_arrives_in_order(
    cast: Cast, nats_server: TestNats
) -> None:
    admin = await Bus.connect(
        nats_server.url, service="admin", credentials_file=nats_server.credentials("admin")
    )
    try:
        await provision(admin)
        await do_everything(cast)
        await cast.house.parts.relay.flush()
        envelopes: list[dict[str, Any]] = [
            event.envelope
            async for event in read_events(admin, team_id=UUID(cast.team_id), after=0)
            if event is not None
        ]
    finally:
        await admin.close()

    arrived = [envelope["type"].removeprefix("tidings.") for envelope in envelopes]
    said = [kind for kind, data in await cast.house.said() if data["team_id"] == cast.team_id]
    assert arrived == said
    ours = {c.type for c in CONTRACTS if c.producer == "workspace" and c.is_fact}
    assert set(arrived) == ours
