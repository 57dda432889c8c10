"""What the examination says about machines that lack something."""

import socket
from pathlib import Path

import pytest

from services.standalone.doctor_machine import (
    check_clock,
    check_home,
    check_model,
    check_ports,
    check_processor,
    check_python,
    check_second_model,
)
from services.standalone.findings import Verdict
from services.standalone.settings import StandaloneSettings

pytestmark = pytest.mark.unit


def _settings(**options: object) -> StandaloneSettings:
    return StandaloneSettings.model_validate(options)


def test_an_old_python_is_refused_with_its_remedy() -> None:
    assert check_python((3, 11)).verdict is Verdict.OK
    finding = check_python((3, 9))
    assert finding.verdict is Verdict.FAIL
    assert "3.9 is too old: install 3.11" in finding.sentence


def test_a_processor_without_avx2_is_noted(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("flags : sse2 avx\n", encoding="ascii")
    (tmp_path / "new").write_text("flags : sse2 avx avx2\n", encoding="ascii")
    assert check_processor(tmp_path / "old").verdict is Verdict.WARN
    assert check_processor(tmp_path / "none").verdict is Verdict.WARN
    assert check_processor(tmp_path / "new").verdict is Verdict.OK


@pytest.mark.parametrize("moment", [0.0, 5e9])
def test_a_clock_far_off_is_a_failure(moment: float) -> None:
    assert check_clock(moment).verdict is Verdict.FAIL


def test_the_clock_of_this_machine_will_do() -> None:
    assert check_clock().verdict is Verdict.OK


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        settings = _settings(port=min(port, 65_000))
        if port <= 65_000:
            finding = check_ports(settings, is_running=False)
            assert finding.verdict is Verdict.FAIL
            assert str(port) in finding.sentence
            assert "TIDINGS_PORT" in finding.sentence
        assert check_ports(settings, is_running=True).verdict is Verdict.OK


def test_a_full_disk_is_a_failure_with_its_remedy(tmp_path: Path) -> None:
    finding = check_home(_settings(home=tmp_path, minimum_free_mb=999_999_999))
    assert finding.verdict is Verdict.FAIL
    assert "free some space" in finding.sentence
    assert check_home(_settings(home=tmp_path)).verdict is Verdict.OK


def test_a_model_folder_without_a_model_is_a_failure(tmp_path: Path) -> None:
    settings = _settings(model=str(tmp_path))
    assert check_model(settings).verdict is Verdict.FAIL
    (tmp_path / "model.bin").write_bytes(b"weights")
    assert check_model(settings).verdict is Verdict.OK


def test_the_bundled_model_is_there_and_unchanged() -> None:
    assert check_model(_settings(model="tiny.en")).verdict is Verdict.OK


def test_the_second_model_is_examined_as_the_first_is(tmp_path: Path) -> None:
    assert check_second_model("tiny.en").verdict is Verdict.OK
    finding = check_second_model(str(tmp_path))
    assert finding.verdict is Verdict.FAIL
    assert "TIDINGS_TRANSCRIPTION_SECOND_MODEL" in finding.sentence
    (tmp_path / "model.bin").write_bytes(b"weights")
    assert check_second_model(str(tmp_path)).verdict is Verdict.OK
