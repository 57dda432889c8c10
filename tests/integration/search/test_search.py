"""Search finds what was said however it is asked for, on real PostgreSQL; only what is theirs."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from services.workspace.domain import Asker
from services.workspace.search import store
from services.workspace.search.domain import parse_query
from services.workspace.search.store import Filters
from services.workspace.search.usecases import Found, find_moments
from services.workspace.visibility import TeamMissingError, ThreadMissingError
from tests.support.postgres import DatabaseFor, TestPostgres
from tests.support.said import NOON, Archive

pytestmark = pytest.mark.integration


@dataclass
class Shelf:
    """One team with one thread, and who may look."""

    archive: Archive
    owner: Asker
    team_id: UUID
    thread_id: UUID

    async def find(self, text: str, asker: Asker | None = None, **filters: object) -> list[Found]:
        return await find_moments(
            self.archive.database,
            asker or self.owner,
            parse_query(text),
            Filters(**filters),  # type: ignore[arg-type] # a test's words
            limit=20,
            offset=0,
        )

    async def found(self, text: str, asker: Asker | None = None, **filters: object) -> list[UUID]:
        return [each.update.update_id for each in await self.find(text, asker, **filters)]

    async def say(self, *sentences: str, language: str | None = "en", **more: object) -> UUID:
        return await self.archive.update(
            self.thread_id,
            self.owner,
            *sentences,
            language=language,
            **more,  # type: ignore[arg-type] # a test's words
        )


@pytest.fixture
async def shelf(database_for: DatabaseFor) -> Shelf:
    archive = Archive(await database_for("workspace"))
    owner = await archive.person("Olga")
    team_id = await archive.team(owner)
    return Shelf(
        archive=archive,
        owner=owner,
        team_id=team_id,
        thread_id=await archive.thread(team_id, owner),
    )


@pytest.mark.parametrize(
    ("language", "said", "asked"),
    [
        ("en", "We migrated the servers yesterday.", "migrating server"),
        ("en", "We migrated the servers yesterday.", "migr"),
        ("en", "The résumé of the meeting.", "resume"),
        ("en", "Everything about Kubernetes.", "kubernets"),
        ("de", "Die Datenbankreplikation ist langsam.", "replikation"),
        ("de", "Die Kündigung ist da.", "Kuendigung"),
        ("de", "Die Kündigung ist da.", "kundigung"),
        ("de", "Er kündigte gestern.", "Kündigung"),
        ("de", "Die Kuendigung ist da.", "Kündigung"),
        ("de", "Die Straße ist gesperrt.", "strasse"),
        ("de", "Neue Häuser am See.", "Haus"),
        ("nl", "De databasereplicatie is traag.", "replicatie"),
        ("nl", "De ziektekostenverzekering stijgt.", "verzekering"),
        ("fr", "Les réunions commencent demain.", "réunion"),
        ("es", "Las decisiones del equipo.", "decisión"),
        ("ja", "今日は検索について話します", "検索"),
        (None, "Plain words in no known tongue.", "tongue"),
    ],
)
async def test_words_are_found_however_they_are_written(
    shelf: Shelf, language: str | None, said: str, asked: str
) -> None:
    update_id = await shelf.say("Something else comes first.", said, language=language)
    await shelf.say("Nothing of this kind.", language=language)
    (found,) = await shelf.find(asked)
    assert found.update.update_id == update_id
    assert [moment.segment_id for moment in found.moments] == [1]
    assert any(part.is_match for part in found.moments[0].snippet)


async def test_the_moment_is_where_it_was_said(shelf: Shelf) -> None:
    await shelf.say("Good morning.", "Today is sunny.", "The budget grows by ten percent.")
    (found,) = await shelf.find("budget percent")
    (moment,) = found.moments
    assert (moment.start_ms, moment.source) == (10_000, "speech")
    assert [part.text for part in moment.snippet if part.is_match] == ["budget", "percent"]


async def test_words_in_neighbouring_segments_are_found_together(shelf: Shelf) -> None:
    together = await shelf.say("The budget was discussed.", "The board approved it.")
    await shelf.say("The budget of next year.")
    assert (await shelf.found("budget approved"))[0] == together


async def test_a_phrase_must_stand_there_word_after_word(shelf: Shelf) -> None:
    phrase = await shelf.say("This is the next big", "thing for all of us.")
    await shelf.say("The thing that comes next is big.")
    assert await shelf.found('"next big thing"') == [phrase]


async def test_a_word_with_a_minus_must_not_be_there(shelf: Shelf) -> None:
    plain = await shelf.say("The budget for search.")
    await shelf.say("The budget for marketing.")
    assert await shelf.found("budget -marketing") == [plain]


async def test_a_whole_question_finds_what_answers_most_of_it(shelf: Shelf) -> None:
    answer = await shelf.say("The Panthers defense gave up just 308 points.")
    await shelf.say("How many people came to the office?")
    assert (await shelf.found("How many points did the Panthers defense surrender?"))[0] == answer


async def test_titles_and_comments_are_found(shelf: Shelf) -> None:
    update_id = await shelf.say("Hello.", title="Quarterly figures")
    assert await shelf.found("quarterly") == [update_id]
    comment_id = await shelf.archive.comment(
        update_id, shelf.owner, "What about the lighthouse?", 4_000
    )
    (found,) = await shelf.find("lighthouse")
    (moment,) = found.moments
    assert (moment.comment_id, moment.start_ms, moment.source) == (comment_id, 4_000, "comment")


async def test_a_changed_or_removed_comment_is_found_by_its_words_no_more(shelf: Shelf) -> None:
    update_id = await shelf.say("Hello.")
    comment_id = await shelf.archive.comment(update_id, shelf.owner, "The lighthouse.", None)
    database = shelf.archive.database
    await database.execute("update comments set text = 'The harbour.' where id = $1", comment_id)
    assert (await shelf.found("lighthouse"), await shelf.found("harbour")) == ([], [update_id])
    await database.execute("update comments set removed_at = now() where id = $1", comment_id)
    assert await shelf.found("harbour") == []
    assert await database.fetchval("select count(*) from update_words where word = 'harbour'") == 0


async def test_a_removed_update_is_found_no_more(shelf: Shelf) -> None:
    update_id = await shelf.say("The budget grows.")
    await shelf.archive.remove(update_id)
    assert await shelf.found("budget") == []


async def test_languages_in_one_update_are_each_searched_in_their_own_way(shelf: Shelf) -> None:
    english = await shelf.say("They were meeting about houses.")
    german = await shelf.say("Sie sprachen über Häuser.", language="de")
    assert set(await shelf.found("house")) == {english}
    assert set(await shelf.found("haus")) == {german}
    assert await shelf.found("houses", language="de") == []


async def test_nobody_finds_what_is_not_theirs(shelf: Shelf) -> None:
    archive = shelf.archive
    secret = await archive.thread(shelf.team_id, shelf.owner, "Secret")
    hidden = await archive.update(secret, shelf.owner, "The budget is secret.")
    shown = await shelf.say("The budget is public.")
    guest, stranger, member = [await archive.person(name) for name in ("Gus", "Sam", "Max")]
    await archive.join(shelf.team_id, guest, "guest")
    await archive.join(shelf.team_id, member, "member")
    await archive.admit_guest(shelf.team_id, shelf.thread_id, guest)
    other_team = await archive.team(stranger)
    assert set(await shelf.found("budget", member)) == {hidden, shown}
    assert await shelf.found("budget", guest) == [shown]
    assert await shelf.found("secrit", guest) == []
    assert await shelf.found("budget", stranger) == []
    narrow = Asker(person_id=shelf.owner.person_id, only_team=other_team)
    assert await shelf.found("budget", narrow) == []
    with pytest.raises(ThreadMissingError):
        await shelf.find("budget", guest, thread_id=secret)
    with pytest.raises(TeamMissingError):
        await shelf.find("budget", stranger, team_id=shelf.team_id)


async def test_filters_narrow_the_search(shelf: Shelf) -> None:
    archive = shelf.archive
    ben = await archive.person("Ben")
    await archive.join(shelf.team_id, ben, "member")
    other = await archive.thread(shelf.team_id, shelf.owner, "Other")
    old = await shelf.say("The budget, old.", posted_at=NOON - timedelta(days=10))
    new = await archive.update(other, ben, "The budget, new.")
    assert set(await shelf.found("budget", team_id=shelf.team_id)) == {old, new}
    assert await shelf.found("budget", thread_id=other) == [new]
    assert await shelf.found("budget", author_id=ben.person_id) == [new]
    assert await shelf.found("budget", posted_from=NOON) == [new]
    assert await shelf.found("budget", posted_before=NOON) == [old]


async def test_pages_together_are_the_whole_result(shelf: Shelf) -> None:
    said = {await shelf.say(f"The budget of {n} teams.") for n in range(7)}
    database, query = shelf.archive.database, parse_query("budget")
    pages = [
        await find_moments(database, shelf.owner, query, Filters(), limit=3, offset=offset)
        for offset in (0, 3, 6)
    ]
    found = [each.update.update_id for page in pages for each in page]
    assert (len(found), set(found)) == (7, said)


async def test_nothing_asked_breaks_the_query(shelf: Shelf) -> None:
    await shelf.say("The budget.")
    for text in ("budget' or 1=1 --", "100% _x_ \\", "a:* & !b | (c", "die der das", "<->"):
        if any(character.isalnum() for character in text):
            await shelf.find(text)


async def test_thousands_of_passages_are_searched_by_index(
    shelf: Shelf, postgres_server: TestPostgres
) -> None:
    await shelf.say("Only one needle is in here.")
    database = shelf.archive.database
    await database.execute(
        """
        insert into passages (update_id, source, first_segment, last_segment, language, folded)
        select u.id, 'speech', n, n, 'en',
               (select string_agg($1::text || (n * k % 997), ' ') from generate_series(1, 60) k)
        from updates u, generate_series(1, 5000) n
        """,
        "hay",
    )
    # Only the owner of a table may gather what the planner goes by.
    name = await database.fetchval("select current_database()")
    admin = await asyncpg.connect(postgres_server.admin_url(name))
    await admin.execute("analyze workspace.passages")
    await admin.close()
    async with database.transaction() as tx:
        query = parse_query("needle")
        hits = await store.find(tx, shelf.owner, query, Filters(), limit=5, offset=0)
        scans = {
            each: await tx.fetchval("select pg_stat_get_xact_numscans($1::text::regclass)", each)
            for each in ("passages", "passages_lexemes")
        }
    assert len(hits) == 1
    assert scans["passages"] == 0
    assert scans["passages_lexemes"] > 0
