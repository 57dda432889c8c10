from collections.abc import Callable
from pathlib import Path

import pytest

from shared.media import (
    MediaEmptyError,
    MediaTooLongError,
    MediaTooManyTracksError,
    MediaUnreadableError,
    probe,
)
from tests.support import media_samples as samples

pytestmark = pytest.mark.integration


async def test_a_browser_recording_gets_the_duration_its_header_lacks(tmp_path: Path) -> None:
    found = await probe(samples.browser_webm(tmp_path / "a.webm", 3.0))
    assert found.duration_ms == pytest.approx(3000, abs=100)
    assert (found.audio_codec, found.video_codec) == ("opus", "vp8")
    assert (found.width, found.height) == (320, 240)


async def test_a_duration_that_lies_is_not_believed(tmp_path: Path) -> None:
    path = samples.tone_wav(tmp_path / "a.wav", 2.0)
    data = bytearray(path.read_bytes())
    length_at = data.index(b"data") + 4
    data[length_at : length_at + 4] = (400_000_000).to_bytes(4, "little")
    path.write_bytes(data)
    assert (await probe(path)).duration_ms == pytest.approx(2000, abs=50)


async def test_a_cut_recording_lasts_as_long_as_what_is_left(tmp_path: Path) -> None:
    path = samples.phone_mp4(tmp_path / "a.mp4", 6.0, index_first=True)
    found = await probe(samples.truncated(path, tmp_path / "cut.mp4", 0.5))
    assert found.duration_ms is not None
    assert 1000 < found.duration_ms < 4900


@pytest.mark.parametrize(("turned", "rotation"), [(90, 270), (180, 180), (-90, 90)])
async def test_a_phone_held_sideways_is_noticed(turned: int, rotation: int, tmp_path: Path) -> None:
    found = await probe(samples.phone_mp4(tmp_path / "a.mp4", 1.0, rotation=turned))
    assert found.rotation == rotation


async def test_a_cover_picture_is_no_video(tmp_path: Path) -> None:
    cover = samples.make(
        tmp_path / "cover.jpg", "-f", "lavfi", "-i", samples.PICTURE, "-frames:v", "1"
    )
    sound = samples.tone_wav(tmp_path / "a.wav")
    song = samples.make(
        tmp_path / "a.m4a",
        *("-i", str(sound), "-i", str(cover), "-map", "0", "-map", "1"),
        *("-c:a", "aac", "-c:v", "copy", "-disposition:v:0", "attached_pic"),
    )
    found = await probe(song)
    assert found.has_audio
    assert not found.has_video


async def test_the_first_bytes_tell_what_is_inside_but_not_how_long(tmp_path: Path) -> None:
    data = samples.browser_webm(tmp_path / "a.webm").read_bytes()
    found = await probe(data[:20_000])
    assert found.has_audio
    assert found.duration_ms is None


async def test_a_recording_longer_than_allowed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaTooLongError):
        await probe(samples.silent_opus(tmp_path / "a.opus", 120.0), max_seconds=60.0)


async def test_a_file_of_many_tracks_is_refused(tmp_path: Path) -> None:
    sound = samples.tone_wav(tmp_path / "a.wav", 0.2)
    many = samples.make(
        tmp_path / "a.mkv", "-i", str(sound), *(("-map", "0:a") * 40), "-c:a", "pcm_s16le"
    )
    with pytest.raises(MediaTooManyTracksError):
        await probe(many)


@pytest.mark.parametrize("disguise", [samples.playlist, samples.concatenation])
async def test_a_list_in_disguise_is_not_followed(
    disguise: Callable[[Path, Path], Path], tmp_path: Path
) -> None:
    path = disguise(tmp_path / "holiday.mp4", samples.tone_wav(tmp_path / "secret.wav"))
    with pytest.raises(MediaUnreadableError):
        await probe(path)


async def test_an_empty_file_is_empty(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    with pytest.raises(MediaEmptyError):
        await probe(tmp_path / "a.mp4")
