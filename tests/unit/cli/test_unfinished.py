import os
from pathlib import Path

import pytest

from services.cli.unfinished import KEEP_S, Note, Unfinished, name_of

pytestmark = pytest.mark.unit

NOTE = Note(request_key="k", update_id="u", upload_url="http://x/files", token="t")


def test_a_note_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    notes = Unfinished(tmp_path)
    notes.keep("a", NOTE)
    assert notes.recall("a") == NOTE
    notes.forget("a")
    assert notes.recall("a") is None


def test_a_note_is_for_its_owner_only(tmp_path: Path) -> None:
    Unfinished(tmp_path).keep("a", NOTE)
    (note,) = (tmp_path / "uploads").iterdir()
    assert note.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", ["", "{", "{}", '{"token": "t"}'])
def test_a_damaged_note_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    notes = Unfinished(tmp_path)
    notes.keep("a", NOTE)
    (tmp_path / "uploads" / "a.json").write_text(content)
    assert notes.recall("a") is None


def test_old_notes_go_with_the_next_one_forgotten(tmp_path: Path) -> None:
    notes = Unfinished(tmp_path)
    notes.keep("old", NOTE)
    notes.keep("new", NOTE)
    notes.keep("done", NOTE)
    old = tmp_path / "uploads" / "old.json"
    os.utime(old, (old.stat().st_atime, old.stat().st_mtime - KEEP_S - 1))
    notes.forget("done")
    assert (notes.recall("old"), notes.recall("new")) == (None, NOTE)


def test_only_the_same_unchanged_file_has_the_same_name(tmp_path: Path) -> None:
    recording = tmp_path / "talk.webm"
    recording.write_bytes(b"1")
    name = name_of("http://a", "thread", recording)
    assert name == name_of("http://a", "thread", recording)
    assert name != name_of("http://b", "thread", recording)
    assert name != name_of("http://a", "other", recording)
    recording.write_bytes(b"12")
    assert name != name_of("http://a", "thread", recording)
