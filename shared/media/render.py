"""Makes the playable forms of a complete file with ffmpeg. Writes only where it is told to.

A failure to make one form raises `RenderFailedError`; the caller decides whether it can do without.
Personal metadata (place, device, titles) is left behind; rotation stays.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import ffmpeg

from shared.media.commands import ALIGNED, DECODING, PIPE_OUT, compiled, reading
from shared.media.errors import MediaError
from shared.media.outcome import check_exit
from shared.media.playable import Wrapping
from shared.media.probe import Probe
from shared.media.run import MIB, Limits, cpu_seconds, run_media, started

WAVEFORM_RATE = 8000
"""Samples a second of what `render_audio` yields: 16 bit, mono."""

MAX_SIDE = 1280
POSTER_TIMEOUT_S = 60.0
TRANSCODE_NICE = 15
SOON_MS = 120_000
"""Sound as long as this is encoded within a second; more of it goes behind everything else."""
BROADCAST_RATE, CD_RATE = 48_000, 44_100

_PRIVATE: dict[str, Any] = {"map_metadata": -1, "map_chapters": -1, "max_error_rate": 1}
_SQUARE = "scale=w='2*trunc(iw*sar/2)':h='2*trunc(ih/2)',setsar=1"
_FITTED = (
    f"scale=w='min({MAX_SIDE},iw)':h='min({MAX_SIDE},ih)'"
    ":force_original_aspect_ratio=decrease:force_divisible_by=2"
)
_NOT_BLACK = (
    "blackframe=amount=0,metadata=mode=select:key=lavfi.blackframe.pblack:value=85:function=less"
)


class RenderFailedError(MediaError):
    """This form of the recording could not be made."""

    code = "media-render-failed"


async def remux(source: Path, target: Path, found: Probe, wrapping: Wrapping) -> None:
    """Put the picture unchanged into a container that seeks and tells its duration."""
    tracks = reading(source, **DECODING)
    streams = [tracks["V:0"], *([tracks["a:0"]] if found.has_audio else [])]
    options: dict[str, Any] = {**_PRIVATE, "vcodec": "copy", "format": wrapping.format}
    if wrapping.copies_sound:
        options["acodec"] = "copy"
    elif found.has_audio:
        options |= _sound_options(found, wrapping.sound_encoder)
    if wrapping.format == "mp4":
        options["movflags"] = "+faststart"
    else:
        options["cues_to_front"] = 1
    size_bytes = (await asyncio.to_thread(source.stat)).st_size
    await _run(
        compiled(ffmpeg.output(*streams, f"file:{target}", **options)),
        timeout_s=_patience_s(found) + size_bytes / MIB,
        output_bytes=2 * size_bytes + _sound_bytes(found) + 64 * MIB,
    )


async def render_audio(
    source: Path, target: Path, found: Probe, *, copies: bool
) -> AsyncGenerator[bytes, None]:
    """Write the sound as AAC in MP4 and yield it as plain samples for the waveform meanwhile."""
    sound = reading(source, **DECODING)["a:0"]
    options: dict[str, Any] = {**_PRIVATE, "movflags": "+faststart", "format": "mp4"}
    options |= {"acodec": "copy"} if copies else _sound_options(found, "aac")
    file = ffmpeg.output(sound, f"file:{target}", **options)
    samples = ffmpeg.output(
        sound,
        PIPE_OUT,
        af=ALIGNED,
        ac=1,
        ar=WAVEFORM_RATE,
        format="s16le",
        acodec="pcm_s16le",
        max_error_rate=1,
    )
    limits = Limits(
        cpu_s=cpu_seconds(_patience_s(found)),
        output_bytes=_sound_bytes(found) + 64 * MIB,
        nice=TRANSCODE_NICE if (found.duration_ms or 0) > SOON_MS else Limits.nice,
    )
    async with (
        started(compiled(file, samples), limits) as running,
        aclosing(running.output()) as output,
    ):
        async for data in output:
            yield data
    _check(running.returncode)


async def render_poster(source: Path, found: Probe) -> bytes | None:
    """Return a JPEG of a frame that shows something, None when no frame can be decoded."""
    is_long = (found.duration_ms or 0) > 2000  # noqa: PLR2004 - a webcam needs a second to wake up
    tries: tuple[tuple[dict[str, Any], str], ...] = (
        ({"ss": 1 if is_long else 0, "t": 60, "skip_frame": "nokey"}, f"{_NOT_BLACK},"),
        ({"t": 20}, f"{_NOT_BLACK},"),
        ({}, ""),
    )
    for where, chosen in tries:
        picture = reading(source, **DECODING, **where)["V:0"]
        command = picture.output(
            PIPE_OUT,
            vf=f"{chosen}{_SQUARE},{_FITTED}",
            vframes=1,
            vcodec="mjpeg",
            pix_fmt="yuvj420p",
            format="mjpeg",
            **{"q:v": 4},
        )
        made = await run_media(
            compiled(command), timeout_s=POSTER_TIMEOUT_S, output_limit_bytes=8 * MIB
        )
        check_exit(made.returncode)
        if made.stdout:
            return made.stdout
    return None


async def transcode(source: Path, target: Path, found: Probe) -> None:
    """Encode the recording as H.264 and AAC, on one core and behind everything else."""
    tracks = reading(source, **DECODING)
    streams = [tracks["V:0"], *([tracks["a:0"]] if found.has_audio else [])]
    sound = _sound_options(found, "aac") if found.has_audio else {}
    command = ffmpeg.output(
        *streams,
        f"file:{target}",
        vf=f"yadif=deint=interlaced,{_SQUARE},{_FITTED}",
        vcodec="libx264",
        preset="veryfast",
        crf=26,
        pix_fmt="yuv420p",
        fpsmax=30,
        threads=1,
        movflags="+faststart",
        format="mp4",
        **_PRIVATE,
        **sound,
    )
    seconds = (found.duration_ms or 0) / 1000
    await _run(
        compiled(command),
        timeout_s=300 + 30 * seconds,
        output_bytes=64 * MIB + int(seconds * MIB),
        nice=TRANSCODE_NICE,
    )


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height from a JPEG's frame header."""
    position = 2
    while position + 9 <= len(data) and data[position] == 0xFF:  # noqa: PLR2004 - marker prefix
        marker, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4])
        if marker in (0xC0, 0xC1, 0xC2):
            height = int.from_bytes(data[position + 5 : position + 7])
            return int.from_bytes(data[position + 7 : position + 9]), height
        position += 2 + length
    return None


