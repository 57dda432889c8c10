"""One readable log of many programs."""

import io
import json
import re

import pytest

from services.standalone.logview import LogView

pytestmark = pytest.mark.unit


def _written(name: str, line: str, *, in_colour: bool = False) -> str:
    stream = io.StringIO()
    LogView(stream, in_colour=in_colour).line(name, line)
    return stream.getvalue()


def test_a_json_line_becomes_time_name_event_and_fields() -> None:
    entry = {
        "event": "upload completed",
        "level": "info",
        "timestamp": "2024-01-01T00:00:00Z",
        "service": "upload",
        "instance": "upload",
        "size_bytes": 12,
        "reason": "two words",
    }
    written = _written("upload", json.dumps(entry))
    assert re.fullmatch(
        r'\d\d:\d\d:\d\d upload        upload completed size_bytes=12 reason="two words"\n', written
    )


@pytest.mark.parametrize("line", ["plain words", '"a string"', "[1, 2]", '{"no": "event"}', "{bad"])
def test_a_line_that_is_no_event_stays_as_it_is(line: str) -> None:
    assert _written("nats", line).endswith(f" {line}\n")


def test_a_warning_says_so_even_without_colour() -> None:
    line = json.dumps({"event": "bus lost", "level": "warning"})
    assert "warning: bus lost" in _written("upload", line)


def test_names_have_colours_on_a_terminal_only() -> None:
    assert "\x1b[" in _written("upload", "x", in_colour=True)
    assert "\x1b[" not in _written("upload", "x")


def test_each_name_keeps_its_colour() -> None:
    stream = io.StringIO()
    view = LogView(stream, in_colour=True)
    for name in ("upload", "nats", "upload"):
        view.line(name, "x")
    first, second, third = (
        re.findall(r"\x1b\[(\d+)m", line)[0] for line in stream.getvalue().splitlines()
    )
    assert first == third != second
