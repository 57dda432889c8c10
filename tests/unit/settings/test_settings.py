from pathlib import Path

import pytest

from shared.settings import EXIT_CONFIG, CommonSettings, LogFormat, load

pytestmark = pytest.mark.unit

NEEDED = {
    "TIDINGS_DATABASE_URL": "postgresql://role:hush@host/name",
    "TIDINGS_NATS_URL": "nats://host",
    "TIDINGS_BLOB_URL": "file:///blobs",
}


@pytest.fixture(autouse=True)
def needed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)


def test_defaults_are_safe_for_production() -> None:
    settings = load(CommonSettings)
    assert settings.http_host == "127.0.0.1"
    assert settings.log_format is LogFormat.JSON
    assert settings.trusted_proxies == ()
    assert settings.otlp_endpoint is None


def test_any_setting_can_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    monkeypatch.setenv("TIDINGS_BLOB_SECRET_FILE", str(tmp_path / "secret"))
    assert load(CommonSettings).blob_secret == "s3cret"


def test_the_variable_itself_wins_over_its_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "level").write_text("debug")
    monkeypatch.setenv("TIDINGS_LOG_LEVEL_FILE", str(tmp_path / "level"))
    monkeypatch.setenv("TIDINGS_LOG_LEVEL", "error")
    assert load(CommonSettings).log_level == "error"


def test_a_setting_file_that_cannot_be_read_ends_the_process_with_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TIDINGS_BLOB_SECRET_FILE", "/nowhere/secret")
    with pytest.raises(SystemExit) as ending:
        load(CommonSettings)
    assert ending.value.code == EXIT_CONFIG
    assert "TIDINGS_BLOB_SECRET_FILE" in capsys.readouterr().err


def test_a_missing_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TIDINGS_NATS_URL")
    with pytest.raises(SystemExit):
        load(CommonSettings)
    assert "TIDINGS_NATS_URL" in capsys.readouterr().err


def test_a_wrong_value_is_named_but_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TIDINGS_HTTP_PORT", "hush-hush")
    with pytest.raises(SystemExit):
        load(CommonSettings)
    said = capsys.readouterr().err
    assert "TIDINGS_HTTP_PORT" in said
    assert "hush-hush" not in said


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDINGS_HTTP_PORT", "")
    assert load(CommonSettings).http_port == 8080


def test_a_bare_variable_name_sets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # Allowing fields by name once let HOME set TIDINGS_HOME.
    monkeypatch.setenv("INSTANCE", "wrong")
    monkeypatch.setenv("HTTP_HOST", "wrong")
    settings = load(CommonSettings)
    assert "wrong" not in (settings.instance, settings.http_host)


def test_passwords_do_not_show_in_the_settings_text() -> None:
    assert "hush" not in repr(load(CommonSettings))
