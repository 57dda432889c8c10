import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from shared import log
from shared.errors import UnavailableError
from shared.settings import CommonSettings, LogFormat

pytestmark = pytest.mark.unit

Lines = Callable[[], list[dict[str, Any]]]
SPOKEN = "we will fire Bob on Friday"


def settings_for(log_format: LogFormat) -> CommonSettings:
    return CommonSettings(
        database_url="x", nats_url="x", blob_url="x", instance="a-1", log_format=log_format
    )


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers, root.level
    yield
    root.handlers = before
    root.setLevel(level)
    log.be_discreet()


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Lines:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    log.configure("workspace", settings_for(LogFormat.JSON))
    return lambda: [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_line_is_json_with_service_and_instance(lines: Lines) -> None:
    log.get().info("upload completed", size_bytes=3)
    (line,) = lines()
    assert line["event"] == "upload completed"
    assert (line["service"], line["instance"], line["size_bytes"]) == ("workspace", "a-1", 3)
    assert line["level"] == "info"


def test_ids_and_times_are_written_as_themselves(lines: Lines) -> None:
    update_id = UUID("0198a2f0-0000-7000-8000-000000000001")
    log.get().info("posted", update_id=update_id, at=datetime(2026, 1, 1, tzinfo=UTC))
    (line,) = lines()
    assert line["update_id"] == str(update_id)
    assert line["at"] == "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    "name",
    [
        "text",
        "transcript",
        "filename",
        "file_name",
        "token",
        "upload_token",
        "authorization",
        "quote",
        "title",
        "thread_title",
        "cookie",
        "snippet",
        "stderr",
        "url",
        "path",
        "Password",
    ],
)
def test_keys_that_could_hold_private_things_are_dropped(lines: Lines, name: str) -> None:
    log.get().info("something happened", **{name: SPOKEN})
    (line,) = lines()
    assert SPOKEN not in json.dumps(line)
    assert line["dropped"] == [name]


@pytest.mark.parametrize(
    "value",
    [
        Path("/home/bob/salaries.mp4"),
        SPOKEN.encode(),
        {"title": SPOKEN},
        [{"text": SPOKEN}],
        ValueError(SPOKEN),
        object(),
    ],
)
def test_values_that_could_carry_private_things_are_dropped(lines: Lines, value: object) -> None:
    log.get().info("something happened", reason=value)
    (line,) = lines()
    assert "reason" not in line
    assert line["dropped"] == ["reason"]


@pytest.mark.parametrize("name", ["transcript_id", "segment_count", "file_bytes", "word_ms"])
def test_ids_and_measures_of_private_things_are_welcome(lines: Lines, name: str) -> None:
    log.get().info("something happened", **{name: 3})
    assert lines()[0][name] == 3


def test_the_text_of_a_foreign_error_is_left_out(lines: Lines) -> None:
    def fail() -> None:
        raise ValueError(SPOKEN)

    try:
        fail()
    except ValueError as error:
        error_id = log.uncaught(error)
    (line,) = lines()
    assert SPOKEN not in json.dumps(line)
    assert line["error"] == "ValueError"
    assert line["error_id"] == error_id
    assert "fail" in line["places"][-1]


def test_the_text_of_a_programming_error_is_kept(lines: Lines) -> None:
    log.uncaught(TypeError("unsupported operand"))
    assert lines()[0]["error"] == "TypeError: unsupported operand"


def test_an_error_names_its_cause() -> None:
    cause = FileNotFoundError(2, "No such file", "/home/bob/salaries.mp4")
    error = UnavailableError("no")
    error.__cause__ = cause
    assert log.describe(error) == (
        "shared.errors.UnavailableError(unavailable) from FileNotFoundError: No such file"
    )


def test_a_group_of_errors_names_each() -> None:
    group = ExceptionGroup("several", [TypeError("a"), ValueError(SPOKEN)])
    assert log.describe(group) == "ExceptionGroup[TypeError: a, ValueError]"


def test_arguments_of_a_library_line_are_left_out(lines: Lines) -> None:
    logging.getLogger("aiohttp.server").warning("bad request %s", SPOKEN)
    (line,) = lines()
    assert line["event"] == "bad request %s"
    assert SPOKEN not in json.dumps(line)


def test_text_lines_are_for_people_and_as_discreet(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    log.configure("workspace", settings_for(LogFormat.TEXT))
    log.get().info("upload completed", size_bytes=3, title=SPOKEN)
    said = written.getvalue()
    assert "upload completed" in said
    assert SPOKEN not in said
