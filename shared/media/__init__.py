"""Everything that is done with ffmpeg: telling what a recording holds and decoding it, safely."""

from shared.media.container import HEAD_BYTES, is_streamable
from shared.media.decode import SAMPLE_BYTES, SAMPLE_RATE, decode_file, decode_stream
from shared.media.errors import (
    MediaEmptyError,
    MediaError,
    MediaHasNoAudioError,
    MediaOutputTooLargeError,
    MediaPictureTooLargeError,
    MediaTookTooLongError,
    MediaTooLongError,
    MediaTooManyTracksError,
    MediaUnreadableError,
)
from shared.media.outcome import ProgramKilledError
from shared.media.probe import Probe, probe
from shared.media.run import Completed, Limits, MediaProcess, run_media, started
from shared.media.settings import ffmpeg_path, ffprobe_path

__all__ = [
    "HEAD_BYTES",
    "SAMPLE_BYTES",
    "SAMPLE_RATE",
    "Completed",
    "Limits",
    "MediaEmptyError",
    "MediaError",
    "MediaHasNoAudioError",
    "MediaOutputTooLargeError",
    "MediaPictureTooLargeError",
    "MediaProcess",
    "MediaTooLongError",
    "MediaTooManyTracksError",
    "MediaTookTooLongError",
    "MediaUnreadableError",
    "Probe",
    "ProgramKilledError",
    "decode_file",
    "decode_stream",
    "ffmpeg_path",
    "ffprobe_path",
    "is_streamable",
    "probe",
    "run_media",
    "started",
]
