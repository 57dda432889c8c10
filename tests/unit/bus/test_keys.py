"""Secrets in files: readable by their owner alone, and there after losing power."""

import os
from pathlib import Path

import pytest

from shared.bus.keys import write_secret

pytestmark = pytest.mark.unit


def test_a_secret_is_readable_by_its_owner_alone_and_leaves_no_draft(tmp_path: Path) -> None:
    write_secret(tmp_path / "seed", "first")
    write_secret(tmp_path / "seed", "second")

    assert [path.name for path in tmp_path.iterdir()] == ["seed"]
    assert (tmp_path / "seed").read_text(encoding="ascii") == "second"
    assert (tmp_path / "seed").stat().st_mode & 0o777 == 0o600


def test_a_secret_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "seed"
    synced: list[tuple[bytes | None, bool]] = []
    sync = os.fsync

    def watch(number: int) -> None:
        opened = Path(f"/proc/self/fd/{number}")
        synced.append((None if opened.is_dir() else opened.read_bytes(), path.exists()))
        sync(number)

    monkeypatch.setattr(os, "fsync", watch)
    write_secret(path, "key")

    assert synced == [(b"key", False), (None, True)]
