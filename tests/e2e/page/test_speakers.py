"""Naming who speaks and having words heard anew, in a real browser."""

from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from shared.contracts import messages as m
from tests.e2e.page.conftest import WAIT_MS, WORDS_MS, Api, picture, violations
from tests.support.media_samples import silent_opus
from tests.support.stack import Stack
from tests.support.told import sent_recording, sentence_of, tell

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
expect.set_options(timeout=WAIT_MS)

SEGMENTS = (
    sentence_of(0, "Is the crane ready?", start_ms=0, speaker="S1"),
    sentence_of(1, "It is, since Monday.", start_ms=10_000, speaker="S2"),
    sentence_of(2, "Then we lift tomorrow.", start_ms=20_000, speaker="S1"),
)


@pytest.fixture(scope="module")
def conversation(stack: Stack, api: Api, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Send a silence, and tell the house what two people said in it."""
    path = silent_opus(tmp_path_factory.mktemp("silence") / "silence.ogg", 30)
    update = sent_recording(stack, path, api.open_thread("The crane"))
    place = m.UpdateFact(
        team_id=update["team_id"], thread_id=update["thread_id"], update_id=update["id"]
    )
    tell(stack, place, UUID(update["recording"]["id"]), SEGMENTS, ())
    return update


def test_a_named_speaker_is_named_wherever_they_speak(page: Page, conversation: Any) -> None:
    page.goto(f"/updates/{conversation['id']}")
    names = page.locator(".speaker strong")
    expect(names).to_have_text(["Speaker 1", "Speaker 2", "Speaker 1"])
    page.get_by_role("button", name="Speaker 1: say who it is").first.click()
    page.get_by_label("Who is it?").fill("Anna")
    picture(page, "naming-a-speaker")
    assert violations(page) == []
    page.get_by_role("button", name="Save").click()
    expect(names).to_have_text(["Anna", "Speaker 2", "Anna"])
    picture(page, "a-named-speaker")


def test_words_can_be_heard_anew_and_stay_where_that_finds_none(
    page: Page, conversation: Any
) -> None:
    """The recording is a silence, so hearing it anew finds nothing, and says so."""
    page.goto(f"/updates/{conversation['id']}")
    page.get_by_role("button", name="Transcribe again…").click()
    page.get_by_label("Spoken in").select_option("nl")
    picture(page, "hearing-anew")
    assert violations(page) == []
    page.get_by_role("button", name="Transcribe again", exact=True).click()
    refused = page.get_by_text("Transcribing again did not work.")
    expect(refused).to_be_visible(timeout=WORDS_MS)
    expect(page.get_by_text("Is the crane ready?")).to_be_visible()
