"""Settings and the reference pages made from code are complete and up to date."""

import re
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from shared.http.reference import ROOT, outdated, pages, settings_classes
from shared.settings import CommonSettings

pytestmark = pytest.mark.contract

CLASSES = [("every service", CommonSettings), *settings_classes()]
FIELDS = [
    pytest.param(field, id=f"{service}.{name}")
    for service, kind in CLASSES
    for name, field in kind.model_fields.items()
]
READERS = re.compile(r"os\.environ|os\.getenv|\benviron\b")


@pytest.mark.parametrize("field", FIELDS)
def test_a_setting_has_a_name_and_a_description(field: FieldInfo) -> None:
    assert isinstance(field.validation_alias, str)
    assert re.fullmatch(r"(TIDINGS_[A-Z0-9_]+|FFMPEG|FFPROBE)", field.validation_alias)
    assert field.description
    assert field.description.endswith((".", "]", "..."))


def test_one_name_is_read_in_one_way() -> None:
    readings: dict[str, set[str]] = {}
    for _, kind in CLASSES:
        for field in kind.model_fields.values():
            # Optional for who can do without: standalone makes its own, others need it.
            reading = re.sub(r"<class '(.*)'>|(.*) \| None", r"\1\2", str(field.annotation))
            readings.setdefault(str(field.validation_alias), set()).add(reading)
    assert {name: found for name, found in readings.items() if len(found) > 1} == {}


def sources() -> list[Path]:
    return [
        path
        for folder in ("shared", "services")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path.name != "settings.py"
    ]


def test_only_settings_read_the_environment() -> None:
    readers = {
        str(path.relative_to(ROOT)) for path in sources() if READERS.search(path.read_text("utf-8"))
    }
    # Starting a child process hands the environment on; that is no reading of settings.
    assert {path for path in readers if not path.startswith("services/standalone/")} == set()


def test_reference_pages_are_up_to_date() -> None:
    assert outdated() == [], "run `make contracts`"


def test_an_outdated_page_is_noticed(tmp_path: Path) -> None:
    for path, text in pages().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    assert outdated(tmp_path) == []
    changed = next(iter(pages()))
    (tmp_path / changed).write_text("old", encoding="utf-8")
    assert outdated(tmp_path) == [changed]
