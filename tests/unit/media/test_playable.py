from dataclasses import replace

import pytest

from shared.media import Probe
from shared.media.playable import is_modest_sound, wrapping_for
from shared.media.render import jpeg_size

pytestmark = pytest.mark.unit

CAMERA = Probe(
    format="mov,mp4,m4a,3gp,3g2,mj2",
    duration_ms=60_000,
    has_audio=True,
    has_video=True,
    audio_codec="aac",
    audio_profile="LC",
    channels=2,
    video_codec="h264",
    pixel_format="yuv420p",
)


@pytest.mark.parametrize(
    ("video", "audio", "extension", "copies_sound"),
    [
        ("h264", "aac", "mp4", True),
        ("h264", "mp3", "mp4", True),
        ("h264", "dts", "mp4", False),
        ("h264", "opus", "mp4", False),
        ("vp8", "opus", "webm", True),
        ("vp8", "aac", "webm", False),
        ("vp9", "vorbis", "webm", True),
        ("vp9", "aac", "mp4", True),
        ("av1", "opus", "webm", True),
    ],
)
def test_a_picture_browsers_draw_is_wrapped_unchanged(
    video: str, audio: str, extension: str, *, copies_sound: bool
) -> None:
    wrapping = wrapping_for(replace(CAMERA, video_codec=video, audio_codec=audio))
    assert wrapping is not None
    assert (wrapping.extension, wrapping.copies_sound) == (extension, copies_sound)


@pytest.mark.parametrize("video", ["hevc", "mpeg1video", "mpeg2video", "mjpeg", "h263", "prores"])
def test_a_picture_browsers_cannot_draw_is_not_wrapped(video: str) -> None:
    assert wrapping_for(replace(CAMERA, video_codec=video)) is None


@pytest.mark.parametrize("pixel_format", ["yuv422p", "yuv444p", "yuv420p10le", None])
def test_neither_are_pixels_they_cannot_draw(pixel_format: str | None) -> None:
    assert wrapping_for(replace(CAMERA, pixel_format=pixel_format)) is None


def test_a_silent_picture_is_wrapped_without_sound() -> None:
    wrapping = wrapping_for(replace(CAMERA, has_audio=False, audio_codec=None, video_codec="vp9"))
    assert wrapping is not None
    assert (wrapping.extension, wrapping.copies_sound) == ("webm", False)


def test_small_stereo_aac_is_kept_as_it_is() -> None:
    memo = replace(CAMERA, has_video=False, video_codec=None)
    assert is_modest_sound(memo, size_bytes=60 * 12_000)
    assert not is_modest_sound(memo, size_bytes=60 * 40_000)
    assert not is_modest_sound(replace(memo, channels=6), size_bytes=60 * 12_000)
    assert not is_modest_sound(replace(memo, audio_profile="HE-AAC"), size_bytes=60 * 12_000)
    assert not is_modest_sound(CAMERA, size_bytes=60 * 12_000)


def test_the_size_of_a_picture_is_read_from_its_frame_header() -> None:
    app0 = b"\xff\xe0\x00\x04ab"
    frame = b"\xff\xc0\x00\x0b\x08" + (720).to_bytes(2) + (1280).to_bytes(2) + b"\x01\x01\x11\x00"
    assert jpeg_size(b"\xff\xd8" + app0 + frame) == (1280, 720)
    assert jpeg_size(b"\xff\xd8") is None
    assert jpeg_size(b"nothing of that kind") is None
