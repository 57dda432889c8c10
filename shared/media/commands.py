"""Builds argument lists for ffmpeg and ffprobe that touch nothing but the one file they are given.

Uploads are hostile until proven otherwise: only files and pipes may be opened, and formats that
point at other files (playlists, concatenations, picture sequences, generators) are not read.
"""

from pathlib import Path
from typing import Any

import ffmpeg

from shared.media.settings import ffmpeg_path, ffprobe_path

PIPE_IN = "pipe:0"
PIPE_OUT = "pipe:1"

FORMATS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dts,dv,eac3,flac,flv,gsm,matroska,mov,mp3,"
    "mpc,mpc8,mpeg,mpegts,mpegvideo,mxf,nistsphere,ogg,rm,tta,voc,w64,wav,wv"
)
"""The only formats that are read. Each holds its media in itself."""

MAX_STREAMS = 64
MAX_PIXELS = 36_000_000
"""A little more than 8K; a larger picture is not decoded."""

SAFE_INPUT: dict[str, Any] = {
    "protocol_whitelist": "file,pipe",
    "format_whitelist": FORMATS,
    "max_streams": MAX_STREAMS,
}
DECODING: dict[str, Any] = {"threads": 1, "max_pixels": MAX_PIXELS}
"""For inputs that are decoded. Parallel work is many recordings at once, not one on many cores."""

ALIGNED = "aresample=async=1:first_pts=0"
"""Sound at the time the player has it: gaps become silence, and a late start is padded."""


def address(source: Path | None) -> str:
    """Return the input for a file (never mistaken for an option or another protocol) or stdin."""
    return PIPE_IN if source is None else f"file:{source.resolve()}"


def reading(source: Path | None, **options: Any) -> Any:
    """Begin an ffmpeg command that decodes or copies ``source`` (None: standard input)."""
    return ffmpeg.input(address(source), **SAFE_INPUT, **options)


def compiled(*outputs: Any) -> list[str]:
    """Return the argument list of a command with these outputs, each overwriting its file."""
    merged = outputs[0] if len(outputs) == 1 else ffmpeg.merge_outputs(*outputs)
    command = merged.global_args("-nostdin", "-hide_banner", "-loglevel", "error", "-y")
    return [str(argument) for argument in command.compile(cmd=ffmpeg_path())]


def probing(source: Path | None, entries: str, *flags: str) -> list[str]:
    """Return the argument list of an ffprobe call that answers ``entries`` as JSON."""
    safe = [text for key, value in SAFE_INPUT.items() for text in (f"-{key}", str(value))]
    return [
        *(ffprobe_path(), "-hide_banner", "-loglevel", "error", *safe, *flags),
        *("-show_entries", entries, "-of", "json", "-i", address(source)),
    ]