async def _run(
    command: Sequence[str], *, timeout_s: float, output_bytes: int, nice: int = Limits.nice
) -> None:
    done = await run_media(command, timeout_s=timeout_s, output_limit_bytes=output_bytes, nice=nice)
    _check(done.returncode)


def _check(returncode: int) -> None:
    check_exit(returncode)
    if returncode != 0:
        raise RenderFailedError


def _sound_options(found: Probe, encoder: str) -> dict[str, Any]:
    is_mono = found.channels == 1
    rate = CD_RATE if found.sample_rate == CD_RATE and encoder == "aac" else BROADCAST_RATE
    # The thorough search doubles the time and is not heard in speech.
    haste = {"aac_coder": "fast"} if encoder == "aac" else {}
    return {
        **haste,
        "acodec": encoder,
        "audio_bitrate": "64k" if is_mono else "96k",
        "ac": 1 if is_mono else 2,
        "ar": rate,
        "af": ALIGNED,
    }


def _patience_s(found: Probe) -> float:
    """Return how long a pass over the sound may take on a busy machine."""
    return 120 + (found.duration_ms or 0) / 1000


def _sound_bytes(found: Probe) -> int:
    """Return more bytes than the decoded waveform, or any encoded sound, can have."""
    return int((found.duration_ms or 0) / 1000 * 2 * (WAVEFORM_RATE * 2))
