import asyncio
import hashlib
import os
import random
import signal
from array import array
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from shared.media import (
    SAMPLE_BYTES,
    SAMPLE_RATE,
    MediaEmptyError,
    MediaError,
    MediaHasNoAudioError,
    MediaTooLongError,
    MediaUnreadableError,
    ProgramKilledError,
    decode_file,
    decode_stream,
    is_streamable,
)
from tests.support import media_samples as samples
from tests.support.speech import speech_file

pytestmark = pytest.mark.integration

PER_SECOND = SAMPLE_RATE * SAMPLE_BYTES


async def in_parts(data: bytes, sizes: Callable[[], int]) -> AsyncIterator[bytes]:
    position = 0
    while position < len(data):
        size = sizes()
        yield data[position : position + size]
        position += size


async def whole(data: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in data])


STREAMABLE: dict[str, Callable[[Path], Path]] = {
    "browser.webm": samples.browser_webm,
    "safari.mp4": samples.fragmented_mp4,
    "faststart.mp4": lambda path: samples.phone_mp4(path, index_first=True),
    "sound.wav": samples.tone_wav,
    "sound.mp3": samples.tone_wav,
    "sound.flac": samples.tone_wav,
    "sound.ogg": lambda path: samples.silent_opus(path, 2.0),
    "old.mpg": samples.old_mpeg,
}


@pytest.mark.parametrize("name", STREAMABLE)
async def test_cuts_make_no_difference_to_the_samples(name: str, tmp_path: Path) -> None:
    path = STREAMABLE[name](tmp_path / name)
    data = path.read_bytes()
    assert is_streamable(data[:4096]) is True
    chance = random.Random(7)  # noqa: S311 - only where to cut
    cuts: tuple[Callable[[], int], ...] = (
        lambda: 1 << 20,
        lambda: 4096,
        lambda: chance.randint(1, 9000),
    )
    digests = {
        hashlib.sha256(await whole(decode_stream(in_parts(data, cut)))).hexdigest() for cut in cuts
    }
    assert len(digests) == 1


@pytest.mark.parametrize("name", [name for name in STREAMABLE if not name.endswith("mp3")])
async def test_a_complete_file_gives_the_samples_it_gave_while_it_arrived(
    name: str, tmp_path: Path
) -> None:
    path = STREAMABLE[name](tmp_path / name)
    data = path.read_bytes()
    arrived = await whole(decode_stream(in_parts(data, lambda: 4096)))
    assert await whole(decode_file(path)) == arrived


async def test_an_mp3_differs_at_most_in_the_padding_at_its_end(tmp_path: Path) -> None:
    # How much the encoder appended is only known where the end of the file can be seen.
    path = samples.tone_wav(tmp_path / "a.mp3")
    arrived = await whole(decode_stream(in_parts(path.read_bytes(), lambda: 4096)))
    complete = await whole(decode_file(path))
    assert 0 <= len(arrived) - len(complete) < 0.05 * PER_SECOND
    same = len(complete) - 100
    assert arrived[:same] == complete[:same]


async def test_single_bytes_are_parts_too(tmp_path: Path) -> None:
    data = samples.tone_wav(tmp_path / "a.mp3", 0.5).read_bytes()
    at_once = await whole(decode_stream(in_parts(data, lambda: len(data))))
    assert await whole(decode_stream(in_parts(data, lambda: 1))) == at_once


async def test_every_piece_holds_whole_samples(tmp_path: Path) -> None:
    path = samples.tone_wav(tmp_path / "a.wav")
    assert all([len(piece) % SAMPLE_BYTES == 0 async for piece in decode_file(path)])


async def test_real_speech_keeps_its_length() -> None:
    recording = speech_file("en")
    decoded = await whole(decode_file(recording.path))
    assert len(decoded) / PER_SECOND == pytest.approx(recording.seconds, abs=0.2)
    assert max(array("h", decoded)) > 300


