"""Finds the team and thread a person means: by id or title, and never guesses between several."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from services.cli.api import Api, Json
from services.cli.exits import CommandError, Exit

DEFAULT_THREAD = "General"


@dataclass(frozen=True, kw_only=True)
class Place:
    """What was said on the command line."""

    team: str | None = None
    thread: str | None = None
    new_thread: str | None = None


async def find_team(api: Api, wanted: str | None) -> Json:
    """Return the team with this id or name; without a wish the only one."""
    teams = [team async for team in api.pages("/api/v1/teams")]
    if not teams:
        raise CommandError("You are in no team yet.", Exit.MISSING, code="no-team")
    if wanted is not None:
        return _pick(teams, wanted, "name", "team")
    if len(teams) > 1:
        raise CommandError(
            "You are in several teams; name one with --team.", Exit.USAGE, code="team-needed"
        )
    return teams[0]


async def find_thread(api: Api, place: Place) -> str:
    """Return the id of the thread, General without a wish; open it first if it is to be new."""
    if place.thread is not None and _is_id(place.thread):
        return place.thread
    team = await find_team(api, place.team)
    path = f"/api/v1/teams/{team['id']}/threads"
    if place.new_thread is not None:
        opened = await api.post(path, {"title": place.new_thread}, key=uuid4().hex)
        return str(opened["id"])
    threads = [thread async for thread in api.pages(path)]
    return str(_pick(threads, place.thread or DEFAULT_THREAD, "title", "thread")["id"])


def _pick(candidates: list[Json], wanted: str, field: str, noun: str) -> Json:
    found = [
        candidate
        for candidate in candidates
        if candidate["id"] == wanted or str(candidate[field]).casefold() == wanted.casefold()
    ]
    if not found:
        sentence = f"There is no {noun} “{wanted}”; name another with --{noun}."
        raise CommandError(sentence, Exit.MISSING, code=f"no-{noun}")
    if len(found) > 1:
        raise CommandError(
            f"Several {noun}s are called “{wanted}”; give the id instead.", code=f"{noun}-ambiguous"
        )
    return found[0]


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
