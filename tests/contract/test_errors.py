"""Every error of the house renders as a problem, is documented, and tells no secrets."""

import json
import re

import pytest

from shared.errors import InvalidError, TidingsError, TooMuchError, UnavailableError
from shared.http.problems import MEDIA_TYPE, every_kind, kind_of_code, problem_reply, title_of
from shared.http.reference import every_module

pytestmark = pytest.mark.contract

#: Imported here so that each class gets a test of its own.
MODULES = {module.__name__ for module in every_module()}
KINDS = [kind for kind in every_kind() if kind.__module__ in MODULES]
#: What our own code may know and a caller must not: paths, SQL, addresses, Python.
LEAKS = re.compile(
    r"/(home|root|tmp|var|usr)/|\b(SELECT|INSERT INTO|DELETE FROM)\b|Traceback|0x[0-9a-f]{6}|://\w+:\d"
)


def test_there_are_error_classes_of_services_among_them() -> None:
    assert any(kind.__module__.startswith("services.") for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__qualname__)
def test_an_error_class_is_well_formed(kind: type[TidingsError]) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", kind.code)
    assert 400 <= kind.status <= 599
    title = title_of(kind)
    assert title.endswith((".", "?", "!"))
    assert not LEAKS.search(title)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__qualname__)
def test_a_class_overrides_its_parents_docstring(kind: type[TidingsError]) -> None:
    # The docstring is what people read; an inherited one would say something else.
    assert "__doc__" in vars(kind)
    assert vars(kind)["__doc__"]


def test_a_code_means_the_same_wherever_it_is_used() -> None:
    # Two services may both find that an update was removed; to a caller it is one thing.
    meanings: dict[str, set[tuple[int, bool]]] = {}
    for kind in KINDS:
        meanings.setdefault(kind.code, set()).add((kind.status, kind.retryable))
    assert {code: found for code, found in meanings.items() if len(found) > 1} == {}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__qualname__)
def test_an_error_renders_as_a_problem(kind: type[TidingsError]) -> None:
    error = kind.__new__(kind)
    TidingsError.__init__(error)
    if isinstance(error, InvalidError):
        error.errors = (("title", "missing"),)
    if isinstance(error, TooMuchError | UnavailableError):
        error.retry_after_s = 1.2
    cause = OSError(2, "No such file", "/home/bob/salaries.mp4")
    error.__cause__ = cause
    reply = problem_reply(error, "request-1")
    assert isinstance(reply.body, bytes)
    document = json.loads(reply.body)
    assert reply.content_type == MEDIA_TYPE
    assert reply.status == document["status"] == kind.status
    assert document["type"] == f"/problems/{kind.code}"
    assert document["instance"] == "request-1"
    assert document["title"]
    assert document["detail"]
    assert "salaries" not in reply.body.decode()
    if isinstance(error, InvalidError):
        assert document["errors"] == [{"field": "title", "code": "missing"}]
    if isinstance(error, TooMuchError | UnavailableError):
        assert reply.headers["Retry-After"] == "2"


def test_fields_become_members_but_never_replace_the_standard_ones() -> None:
    error = TidingsError("no", offset=5, status=200, code="fine")
    reply = problem_reply(error, "request-1")
    assert isinstance(reply.body, bytes)
    document = json.loads(reply.body)
    assert (document["offset"], document["status"], document["code"]) == (5, 500, "internal")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__qualname__)
def test_a_code_leads_back_to_its_meaning(kind: type[TidingsError]) -> None:
    found = kind_of_code(kind.code)
    assert found is not None
    assert (found.code, found.status) == (kind.code, kind.status)
