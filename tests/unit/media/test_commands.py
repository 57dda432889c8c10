import signal
from itertools import pairwise
from pathlib import Path

import pytest

from services.standalone.doctor_machine import check_ffmpeg
from shared.bus.outcome import Again, Bury, decide
from shared.contracts import registry
from shared.errors import StorageFullError
from shared.media import (
    MediaUnreadableError,
    ProgramKilledError,
    ffmpeg_path,
    ffprobe_path,
)
from shared.media.commands import FORMATS, compiled, probing, reading
from shared.media.outcome import check_exit
from shared.media.settings import ProgramMissingError, setpriv_path

pytestmark = pytest.mark.unit


def options_before_input(command: list[str]) -> dict[str, str]:
    before = command[1 : command.index("-i")]
    return {name: value for name, value in pairwise(before) if name[0] == "-"}


@pytest.mark.parametrize(
    "command",
    [
        compiled(reading(Path("/x/a")).output("pipe:1", format="null")),
        probing(Path("/x/a"), "format"),
    ],
    ids=["ffmpeg", "ffprobe"],
)
def test_every_command_may_open_only_files_and_pipes_of_known_formats(command: list[str]) -> None:
    options = options_before_input(command)
    assert options["-protocol_whitelist"] == "file,pipe"
    assert options["-format_whitelist"] == FORMATS


def test_formats_that_name_other_files_are_not_read() -> None:
    risky = {"hls", "concat", "image2", "lavfi", "dash", "imf", "tee", "sdp", "webm_dash_manifest"}
    assert not risky & set(FORMATS.split(","))


def test_a_path_is_never_taken_for_an_option_or_an_address() -> None:
    command = probing(Path("/x/http:/evil"), "format")
    assert command[-1] == "file:/x/http:/evil"


@pytest.mark.parametrize("status", [0, 1, 69, 234])
def test_an_ordinary_exit_is_left_to_the_caller(status: int) -> None:
    check_exit(status)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE])
def test_a_crash_is_blamed_on_the_file(number: signal.Signals) -> None:
    with pytest.raises(MediaUnreadableError):
        check_exit(-number)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_kill_from_outside_is_worth_another_try_that_counts(number: signal.Signals) -> None:
    with pytest.raises(ProgramKilledError) as caught:
        check_exit(-number)
    consumer = registry.CONSUMER_BY_DURABLE["upload-make-renditions"]
    first = decide(caught.value, consumer=consumer, attempt=1, backoff_s=1.0)
    last = decide(caught.value, consumer=consumer, attempt=consumer.max_attempts, backoff_s=1.0)
    assert first == Again(1.0, counted=True)
    assert isinstance(last, Bury)


def test_a_full_disk_is_not_blamed_on_the_file() -> None:
    with pytest.raises(StorageFullError):
        check_exit(228)


def test_a_chosen_program_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "ffmpeg"
    program.touch()
    monkeypatch.setenv("FFMPEG", str(program))
    assert ffmpeg_path() == str(program)


def test_a_chosen_program_that_is_not_there_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FFPROBE", str(tmp_path / "nothing"))
    with pytest.raises(ProgramMissingError, match="FFPROBE"):
        ffprobe_path()


async def test_a_system_without_setpriv_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.defpath", "/nowhere")
    with pytest.raises(ProgramMissingError, match="util-linux"):
        setpriv_path()
    assert "util-linux" in (await check_ffmpeg()).sentence
