"""Finds out what a file really holds, trusting no number written in it.

Counts packets and scans their times instead of believing headers. Refuses with a `MediaError`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg

from shared.media.commands import compiled, probing, reading
from shared.media.errors import (
    MediaEmptyError,
    MediaTooLongError,
    MediaTooManyTracksError,
    MediaUnreadableError,
)
from shared.media.outcome import check_exit
from shared.media.run import MIB, READ_BYTES, run_media

MAX_TRACKS = 32
BYTES_SCANNED_PER_S = 4 * MIB
"""A slow disk; only bounds how long a scan may take."""

HEADER_TOLERANCE_MS = 1500
"""A header this near to the last packet is believed: packets do not tell their last duration."""

_ENTRIES = (
    "format=format_name,duration"
    ":stream=index,codec_type,codec_name,profile,pix_fmt,width,height,sample_aspect_ratio,"
    "channels,sample_rate,nb_read_packets"
    ":stream_disposition=attached_pic:stream_side_data=rotation"
)


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What a recording holds. The first sound track and the first moving picture count."""

    format: str
    """ffmpeg's name, e.g. ``matroska,webm``."""
    duration_ms: int | None
    """From the packets; None where only the beginning was seen."""
    has_audio: bool
    has_video: bool
    audio_packets: int = 0
    """Of what was seen; a declared track may hold none."""
    audio_codec: str | None = None
    channels: int = 0
    sample_rate: int = 0
    audio_profile: str | None = None
    video_codec: str | None = None
    video_profile: str | None = None
    pixel_format: str | None = None
    width: int | None = None
    """As stored, before rotation."""
    height: int | None = None
    rotation: int = 0
    """Degrees to turn the picture for display, a multiple of 90."""


async def probe(source: Path | bytes, *, max_seconds: float | None = None) -> Probe:
    """Return what a complete file holds, or what can be told from its first bytes.

    Raises `MediaEmptyError` without bytes or packets, `MediaUnreadableError` where nothing known is
    in it, `MediaTooManyTracksError`, `MediaTooLongError`.
    """
    if isinstance(source, bytes):
        return _described(await _ask(None, source, timeout_s=30.0), None)
    size_bytes = (await asyncio.to_thread(source.stat)).st_size
    if size_bytes == 0:
        raise MediaEmptyError
    timeout_s = 30.0 + size_bytes / BYTES_SCANNED_PER_S
    answer = await _ask(source, b"", timeout_s=timeout_s)
    _described(answer, 0)
    duration_ms = await _scan_duration(source, _header_ms(answer), timeout_s)
    if max_seconds is not None and duration_ms > max_seconds * 1000:
        raise MediaTooLongError(max_seconds=max_seconds)
    return _described(answer, duration_ms)


async def _ask(source: Path | None, head: bytes, *, timeout_s: float) -> Mapping[str, Any]:
    completed = await run_media(
        probing(source, _ENTRIES, "-count_packets"),
        timeout_s=timeout_s,
        output_limit_bytes=MIB,
        stdin=_pieces(head) if source is None else None,
    )
    check_exit(completed.returncode)
    if completed.returncode != 0:
        raise MediaUnreadableError
    answer: Mapping[str, Any] = json.loads(completed.stdout)
    if len(answer.get("streams", ())) > MAX_TRACKS:
        raise MediaTooManyTracksError
    return answer


async def _pieces(head: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(head), READ_BYTES):
        yield head[start : start + READ_BYTES]


async def _scan_duration(source: Path, header_ms: int | None, timeout_s: float) -> int:
    """Return the end of the last packet of sound or picture, read without decoding."""
    tracks = reading(source)
    command = ffmpeg.output(tracks["a:0?"], tracks["V:0?"], "pipe:2", codec="copy", format="null")
    progress = command.global_args("-progress", "pipe:1", "-stats_period", "5")
    completed = await run_media(compiled(progress), timeout_s=timeout_s)
    check_exit(completed.returncode)
    if completed.returncode != 0:
        raise MediaUnreadableError
    last_us = 0
    for line in completed.stdout.splitlines():
        name, _, value = line.partition(b"=")
        if name == b"out_time_us" and value.lstrip(b"-").isdigit():
            last_us = max(last_us, int(value))
    scanned_ms = last_us // 1000
    if header_ms is not None and abs(header_ms - scanned_ms) < HEADER_TOLERANCE_MS:
        return max(header_ms, scanned_ms)
    return scanned_ms


def _header_ms(answer: Mapping[str, Any]) -> int | None:
    try:
        return max(0, round(float(answer["format"]["duration"]) * 1000))
    except (KeyError, ValueError, OverflowError):
        return None


def _described(answer: Mapping[str, Any], duration_ms: int | None) -> Probe:
    audio = _first(answer, "audio", must_have_packets=duration_ms is not None)
    video = _first(answer, "video", must_have_packets=duration_ms is not None)
    if audio is None and video is None:
        declared = _first(answer, "audio", must_have_packets=False)
        if declared or _first(answer, "video", must_have_packets=False):
            raise MediaEmptyError
        raise MediaUnreadableError
    audio, video = audio or {}, video or {}
    return Probe(
        format=str(answer.get("format", {}).get("format_name", "")),
        duration_ms=duration_ms,
        has_audio=bool(audio),
        has_video=bool(video),
        audio_packets=int(audio.get("nb_read_packets", 0)),
        audio_codec=audio.get("codec_name"),
        audio_profile=audio.get("profile"),
        channels=int(audio.get("channels", 0)),
        sample_rate=int(audio.get("sample_rate", 0)),
        video_codec=video.get("codec_name"),
        video_profile=video.get("profile"),
        pixel_format=video.get("pix_fmt"),
        width=video.get("width"),
        height=video.get("height"),
        rotation=_rotation(video),
    )


def _first(
    answer: Mapping[str, Any], kind: str, *, must_have_packets: bool
) -> Mapping[str, Any] | None:
    for stream in answer.get("streams", ()):
        is_cover = stream.get("disposition", {}).get("attached_pic") == 1
        has_packets = int(stream.get("nb_read_packets", 0)) > 0 or not must_have_packets
        if stream.get("codec_type") == kind and not is_cover:
            # Only the first of a kind is ever used, so a later one cannot stand in for it.
            found: Mapping[str, Any] | None = stream if has_packets else None
            return found
    return None


def _rotation(video: Mapping[str, Any]) -> int:
    for side in video.get("side_data_list", ()):
        if "rotation" in side:
            return round(-float(side["rotation"]) / 90) * 90 % 360
    return 0
