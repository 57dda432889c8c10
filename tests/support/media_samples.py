"""Makes odd recordings with ffmpeg: what browsers, phones and bad luck send."""

import subprocess
import wave
from pathlib import Path

from shared.media import ffmpeg_path

TONE = "sine=frequency=440:sample_rate=48000"
PICTURE = "testsrc2=size=320x240:rate=15"


def make(path: Path, *arguments: str) -> Path:
    """Run ffmpeg with these arguments and the path at the end."""
    command = [ffmpeg_path(), "-nostdin", "-loglevel", "error", "-y", *arguments, str(path)]
    subprocess.run(command, check=True, timeout=30)
    return path


def tone_wav(path: Path, seconds: float = 2.0) -> Path:
    """Make a plain sound file."""
    return make(path, "-f", "lavfi", "-t", f"{seconds}", "-i", TONE)


def empty_wav(path: Path) -> Path:
    """Make a correct header that is followed by nothing."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
    return path


def silent_opus(path: Path, seconds: float) -> Path:
    """Make digital silence that takes next to no bytes, however long it lasts."""
    source = ("-f", "lavfi", "-t", f"{seconds}", "-i", "anullsrc=r=48000:cl=mono")
    return make(path, *source, "-c:a", "libopus", "-b:a", "6k", "-f", "ogg")


def browser_webm(path: Path, seconds: float = 3.0, *, sound: Path | None = None) -> Path:
    """Make what MediaRecorder sends: WebM written to a pipe, without duration and index."""
    sources = (*_picture(seconds), *_sound(seconds, sound))
    codecs = ("-c:v", "libvpx", "-deadline", "realtime", "-b:v", "200k", "-c:a", "libopus")
    command = [ffmpeg_path(), "-nostdin", "-loglevel", "error", *sources, *codecs]
    made = subprocess.run(
        [*command, "-shortest", "-f", "webm", "-live", "1", "pipe:1"],
        check=True,
        timeout=30,
        stdout=subprocess.PIPE,
    )
    path.write_bytes(made.stdout)
    return path


def phone_mp4(
    path: Path,
    seconds: float = 3.0,
    *,
    index_first: bool = False,
    rotation: int = 0,
    sound: Path | None = None,
) -> Path:
    """Make H.264 with AAC, the index at the end as cameras write it, perhaps held sideways."""
    flags = ("-movflags", "+faststart") if index_first else ()
    codecs = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac")
    inputs = (*_picture(seconds), *_sound(seconds, sound))
    if not rotation:
        return make(path, *inputs, *codecs, "-shortest", *flags)
    upright = make(path.with_suffix(".upright.mp4"), *inputs, *codecs, "-shortest")
    turned = ("-display_rotation", f"{rotation}", "-i", str(upright))
    return make(path, *turned, "-c", "copy", *flags)


def fragmented_mp4(path: Path, seconds: float = 3.0) -> Path:
    """Make MP4 in fragments, as Safari's MediaRecorder and newer Chromes send."""
    codecs = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac")
    flags = ("-shortest", "-movflags", "+frag_keyframe+empty_moov+default_base_moof")
    return make(path, *_picture(seconds), *_sound(seconds, None), *codecs, *flags)


def old_mpeg(path: Path, seconds: float = 2.0) -> Path:
    """Make MPEG-1 video, which no browser plays."""
    source = ("-f", "lavfi", "-t", f"{seconds}", "-i", "testsrc2=size=352x288:rate=25")
    codecs = ("-c:v", "mpeg1video", "-c:a", "mp2", "-shortest", "-f", "mpeg")
    return make(path, *source, *_sound(seconds, None), *codecs)


def video_without_sound(path: Path, seconds: float = 2.0) -> Path:
    """Make a picture that says nothing."""
    codecs = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    return make(path, *_picture(seconds), *codecs)


def black_then_picture(path: Path, black_s: float = 2.0, seconds: float = 4.0) -> Path:
    """Make a video that begins in the dark."""
    hidden = f"drawbox=color=black:t=fill:enable='lt(t,{black_s})'"
    codecs = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "15")
    return make(path, *_picture(seconds), *_sound(seconds, None), "-vf", hidden, *codecs)


def playlist(path: Path, target: Path) -> Path:
    """Make an HLS playlist that asks the reader to open another file."""
    lines = ("#EXTM3U", "#EXT-X-TARGETDURATION:10", "#EXTINF:10,", f"file://{target}")
    path.write_text("\n".join((*lines, "#EXT-X-ENDLIST", "")))
    return path


def concatenation(path: Path, target: Path) -> Path:
    """Make an ffconcat script that asks the reader to open another file."""
    path.write_text(f"ffconcat version 1.0\nfile '{target}'\n")
    return path


def truncated(source: Path, path: Path, share: float) -> Path:
    """Keep the first part of the bytes."""
    data = source.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def without_middle(source: Path, path: Path) -> Path:
    """Lose a sixth of the bytes in the middle."""
    data = source.read_bytes()
    path.write_bytes(data[: len(data) * 5 // 12] + data[len(data) * 7 // 12 :])
    return path


def _picture(seconds: float) -> tuple[str, ...]:
    return ("-f", "lavfi", "-t", f"{seconds}", "-i", PICTURE)


def _sound(seconds: float, sound: Path | None) -> tuple[str, ...]:
    if sound is not None:
        return ("-i", str(sound))
    return ("-f", "lavfi", "-t", f"{seconds}", "-i", TONE)