async def test_samples_come_while_the_recording_still_arrives(tmp_path: Path) -> None:
    sound = samples.tone_wav(tmp_path / "a.wav", 6.0)
    data = samples.browser_webm(tmp_path / "a.webm", 6.0, sound=sound).read_bytes()
    first_samples = asyncio.Event()

    async def half_then_wait() -> AsyncIterator[bytes]:
        yield data[: len(data) // 2]
        async with asyncio.timeout(10):
            await first_samples.wait()
        yield data[len(data) // 2 :]

    heard_bytes = 0
    async for piece in decode_stream(half_then_wait()):
        heard_bytes += len(piece)
        if heard_bytes > 2 * PER_SECOND:
            first_samples.set()
    assert heard_bytes / PER_SECOND == pytest.approx(6.0, abs=0.1)


async def test_parts_are_taken_only_as_fast_as_samples_are_read(tmp_path: Path) -> None:
    data = samples.tone_wav(tmp_path / "a.wav", 60.0).read_bytes()
    taken_bytes = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal taken_bytes
        for start in range(0, len(data), 65536):
            taken_bytes += 65536
            yield data[start : start + 65536]

    stream = decode_stream(counted())
    await anext(stream)
    await asyncio.sleep(0.5)
    assert taken_bytes < len(data) / 2
    await stream.aclose()


async def test_a_gap_becomes_silence_so_that_times_stay_those_of_the_player(tmp_path: Path) -> None:
    late = samples.make(
        tmp_path / "late.mkv",
        *("-f", "lavfi", "-t", "3", "-i", samples.PICTURE),
        *("-itsoffset", "1.5", "-f", "lavfi", "-t", "1", "-i", samples.TONE),
        *("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "libopus"),
    )
    decoded = array("h", await whole(decode_file(late)))
    assert max(decoded[: int(1.4 * SAMPLE_RATE)]) < 10
    assert max(decoded[int(1.7 * SAMPLE_RATE) :]) > 1000


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
async def test_what_a_truncated_recording_holds_is_kept(share: float, tmp_path: Path) -> None:
    path = samples.phone_mp4(tmp_path / "a.mp4", 4.0, index_first=True)
    cut = samples.truncated(path, tmp_path / "cut.mp4", share)
    seconds = len(await whole(decode_file(cut))) / PER_SECOND
    assert 0.2 < seconds < 4.1


async def test_a_missing_middle_costs_only_the_middle(tmp_path: Path) -> None:
    path = samples.tone_wav(tmp_path / "a.flac", 6.0)
    damaged = samples.without_middle(path, tmp_path / "damaged.flac")
    assert len(await whole(decode_file(damaged))) / PER_SECOND == pytest.approx(6.0, abs=0.5)


async def test_hours_of_silence_in_a_few_bytes_are_stopped_at_the_limit(tmp_path: Path) -> None:
    path = samples.silent_opus(tmp_path / "a.opus", 600.0)
    assert path.stat().st_size < 600_000
    with pytest.raises(MediaTooLongError):
        await whole(decode_file(path, max_seconds=60.0))
    data = path.read_bytes()
    with pytest.raises(MediaTooLongError):
        await whole(decode_stream(in_parts(data, lambda: 65536), max_seconds=60.0))


async def test_a_video_without_sound_says_so(tmp_path: Path) -> None:
    path = samples.video_without_sound(tmp_path / "a.mkv")
    with pytest.raises(MediaHasNoAudioError):
        await whole(decode_file(path))
    with pytest.raises(MediaHasNoAudioError):
        await whole(decode_stream(in_parts(path.read_bytes(), lambda: 4096)))


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", MediaEmptyError),
        (b"<html><body>Not found</body></html>" * 3, MediaUnreadableError),
        (random.Random(3).randbytes(50_000), MediaUnreadableError),  # noqa: S311
        (b"OggS" + bytes(5000), MediaUnreadableError),
    ],
    ids=["nothing", "text", "noise", "broken-ogg"],
)
async def test_what_is_no_recording_is_refused_with_a_reason(
    data: bytes, error: type[MediaError], tmp_path: Path
) -> None:
    path = tmp_path / "upload"
    path.write_bytes(data)
    with pytest.raises(error):
        await whole(decode_file(path))
    with pytest.raises(error):
        await whole(decode_stream(in_parts(data, lambda: 4096)))


async def test_a_header_without_samples_is_empty_not_silent(tmp_path: Path) -> None:
    path = samples.empty_wav(tmp_path / "a.wav")
    with pytest.raises(MediaEmptyError):
        await whole(decode_stream(in_parts(path.read_bytes(), lambda: 10)))


@pytest.mark.parametrize("disguise", [samples.playlist, samples.concatenation])
async def test_a_list_in_disguise_reads_no_other_file(
    disguise: Callable[[Path, Path], Path], tmp_path: Path
) -> None:
    secret = samples.tone_wav(tmp_path / "secret.wav")
    path = disguise(tmp_path / "holiday.mp4", secret)
    with pytest.raises(MediaUnreadableError):
        await whole(decode_file(path))


async def test_leaving_early_leaves_no_process(tmp_path: Path) -> None:
    path = samples.tone_wav(tmp_path / "a.wav", 60.0)
    stream = decode_file(path)
    await anext(stream)
    await stream.aclose()
    assert not children_named("ffmpeg")


async def test_a_killed_decoder_never_passes_for_a_short_recording(tmp_path: Path) -> None:
    stream = decode_file(samples.tone_wav(tmp_path / "a.wav", 60.0))
    await anext(stream)
    (pid,) = children_named("ffmpeg")
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ProgramKilledError):
        await whole(stream)


def children_named(name: str) -> list[int]:
    listing = Path("/proc/self/task").glob("*/children")
    pids = {int(pid) for found in listing for pid in found.read_text(encoding="ascii").split()}
    return [pid for pid in pids if Path(f"/proc/{pid}/comm").read_text("utf-8").startswith(name)]
