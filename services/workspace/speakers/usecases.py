"""Name the speakers of an update. A name is kept for that update, never carried to another."""

from uuid import UUID

from services.workspace import visibility
from services.workspace.context import Workspace
from services.workspace.corrections.domain import require_may_correct
from services.workspace.domain import Asker
from services.workspace.speakers import store
from services.workspace.updates import store as updates
from shared.bus import enqueue
from shared.contracts.messages import SpeakerNamed
from shared.errors import MissingError


class SpeakerMissingError(MissingError):
    """Nobody is heard under this label in the update."""

    code = "speaker-not-found"


async def name_speaker(
    workspace: Workspace, asker: Asker, update_id: UUID, label: str, name: str | None
) -> None:
    """Say who it is, or take that back; who may correct words may do this too."""
    async with workspace.database.transaction() as tx:
        seen = await visibility.update_for(tx, asker, update_id)
        require_may_correct(asker, seen.author_id, seen.role)
        await updates.hold_update(tx, update_id)
        if not await store.is_speaker(tx, update_id, label):
            raise SpeakerMissingError
        await store.name_speaker(
            tx, update_id, label, name, by=asker.person_id, now=workspace.clock.now()
        )
        fact = SpeakerNamed(
            team_id=seen.team_id,
            thread_id=seen.thread_id,
            update_id=update_id,
            label=label,
            name=name,
            member_id=asker.person_id,
        )
        await enqueue(tx, fact, clock=workspace.clock)
