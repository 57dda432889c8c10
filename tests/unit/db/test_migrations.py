"""Finding migrations, and the settings of the job that runs them."""

from pathlib import Path

import pytest

from shared.contracts.registry import SERVICES
from shared.db.migrate import MigrationNameError, find_migrations
from shared.db.settings import MigrateSettings
from shared.errors import InvalidError

pytestmark = pytest.mark.unit


def _add(root: Path, folder: str, name: str, sql: str = "SELECT 1;") -> None:
    path = root / folder / "migrations" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(sql, encoding="utf-8")


def test_the_bus_s_migrations_come_before_the_service_s_own(tmp_path: Path) -> None:
    _add(tmp_path, "services/upload", "0002_more.sql")
    _add(tmp_path, "services/upload", "0001_first.sql")
    _add(tmp_path, "shared/bus", "0001_outbox.sql")
    names = [migration.name for migration in find_migrations("upload", tmp_path)]
    assert names == ["bus/0001_outbox.sql", "upload/0001_first.sql", "upload/0002_more.sql"]


@pytest.mark.parametrize("name", ["1_first.sql", "0001-first.sql", "first.sql", "0001_First.sql"])
def test_a_migration_with_a_wrong_name_is_refused(tmp_path: Path, name: str) -> None:
    _add(tmp_path, "services/upload", name)
    with pytest.raises(MigrationNameError):
        find_migrations("upload", tmp_path)


def test_two_migrations_with_one_number_are_refused(tmp_path: Path) -> None:
    _add(tmp_path, "services/upload", "0001_first.sql")
    _add(tmp_path, "services/upload", "0001_other.sql")
    with pytest.raises(MigrationNameError):
        find_migrations("upload", tmp_path)


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_s_own_migrations_have_right_names(service: str) -> None:
    assert find_migrations(service)


def test_the_job_takes_passwords_from_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "admin").write_text("p@ss/word\n", encoding="utf-8")
    (tmp_path / "database-upload").write_text("secret\n", encoding="utf-8")
    monkeypatch.setenv("TIDINGS_DATABASE_ADMIN_URL", "postgresql://boss@db:5432/tidings")
    monkeypatch.setenv("TIDINGS_DATABASE_ADMIN_PASSWORD_FILE", str(tmp_path / "admin"))
    monkeypatch.setenv("TIDINGS_DATABASE_PASSWORDS_DIR", str(tmp_path))
    monkeypatch.setenv("TIDINGS_MIGRATE_SERVICES", '["upload"]')
    settings = MigrateSettings()
    assert settings.service_passwords() == {"upload": "secret"}
    assert settings.admin_url_with_password() == "postgresql://boss:p%40ss%2Fword@db:5432/tidings"


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_a_missing_or_empty_password_file_is_named(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "database-upload").write_text(content, encoding="utf-8")
    settings = MigrateSettings(
        admin_url="postgresql://boss@db/tidings", passwords_dir=tmp_path, services=("upload",)
    )
    with pytest.raises(InvalidError, match="database-upload"):
        settings.service_passwords()
