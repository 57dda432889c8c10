"""What the team routes take and give."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from services.workspace.domain import Role
from services.workspace.teams.domain import INVITATION_DAYS, INVITATION_DAYS_MAX
from services.workspace.web import Body, Email, Language, Line, Name, NewPassword, View


class TeamBody(Body):
    """A team's name."""

    name: Name


Term = Annotated[Line, StringConstraints(min_length=2, max_length=60)]


class TeamPatch(Body):
    """What to change; what is left out stays."""

    name: Name | None = None
    languages: list[Language] | None = Field(
        None, max_length=20, description="ISO 639-1 of what the team speaks; empty: anything."
    )
    glossary: list[Term] | None = Field(
        None,
        max_length=100,
        description="Names, products and jargon that speech recognition should expect.",
    )


class RoleBody(Body):
    """Another role."""

    role: Role


class InvitationBody(Body):
    """An invitation to make."""

    role: Role = Role.MEMBER
    thread_ids: list[UUID] = Field(
        default_factory=list, max_length=100, description="For guests: the threads they will see."
    )
    expires_in_days: int = Field(INVITATION_DAYS, ge=1, le=INVITATION_DAYS_MAX)
    max_uses: int = Field(1, ge=1, le=1000)


class NewcomerBody(Body):
    """Who joins and has no account yet."""

    name: Name
    email: Email
    password: NewPassword


class TeamView(View):
    """A team."""

    id: UUID
    name: str
    role: Role = Field(description="Yours.")
    founded_at: datetime
    languages: list[str] = Field(description="ISO 639-1 of what is spoken; empty: anything.")
    glossary: list[str] = Field(description="Names and jargon to expect; empty for guests.")


class TeamsView(View):
    """Your teams, oldest first."""

    items: list[TeamView]


class MemberView(View):
    """A person in a team."""

    person_id: UUID
    name: str
    email: str | None = Field(description="Null where you may not know it.")
    role: Role
    joined_at: datetime
    thread_ids: list[UUID] = Field(description="Guests: threads they see, as far as you see them.")


class MembersView(View):
    """The people of a team whom you may know of."""

    items: list[MemberView]


class InvitationView(View):
    """An invitation without its secret."""

    id: UUID
    role: Role
    thread_ids: list[UUID]
    created_by: UUID
    created_at: datetime
    expires_at: datetime
    max_uses: int
    uses: int


class MadeInvitationView(InvitationView):
    """A new invitation."""

    token: str = Field(description="The secret. It is not kept and not shown again.")
    url: str = Field(description="The same as a link to give away.")


class InvitationsView(View):
    """Invitations that can still be used, newest first."""

    items: list[InvitationView]


class OfferView(View):
    """What an invitation offers."""

    team_name: str
    invited_by: str
    role: Role
    expires_at: datetime


class AcceptedView(View):
    """You are in."""

    team_id: UUID
    person_id: UUID
    role: Role
