"""What the service knows of teams."""

import pytest

from services.transcription import store
from services.transcription.store import Team
from shared.contracts import messages as m
from shared.ids import new_id
from shared.testing.waiting import until
from tests.support.transcription import CLOCK, TranscriptionHouse

pytestmark = pytest.mark.integration


async def test_the_newest_word_of_a_team_counts_whatever_comes_last(
    house: TranscriptionHouse,
) -> None:
    await house.keep_notes()
    database = await house.database_for("transcription")
    team_id, other_id = new_id(CLOCK), new_id(CLOCK)

    def changed(revision: int, *glossary: str) -> m.TeamChanged:
        return m.TeamChanged(
            team_id=team_id, name="Pier", languages=("de",), glossary=glossary, revision=revision
        )

    await house.say("workspace", changed(3, "Wijnhaven"))

    async def known() -> Team:
        return await store.team_of(database, team_id)

    async def is_known() -> bool:
        return await known() != Team()

    await until(is_known)
    await house.say("workspace", changed(2, "Outdated"))
    last = m.TeamChanged(team_id=other_id, name="Dock", languages=("nl",), revision=2)
    await house.say("workspace", last)

    async def is_last_known() -> bool:
        return await store.team_of(database, other_id) == Team(languages=("nl",))

    await until(is_last_known)
    assert await known() == Team(languages=("de",), glossary=("Wijnhaven",))
