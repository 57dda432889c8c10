import json
from http import HTTPStatus

import pytest

from services.cli.exits import Exit, exit_of
from services.cli.output import Output
from services.cli.read import clock

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("ms", "written"),
    [(0, " 0:00"), (83_999, " 1:23"), (3_723_000, "1:02:03"), (None, "    -")],
)
def test_a_place_is_written_as_people_do(ms: int | None, written: str) -> None:
    assert clock(ms) == written


@pytest.mark.parametrize(
    ("status", "ending"),
    [
        (HTTPStatus.UNAUTHORIZED, Exit.DENIED),
        (HTTPStatus.FORBIDDEN, Exit.DENIED),
        (HTTPStatus.NOT_FOUND, Exit.MISSING),
        (HTTPStatus.GONE, Exit.MISSING),
        (HTTPStatus.SERVICE_UNAVAILABLE, Exit.UNREACHABLE),
        (HTTPStatus.CONFLICT, Exit.FAILED),
        (HTTPStatus.INTERNAL_SERVER_ERROR, Exit.FAILED),
    ],
)
def test_every_http_status_has_its_exit_status(status: HTTPStatus, ending: Exit) -> None:
    assert exit_of(status) is ending


def test_what_people_said_is_not_taken_for_markup(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=False).result({}, "the [bold]budget[/bold] [x]")
    assert capsys.readouterr().out == "the [bold]budget[/bold] [x]\n"


def test_programs_get_one_document_a_line_and_no_chatter(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = Output(as_json=True)
    output.note("Nearly there.")
    output.table([{"a": 1}, {"a": "ü"}], {"a": "A"})
    output.problem("It failed.", "failed")
    said = capsys.readouterr()
    assert [json.loads(line) for line in said.out.splitlines()] == [{"a": 1}, {"a": "ü"}]
    assert json.loads(said.err) == {"error": {"code": "failed", "detail": "It failed."}}
