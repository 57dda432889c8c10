"""Makes the first owner, team and thread of an empty house, by the use cases everybody uses.

Prints one JSON object: sign_in_url, token, team_id, thread_id. Run again, it gives the owner a new
link and a new token. ``--link-for EMAIL`` gives anybody who lost their way in a one-time link.
"""

import argparse
import asyncio
import json
import sys
from dataclasses import dataclass
from uuid import UUID

from services.workspace.accounts import store as accounts
from services.workspace.accounts import tokens
from services.workspace.accounts.domain import clean_email
from services.workspace.accounts.http import link_url
from services.workspace.accounts.store import Person
from services.workspace.accounts.usecases import make_link
from services.workspace.app import SERVICE, open_workspace
from services.workspace.context import Workspace
from services.workspace.domain import ALL_SCOPES, Asker
from services.workspace.settings import Settings
from services.workspace.teams import usecases as teams
from services.workspace.threads import usecases as threads
from shared import log
from shared.errors import MissingError, TidingsError
from shared.ids import new_id
from shared.settings import load

OWNER_EMAIL = "owner@localhost"
OWNER_NAME = "Owner"
TEAM_NAME = "Team"
THREAD_TITLE = "General"
TOKEN_NAME = "First owner"  # noqa: S105 - a label


class PersonMissingError(MissingError):
    """Nobody here has this e-mail address."""

    code = "person-not-found"


@dataclass(frozen=True, kw_only=True)
class Welcome:
    """What the first owner needs."""

    sign_in_url: str
    token: str
    team_id: UUID
    thread_id: UUID

    def as_json(self) -> str:
        """Return it as one line for the program that asked."""
        return json.dumps({name: str(value) for name, value in vars(self).items()})


async def welcome_owner(workspace: Workspace) -> Welcome:
    """Make what is missing of owner, team and thread, and give the owner a way in."""
    owner = await _find_or_make_owner(workspace)
    asker = Asker(person_id=owner.id)
    mine = await teams.list_teams(workspace, asker)
    team = (
        mine[0]
        if mine
        else await teams.found_team(workspace, asker, name=TEAM_NAME, person_name=owner.name)
    )
    opened = await threads.list_threads(workspace, asker, team.id, before=None, limit=1)
    thread = (
        opened[0]
        if opened
        else await threads.open_thread(workspace, asker, team.id, title=THREAD_TITLE)
    )
    made = await tokens.make_token(
        workspace, asker, name=TOKEN_NAME, scopes=ALL_SCOPES, team_id=None, expires_at=None
    )
    link = link_url(workspace, await make_link(workspace, owner.id))
    return Welcome(sign_in_url=link, token=made.secret, team_id=team.id, thread_id=thread.id)


async def link_for(workspace: Workspace, email: str) -> str:
    """Return a one-time link for somebody who has an account."""
    async with workspace.database.transaction() as tx:
        person = await accounts.person_by_email(tx, clean_email(email))
    if person is None:
        raise PersonMissingError
    return link_url(workspace, await make_link(workspace, person.id))


async def _find_or_make_owner(workspace: Workspace) -> Person:
    async with workspace.database.transaction() as tx:
        owner = await accounts.person_by_email(tx, OWNER_EMAIL)
        if owner is None:
            owner = Person(
                id=new_id(workspace.clock),
                email=OWNER_EMAIL,
                name=OWNER_NAME,
                password_hash=None,
                created_at=workspace.clock.now(),
            )
            await accounts.insert_person(tx, owner)
    return owner


async def _answer(settings: Settings, email: str | None) -> str:
    async with open_workspace(settings) as workspace:
        if email is None:
            return (await welcome_owner(workspace)).as_json()
        return json.dumps({"sign_in_url": await link_for(workspace, email)})


def main() -> int:
    """Print the answer, or one sentence and exit status 1."""
    parser = argparse.ArgumentParser(prog="python -m services.workspace.bootstrap")
    parser.add_argument("--link-for", metavar="EMAIL", help="give this person a one-time link")
    email = parser.parse_args().link_for
    settings = load(Settings)
    log.configure(SERVICE, settings)
    try:
        answer = asyncio.run(_answer(settings, email))
    except (TidingsError, ValueError) as exc:
        sys.stderr.write(f"tidings: {exc}\n")
        return 1
    sys.stdout.write(f"{answer}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
