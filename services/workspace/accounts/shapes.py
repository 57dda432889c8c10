"""What the account routes take and give."""

from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime, Field

from services.workspace.accounts.domain import SignInMethod
from services.workspace.domain import Scope
from services.workspace.web import Body, Email, Name, NewPassword, Password, View


class SignInBody(Body):
    """E-mail address and password."""

    email: Email
    password: Password


class LinkBody(Body):
    """The secret of a one-time link."""

    token: str = Field(min_length=1, max_length=200)


class MeBody(Body):
    """What one may change of oneself."""

    name: Name


class PasswordBody(Body):
    """A new password."""

    current: Password | None = Field(
        None, description="Not needed without a password, or just after a one-time link."
    )
    new: NewPassword


class NewTokenBody(Body):
    """An API token to make."""

    name: Name
    scopes: list[Scope] = Field(min_length=1, max_length=50)
    team_id: UUID | None = Field(None, description="Limit the token to one team.")
    expires_at: AwareDatetime | None = Field(None, description="Null: until it is revoked.")


class MeView(View):
    """The person who asks."""

    id: UUID
    email: str
    name: str
    created_at: datetime
    has_password: bool
    scopes: list[str] | None = Field(description="What the token in use may do; null: all.")


class SignedInView(View):
    """A session has begun; its secret is in the cookie only."""

    person_id: UUID


class SessionView(View):
    """A place where one is signed in."""

    id: UUID
    client: str = Field(description="What the browser called itself.")
    method: SignInMethod
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    is_this: bool = Field(description="The session of this very request.")


class SessionsView(View):
    """Where one is signed in, newest first."""

    items: list[SessionView]


class TokenView(View):
    """An API token without its secret."""

    id: UUID
    team_id: UUID | None
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="Exact to five minutes.")


class MadeTokenView(TokenView):
    """A new API token."""

    token: str = Field(description="The secret. It is not kept and not shown again.")


class TokensView(View):
    """One's API tokens, newest first."""

    items: list[TokenView]


class LinkView(View):
    """A one-time sign-in link."""

    url: str = Field(description="Signs in whoever confirms it first, once, within a day.")
