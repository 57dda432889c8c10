"""Makes the playable forms of one complete recording on the local disk. Knows no rows or messages.

A form that cannot be made is left out; only a recording of which nothing can be made is refused.
"""

import asyncio
import hashlib
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

from services.upload.waveform import Waveform
from shared.contracts.messages import RenditionKind
from shared.media import (
    MediaError,
    MediaPictureTooLargeError,
    MediaUnreadableError,
    Probe,
    probe,
)
from shared.media.commands import MAX_PIXELS
from shared.media.playable import Wrapping, is_modest_sound, wrapping_for
from shared.media.render import (
    WAVEFORM_RATE,
    RenderFailedError,
    jpeg_size,
    remux,
    render_audio,
    render_poster,
    transcode,
)

AUDIO_TYPE, VIDEO_TYPE = "audio/mp4", "video/mp4"
LENGTH_SLACK_S = 60
"""A recorder stops a moment late; nobody loses an update for that."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """One form, lying in a local file."""

    kind: RenditionKind
    path: Path
    media_type: str
    width: int | None = None
    height: int | None = None

    def sha256(self) -> str:
        """Digest of the file."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, kw_only=True)
class Playable:
    """What became of a recording."""

    found: Probe
    duration_ms: int
    made: tuple[Made, ...]
    needs_transcode: bool
    """True while browsers cannot draw its picture."""


async def look_into(source: Path, *, max_seconds: int) -> Probe:
    """Find out what the file holds. Raises a `MediaError` where that is nothing, or too much."""
    return await probe(source, max_seconds=max_seconds + LENGTH_SLACK_S)


async def make_playable(source: Path, folder: Path, found: Probe) -> Playable:
    """Make every form of what was found that needs no encoding of the picture.

    Raises a `MediaError` when there is nothing in it that could be played.
    """
    made: list[Made] = []
    heard_ms = 0
    if found.has_audio:
        heard_ms, forms = await _make_sound(source, folder, found)
        made += forms
        if not heard_ms:
            found = replace(found, has_audio=False)
    video = await _wrap(source, folder, found) if found.has_video else None
    made += [video] if video else []
    poster = await _make_poster(source, folder, found) if found.has_video else None
    made += [poster] if poster else []
    if not made:
        raise _nothing_made(found)
    return Playable(
        found=found,
        # A picture may outlast the sound; without one, what was heard is the truth.
        duration_ms=max(heard_ms, (found.duration_ms or 0) if found.has_video else 0),
        made=tuple(made),
        needs_transcode=found.has_video and video is None,
    )


async def make_drawable(source: Path, folder: Path, *, max_seconds: int) -> Made:
    """Encode the picture anew for browsers; raises a `MediaError` where that is impossible."""
    found = await look_into(source, max_seconds=max_seconds)
    target = folder / "video.mp4"
    await transcode(source, target, found)
    return await _checked_video(target, VIDEO_TYPE)


def _nothing_made(found: Probe) -> MediaError:
    pixels = (found.width or 0) * (found.height or 0)
    return MediaPictureTooLargeError() if pixels > MAX_PIXELS else MediaUnreadableError()


async def _make_sound(source: Path, folder: Path, found: Probe) -> tuple[int, list[Made]]:
    """Return how long there is something to hear, and the audio and its waveform if so."""
    target = folder / "audio.m4a"
    size_bytes = (await asyncio.to_thread(source.stat)).st_size
    waveform: Waveform | None = None
    if is_modest_sound(found, size_bytes):
        waveform = await _listen(source, target, found, copies=True)
    if waveform is None:
        waveform = await _listen(source, target, found, copies=False)
    if waveform is None or waveform.sample_count == 0:
        # One broken track must not cost a recording its picture.
        return 0, []
    drawing = folder / "peaks.json"
    await asyncio.to_thread(drawing.write_bytes, waveform.as_json())
    return waveform.duration_ms, [
        Made(kind=RenditionKind.AUDIO, path=target, media_type=AUDIO_TYPE),
        Made(kind=RenditionKind.PEAKS, path=drawing, media_type="application/json"),
    ]


async def _listen(source: Path, target: Path, found: Probe, *, copies: bool) -> Waveform | None:
    waveform = Waveform(WAVEFORM_RATE)
    try:
        async with aclosing(render_audio(source, target, found, copies=copies)) as samples:
            async for data in samples:
                waveform.add(data)
    except RenderFailedError:
        return None
    return waveform


async def _wrap(source: Path, folder: Path, found: Probe) -> Made | None:
    wrapping: Wrapping | None = wrapping_for(found)
    if wrapping is None:
        return None
    target = folder / f"video.{wrapping.extension}"
    try:
        await remux(source, target, found, wrapping)
        return await _checked_video(target, wrapping.media_type)
    except MediaError:
        # The road through a transcode is still open.
        return None


async def _checked_video(target: Path, media_type: str) -> Made:
    """Describe what was written, after looking that a picture really is in it."""
    written = await probe(target)
    if not written.has_video:
        raise RenderFailedError
    is_turned = written.rotation % 180 == 90  # noqa: PLR2004 - degrees
    width, height = written.width or None, written.height or None
    return Made(
        kind=RenditionKind.VIDEO,
        path=target,
        media_type=media_type,
        width=height if is_turned else width,
        height=width if is_turned else height,
    )


async def _make_poster(source: Path, folder: Path, found: Probe) -> Made | None:
    try:
        picture = await render_poster(source, found)
    except MediaError:
        return None
    if picture is None:
        return None
    target = folder / "poster.jpg"
    await asyncio.to_thread(target.write_bytes, picture)
    width, height = jpeg_size(picture) or (None, None)
    return Made(
        kind=RenditionKind.POSTER,
        path=target,
        media_type="image/jpeg",
        width=width,
        height=height,
    )
