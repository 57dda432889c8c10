"""What every route of the workspace must declare."""

import re

import pytest

from services.workspace.accounts.domain import SessionNeededError
from services.workspace.domain import ALL_SCOPES
from services.workspace.routes import ROUTES
from shared.http.routes import Access, RateClass, Route

pytestmark = pytest.mark.contract

KEEPS_SECRETS = {"listTokens", "listInvitations", "listEventCredentials"}

GUARDED = [route for route in ROUTES if route.access is Access.AUTHENTICATED]
#: Open to every token, whatever its scopes: it tells a program whose token it holds.
WITHOUT_SCOPE = {"getMe"}


def name_of(route: Route) -> str:
    return route.operation_id


def test_names_and_addresses_are_used_once() -> None:
    assert len({route.operation_id for route in ROUTES}) == len(ROUTES)
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


@pytest.mark.parametrize("route", GUARDED, ids=name_of)
def test_a_guarded_route_wants_a_scope_or_a_session(route: Route) -> None:
    if route.operation_id in WITHOUT_SCOPE:
        return
    assert (route.scope in ALL_SCOPES) != (SessionNeededError in route.errors)


@pytest.mark.parametrize("route", GUARDED, ids=name_of)
def test_reading_never_takes_the_right_to_write_except_for_secrets(route: Route) -> None:
    if route.method == "GET" and route.scope is not None:
        keeps_secrets = route.operation_id in KEEPS_SECRETS
        assert route.scope.endswith(":read") or keeps_secrets
    elif route.scope is not None:
        assert not route.scope.endswith(":read")


def test_every_scope_opens_something() -> None:
    assert {route.scope for route in ROUTES if route.scope} == ALL_SCOPES


@pytest.mark.parametrize("route", GUARDED, ids=name_of)
def test_a_change_of_what_others_see_wants_the_version_that_was_seen(route: Route) -> None:
    # A role and one's own name have no versions: the last word counts.
    has_version = route.operation_id not in {"changeMember", "changeMe"}
    assert route.if_match == (route.method == "PATCH" and has_version)


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_whatever_takes_a_secret_from_strangers_is_asked_slowly(route: Route) -> None:
    takes_secret = "{token}" in route.path or re.search(r"/sessions(/by-link)?$", route.path)
    if route.access is Access.PUBLIC and takes_secret:
        assert route.rate is RateClass.SIGN_IN
