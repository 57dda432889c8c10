"""Decides what browsers can play as it is. Pure; knows codecs by ffmpeg's names."""

from dataclasses import dataclass

from shared.media.probe import Probe

WIDELY_DRAWN = frozenset(("yuv420p", "yuvj420p"))
MP4_PICTURE = frozenset(("h264", "av1", "vp9"))
MP4_SOUND = frozenset(("aac", "mp3"))
WEBM_PICTURE = frozenset(("vp8", "vp9", "av1"))
WEBM_SOUND = frozenset(("opus", "vorbis"))
MODEST_BITS_PER_S = 128_000


@dataclass(frozen=True, kw_only=True)
class Wrapping:
    """A container the picture can be put into unchanged, and whether the sound can too."""

    extension: str
    media_type: str
    format: str
    copies_sound: bool
    sound_encoder: str


def wrapping_for(found: Probe) -> Wrapping | None:
    """Return how to wrap the picture as it is; None when browsers cannot draw it."""
    if found.video_codec is None or found.pixel_format not in WIDELY_DRAWN:
        return None
    sound = found.audio_codec if found.has_audio else None
    fits_mp4 = found.video_codec in MP4_PICTURE
    fits_webm = found.video_codec in WEBM_PICTURE
    if fits_webm and (sound in WEBM_SOUND or sound is None or not fits_mp4):
        return Wrapping(
            extension="webm",
            media_type="video/webm",
            format="webm",
            copies_sound=sound in WEBM_SOUND,
            sound_encoder="libopus",
        )
    if fits_mp4:
        return Wrapping(
            extension="mp4",
            media_type="video/mp4",
            format="mp4",
            copies_sound=sound in MP4_SOUND,
            sound_encoder="aac",
        )
    return None


def is_modest_sound(found: Probe, size_bytes: int) -> bool:
    """Return whether the file is nothing but sound in the form of an audio rendition already."""
    if found.has_video or found.audio_codec != "aac" or not found.duration_ms:
        return False
    bits_per_s = size_bytes * 8000 / found.duration_ms
    is_ordinary = found.audio_profile == "LC" and 1 <= found.channels <= 2  # noqa: PLR2004
    return is_ordinary and bits_per_s <= MODEST_BITS_PER_S
