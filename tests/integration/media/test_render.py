from pathlib import Path

import pytest

from shared.errors import StorageFullError
from shared.media import probe
from shared.media.playable import wrapping_for
from shared.media.render import RenderFailedError, remux, render_poster, transcode
from tests.support import media_samples as samples

pytestmark = pytest.mark.integration


async def test_a_full_disk_is_worth_another_try(tmp_path: Path) -> None:
    source = samples.phone_mp4(tmp_path / "a.mp4", 1.0)
    found = await probe(source)
    wrapping = wrapping_for(found)
    assert wrapping is not None
    with pytest.raises(StorageFullError):
        await remux(source, Path("/dev/full"), found, wrapping)


async def test_sound_browsers_cannot_play_is_encoded_beside_an_untouched_picture(
    tmp_path: Path,
) -> None:
    codecs = ("-c:v", "copy", "-c:a", "ac3", "-ac", "6")
    phone = samples.phone_mp4(tmp_path / "a.mp4", 1.0)
    source = samples.make(tmp_path / "a.mkv", "-i", str(phone), *codecs)
    found = await probe(source)
    wrapping = wrapping_for(found)
    assert wrapping is not None
    await remux(source, tmp_path / "b.mp4", found, wrapping)
    made = await probe(tmp_path / "b.mp4")
    assert (made.video_codec, made.audio_codec, made.channels) == ("h264", "aac", 2)


async def test_a_wide_pixel_is_drawn_wide_and_a_large_picture_smaller(tmp_path: Path) -> None:
    source = samples.make(
        tmp_path / "a.mp4",
        *("-f", "lavfi", "-t", "0.4", "-i", "testsrc2=size=1440x1080:rate=25"),
        *("-vf", "setsar=4/3", "-c:v", "mpeg4"),
    )
    found = await probe(source)
    await transcode(source, tmp_path / "b.mp4", found)
    made = await probe(tmp_path / "b.mp4")
    assert (made.width, made.height) == (1280, 720)


async def test_a_video_that_stays_dark_has_a_dark_poster(tmp_path: Path) -> None:
    source = samples.black_then_picture(tmp_path / "a.mp4", black_s=9.0, seconds=1.0)
    poster = await render_poster(source, await probe(source))
    assert poster is not None
    assert poster.startswith(b"\xff\xd8")


async def test_a_form_that_cannot_be_made_is_an_error_not_an_empty_file(tmp_path: Path) -> None:
    source = samples.tone_wav(tmp_path / "a.wav")
    with pytest.raises(RenderFailedError):
        await transcode(source, tmp_path / "b.mp4", await probe(source))
