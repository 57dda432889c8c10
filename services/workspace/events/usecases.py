"""Which events of a team a person may read."""

from uuid import UUID

from services.workspace import visibility
from services.workspace.context import Workspace
from services.workspace.domain import Asker, Role
from services.workspace.teams import store as teams
from shared.errors import InvalidError


class TeamNeededError(InvalidError):
    """You are in several teams, or in none: name the one whose events you want."""

    code = "team-needed"


async def allow_reading(workspace: Workspace, asker: Asker, team_id: UUID | None) -> str:
    """Return a token to read a team's events; a guest's covers only the threads they see."""
    async with workspace.database.transaction() as tx:
        if team_id is None:
            mine = await teams.list_teams(tx, asker)
            if len(mine) != 1:
                raise TeamNeededError(errors=(("team_id", "team-needed"),))
            team_id = mine[0].id
        seen = await visibility.team_for(tx, asker, team_id)
        threads = None
        if seen.role is Role.GUEST:
            threads = await visibility.threads_for(tx, asker, team_id)
    return workspace.capabilities.to_read_events(team_id, threads)
