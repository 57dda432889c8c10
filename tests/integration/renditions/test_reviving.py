"""A wish that was given up without a verdict is wished again, and not for ever."""

from pathlib import Path
from uuid import UUID

import pytest

from services.upload.reviving import WISHES_MORE, Reviver
from services.upload.sweeping import Sweeper, SweepRules
from shared.bus import enqueue
from shared.contracts.messages import RenditionRequest
from tests.support import media_samples as samples
from tests.support.rendition_house import TEAM, RenditionHouse

pytestmark = pytest.mark.integration


async def give_up_all(house: RenditionHouse, consumer: str, wish: str) -> None:
    """Do what the runner does to wishes whose attempts are used up."""
    await house.database.execute(
        "INSERT INTO inbox (consumer, message_id, attempts, first_seen_at, buried_at)"
        " SELECT $1, message_id, 7, now(), now() FROM outbox WHERE subject = $2"
        " ON CONFLICT DO NOTHING",
        *(consumer, f"tidings.wish.{wish}.v1"),
    )


async def kinds(house: RenditionHouse, recording_id: UUID) -> list[str]:
    return [kind for kind, _ in await house.said(recording_id)]


async def test_a_recording_nobody_could_finish_is_wished_again_and_refused_in_the_end(
    house: RenditionHouse,
) -> None:
    reviver = Reviver(database=house.database, clock=house.clock)
    recording_id = await house.uploaded(b"never looked at")
    async with house.database.transaction() as tx:
        wish = RenditionRequest(team_id=TEAM, recording_id=recording_id)
        await enqueue(tx, wish, clock=house.clock)
    assert await reviver.revive() == 0, "somebody may still be at it"
    for number in range(1, WISHES_MORE + 1):
        await give_up_all(house, "upload-make-renditions", "rendition.request")
        await reviver.revive()
        await reviver.revive()
        assert await kinds(house, recording_id) == ["rendition.request.v1"] * (number + 1)
    await give_up_all(house, "upload-make-renditions", "rendition.request")
    await reviver.revive()
    await reviver.revive()
    kind, data = (await house.said(recording_id))[-1]
    assert (kind, data["code"]) == ("recording.refused.v1", "renditions-failed")
    assert (await kinds(house, recording_id)).count(kind) == 1
    assert (await house.row(recording_id))["state"] == "refused"


async def test_what_got_its_verdict_is_not_wished_again(
    house: RenditionHouse, tmp_path: Path
) -> None:
    recording_id = await house.uploaded(samples.tone_wav(tmp_path / "a.wav").read_bytes())
    async with house.database.transaction() as tx:
        wish = RenditionRequest(team_id=TEAM, recording_id=recording_id)
        await enqueue(tx, wish, clock=house.clock)
    await give_up_all(house, "upload-make-renditions", "rendition.request")
    await house.make(recording_id)
    assert await Reviver(database=house.database, clock=house.clock).revive() == 0


async def test_a_transcode_nobody_could_finish_leaves_what_can_be_heard(
    house: RenditionHouse, tmp_path: Path
) -> None:
    sweeper = Sweeper(
        database=house.database, blobs=house.blobs, clock=house.clock, rules=SweepRules()
    )
    recording_id = await house.uploaded(samples.old_mpeg(tmp_path / "a.mpg", 1.0).read_bytes())
    await house.make(recording_id)
    for _ in range(WISHES_MORE):
        await give_up_all(house, "upload-transcode", "transcode.request")
        assert await sweeper.revive_given_up() == 1
        assert (await house.row(recording_id))["needs_transcode"]
    assert (await kinds(house, recording_id)).count("transcode.request.v1") == 1 + WISHES_MORE
    await give_up_all(house, "upload-transcode", "transcode.request")
    await sweeper.revive_given_up()
    row = await house.row(recording_id)
    assert (row["state"], row["needs_transcode"]) == ("ready", False)
    assert await sweeper.revive_given_up() == 0
