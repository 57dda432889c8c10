import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from typing_extensions import override

from services.upload import renditions, store
from services.upload.long_places import LongPlaces, NoLongPlaceError
from services.upload.sweeping import Sweeper, SweepRules
from shared.blobs.disk import DiskBlobs
from shared.blobs.port import BlobInfo, Source
from shared.bus.delivery import AlreadyDoneError
from shared.errors import StorageFullError
from shared.media import MediaTookTooLongError, probe
from shared.media.workroom import PREFIX, Workroom
from tests.support import media_samples as samples
from tests.support.rendition_house import RenditionHouse
from tests.support.speech import speech_file

pytestmark = pytest.mark.integration


def top_boxes(path: Path) -> list[bytes]:
    data, position, kinds = path.read_bytes(), 0, []
    while position + 8 <= len(data):
        kinds.append(data[position + 4 : position + 8])
        position += int.from_bytes(data[position : position + 4], "big")
    return kinds


async def test_a_browser_recording_gets_duration_index_and_every_form(
    house: RenditionHouse, tmp_path: Path
) -> None:
    data = samples.browser_webm(tmp_path / "a.webm", 3.0).read_bytes()
    recording_id = await house.uploaded(data, parts=5)
    await house.make(recording_id)
    ((kind, ready),) = await house.said(recording_id)
    assert kind == "recording.ready.v1"
    assert ready["duration_ms"] == pytest.approx(3000, abs=100)
    assert [form["kind"] for form in ready["renditions"]] == ["audio", "peaks", "poster", "video"]
    video = await house.fetched(recording_id, "video", tmp_path)
    found = await probe(video)
    assert (found.video_codec, found.audio_codec) == ("vp8", "opus")
    assert video.read_bytes().index(b"\x1c\x53\xbb\x6b") < 4096  # Cues stand before the media.


async def test_a_phone_video_is_rewrapped_with_its_index_first(
    house: RenditionHouse, tmp_path: Path
) -> None:
    path = samples.phone_mp4(tmp_path / "a.mp4", 2.0, rotation=90)
    recording_id = await house.uploaded(path.read_bytes())
    await house.make(recording_id)
    boxes = top_boxes(await house.fetched(recording_id, "video", tmp_path))
    assert boxes.index(b"moov") < boxes.index(b"mdat")
    forms = await house.forms(recording_id)
    assert (forms["video"]["width"], forms["video"]["height"]) == (240, 320)
    assert (forms["poster"]["width"], forms["poster"]["height"]) == (240, 320)


async def test_speech_alone_gets_sound_and_waveform(house: RenditionHouse, tmp_path: Path) -> None:
    speech = speech_file("de")
    recording_id = await house.uploaded(speech.path.read_bytes(), parts=3)
    await house.make(recording_id)
    row, forms = await house.row(recording_id), await house.forms(recording_id)
    assert (row["state"], row["has_audio"], row["has_video"]) == ("ready", True, False)
    assert row["duration_ms"] == pytest.approx(speech.seconds * 1000, abs=100)
    assert set(forms) == {"audio", "peaks"}
    found = await probe(await house.fetched(recording_id, "audio", tmp_path))
    assert (found.audio_codec, found.duration_ms) == (
        "aac",
        pytest.approx(row["duration_ms"], abs=100),
    )
    drawing = json.loads(await house.bytes_of(forms["peaks"]["key"]))
    assert drawing["length"] == len(drawing["peaks"]) > speech.seconds * 9
    assert 20 < max(drawing["peaks"]) <= 255


async def test_an_old_video_can_be_heard_at_once_and_seen_after_a_transcode(
    house: RenditionHouse, tmp_path: Path
) -> None:
    recording_id = await house.uploaded(samples.old_mpeg(tmp_path / "a.mpg").read_bytes())
    await house.make(recording_id)
    assert [kind for kind, _ in await house.said(recording_id)] == [
        "recording.ready.v1",
        "transcode.request.v1",
    ]
    assert set(await house.forms(recording_id)) == {"audio", "peaks", "poster"}
    await house.transcode(recording_id)
    kind, ready = (await house.said(recording_id))[-1]
    assert kind == "recording.ready.v1"
    assert "video" in [form["kind"] for form in ready["renditions"]]
    found = await probe(await house.fetched(recording_id, "video", tmp_path))
    assert (found.video_codec, found.pixel_format, found.audio_codec) == ("h264", "yuv420p", "aac")
    assert not (await house.row(recording_id))["needs_transcode"]


async def test_a_video_without_sound_is_ready_all_the_same(
    house: RenditionHouse, tmp_path: Path
) -> None:
    path = samples.video_without_sound(tmp_path / "a.mp4")
    recording_id = await house.uploaded(path.read_bytes())
    await house.make(recording_id)
    assert set(await house.forms(recording_id)) == {"video", "poster"}
    assert (await house.row(recording_id))["has_audio"] is False


async def test_the_poster_is_taken_after_the_dark(house: RenditionHouse, tmp_path: Path) -> None:
    path = samples.black_then_picture(tmp_path / "a.mp4")
    recording_id = await house.uploaded(path.read_bytes())
    await house.make(recording_id)
    poster = await house.fetched(recording_id, "poster", tmp_path)
    black = samples.make(
        tmp_path / "black.jpg",
        *("-f", "lavfi", "-i", "color=black:size=320x240", "-frames:v", "1"),
    )
    assert poster.stat().st_size > 3 * black.stat().st_size


async def test_place_and_device_of_the_recording_are_left_behind(
    house: RenditionHouse, tmp_path: Path
) -> None:
    plain = samples.phone_mp4(tmp_path / "plain.mp4", 1.0)
    place = ("-metadata", "location=+52.5200+013.4050/", "-metadata", "comment=at home")
    tagged = samples.make(tmp_path / "a.mp4", "-i", str(plain), "-c", "copy", *place).read_bytes()
    assert b"loci" in tagged
    assert b"at home" in tagged
    recording_id = await house.uploaded(tagged)
    await house.make(recording_id)
    for form in (await house.forms(recording_id)).values():
        made = await house.bytes_of(form["key"])
        assert b"loci" not in made
        assert b"at home" not in made


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "media-empty"), (b"<html>gone</html>" * 9, "media-unreadable")],
    ids=["nothing", "text"],
)
async def test_what_is_no_recording_is_refused_with_a_code_and_a_sentence(
    data: bytes, code: str, house: RenditionHouse
) -> None:
    recording_id = await house.uploaded(data)
    await house.make(recording_id)
    ((kind, refused),) = await house.said(recording_id)
    assert (kind, refused["code"]) == ("recording.refused.v1", code)
    assert refused["detail"].endswith(".")
    row = await house.row(recording_id)
    assert (row["state"], row["problem_code"]) == ("refused", code)


async def test_more_than_the_allowed_length_is_refused(
    house: RenditionHouse, tmp_path: Path
) -> None:
    data = samples.silent_opus(tmp_path / "a.opus", 120.0).read_bytes()
    recording_id = await house.uploaded(data, max_seconds=30)
    await house.make(recording_id)
    assert (await house.row(recording_id))["problem_code"] == "media-too-long"


@pytest.mark.parametrize("disguise", [samples.playlist, samples.concatenation])
async def test_a_list_in_disguise_gives_nobody_another_file(
    disguise: Callable[[Path, Path], Path], house: RenditionHouse, tmp_path: Path
) -> None:
    path = disguise(tmp_path / "holiday.mp4", samples.tone_wav(tmp_path / "secret.wav"))
    recording_id = await house.uploaded(path.read_bytes())
    await house.make(recording_id)
    assert (await house.row(recording_id))["problem_code"] == "media-unreadable"


@pytest.mark.parametrize("damage", ["cut", "hole"])
async def test_what_is_left_of_a_damaged_recording_can_be_played(
    damage: str, house: RenditionHouse, tmp_path: Path
) -> None:
    whole = samples.phone_mp4(tmp_path / "a.mp4", 4.0, index_first=True)
    if damage == "cut":
        path = samples.truncated(whole, tmp_path / "b.mp4", 0.6)
    else:
        path = samples.without_middle(whole, tmp_path / "b.mp4")
    recording_id = await house.uploaded(path.read_bytes())
    await house.make(recording_id)
    assert {"audio", "peaks"} <= set(await house.forms(recording_id))
    assert 500 < (await house.row(recording_id))["duration_ms"] < 4100


async def test_the_same_wish_twice_has_one_effect(house: RenditionHouse, tmp_path: Path) -> None:
    data = samples.tone_wav(tmp_path / "a.wav").read_bytes()
    recording_id, message_id = await house.uploaded(data), uuid4()
    outcomes = await asyncio.gather(
        house.make(recording_id, message_id),
        house.make(recording_id, message_id),
        return_exceptions=True,
    )
    assert {type(outcome) for outcome in outcomes} <= {type(None), AlreadyDoneError}
    await house.make(recording_id, uuid4())
    assert [kind for kind, _ in await house.said(recording_id)] == ["recording.ready.v1"]
    for form in (await house.forms(recording_id)).values():
        assert len(await house.bytes_of(form["key"])) == form["size_bytes"]


async def test_a_recording_removed_meanwhile_leaves_nothing_behind(
    house: RenditionHouse, tmp_path: Path
) -> None:
    recording_id = await house.uploaded(samples.tone_wav(tmp_path / "a.wav").read_bytes())

    class BlobsWhileRemoving(DiskBlobs):
        @override
        async def put(self, key: str, source: Source, *, media_type: str = "") -> BlobInfo:
            await house.database.execute("DELETE FROM upload WHERE recording_id = $1", recording_id)
            return await super().put(key, source, media_type=media_type)

    house.blobs = BlobsWhileRemoving(tmp_path / "blobs")
    await house.make(recording_id)
    assert await house.said(recording_id) == []
    kept = [key async for key in house.blobs.list(f"recordings/{recording_id}/renditions/")]
    assert kept == []


async def test_a_picture_too_large_to_look_at_is_refused_without_trying(
    house: RenditionHouse, tmp_path: Path
) -> None:
    source = ("-f", "lavfi", "-i", "color=gray:size=6400x6400:rate=1", "-frames:v", "1")
    codecs = ("-pix_fmt", "yuv444p", "-c:v", "libx264", "-preset", "ultrafast")
    path = samples.make(tmp_path / "wall.mp4", *source, *codecs)
    recording_id = await house.uploaded(path.read_bytes())
    await house.make(recording_id)
    assert (await house.row(recording_id))["problem_code"] == "media-picture-too-large"


async def test_a_long_recording_waits_for_its_place_and_a_short_one_does_not(
    house: RenditionHouse, tmp_path: Path
) -> None:
    long = samples.silent_opus(tmp_path / "long.ogg", 130).read_bytes()
    first, second = [await house.uploaded(long, parts=3) for _ in range(2)]
    short = await house.uploaded(samples.tone_wav(tmp_path / "a.wav").read_bytes())
    house.long_places = LongPlaces(1)
    with house.long_places.place_for(first, 130_000):
        for _ in range(2):
            with pytest.raises(NoLongPlaceError):
                await house.make(second)
        await house.make(short)
        assert (await house.row(short))["state"] == "ready"
        assert (await house.row(second))["state"] == "waiting"

    await house.make(second)
    await house.make(first)

    assert {(await house.row(each))["state"] for each in (first, second)} == {"ready"}


async def test_what_is_known_to_be_long_is_not_copied_only_to_wait(
    house: RenditionHouse, tmp_path: Path
) -> None:
    long = samples.silent_opus(tmp_path / "long.ogg", 130).read_bytes()
    recording_id = await house.uploaded(long, parts=3)
    house.long_places = LongPlaces(0)
    with pytest.raises(NoLongPlaceError):
        await house.make(recording_id)
    await house.blobs.delete([key async for key in house.blobs.list("")])
    with pytest.raises(NoLongPlaceError):
        await house.make(recording_id)


async def test_a_time_out_is_a_verdict_only_when_it_repeats(
    house: RenditionHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stalling(*_: object, **__: object) -> None:
        raise MediaTookTooLongError

    monkeypatch.setattr(renditions, "make_playable", stalling)
    recording_id = await house.uploaded(samples.tone_wav(tmp_path / "a.wav").read_bytes())
    for attempt in range(1, renditions.SLOW_TRIES):
        with pytest.raises(renditions.RenderingSlowError):
            await house.make(recording_id, attempt=attempt)
    assert (await house.row(recording_id))["state"] == "waiting"
    await house.make(recording_id, attempt=renditions.SLOW_TRIES)
    assert (await house.row(recording_id))["problem_code"] == "media-took-too-long"


async def test_a_transcode_that_takes_too_long_is_tried_again(
    house: RenditionHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stalling(*_: object, **__: object) -> None:
        raise MediaTookTooLongError

    monkeypatch.setattr(renditions, "make_drawable", stalling)
    recording_id = await house.uploaded(samples.old_mpeg(tmp_path / "a.mpg", 1.0).read_bytes())
    await house.make(recording_id)
    with pytest.raises(renditions.RenderingSlowError):
        await house.transcode(recording_id)
    assert (await house.row(recording_id))["needs_transcode"]
    await house.transcode(recording_id, attempt=renditions.SLOW_TRIES)
    assert not (await house.row(recording_id))["needs_transcode"]


async def test_nothing_is_left_on_the_local_disk(house: RenditionHouse, tmp_path: Path) -> None:
    recording_id = await house.uploaded(samples.tone_wav(tmp_path / "a.wav").read_bytes(), parts=2)
    await house.make(recording_id)
    assert list(house.place.iterdir()) == []


async def test_what_an_attempt_of_long_ago_left_is_not_swept_away_under_the_next(
    house: RenditionHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replayed after days, a recording was told to be ready and its media were gone."""
    recording_id = await house.uploaded(samples.tone_wav(tmp_path / "a.wav").read_bytes())
    await house.make(recording_id)
    broken_off = "UPDATE recording SET state = 'waiting'; DELETE FROM rendition"
    keys = [row["key"] for row in await house.database.fetch("SELECT key FROM rendition")]
    async with house.database.transaction() as tx:
        await tx.execute(broken_off)
    await store.note_orphans(house.database, keys, house.clock.now() - timedelta(days=2))
    sweeper = Sweeper(
        database=house.database, blobs=house.blobs, clock=house.clock, rules=SweepRules()
    )
    put = house.blobs.put

    async def put_and_sweep(*given: Any, **options: Any) -> BlobInfo:
        kept = await put(*given, **options)
        await sweeper.delete_orphans()
        return kept

    monkeypatch.setattr(house.blobs, "put", put_and_sweep)
    await house.make(recording_id)
    named = [row["key"] for row in await house.database.fetch("SELECT key FROM rendition")]
    assert sorted(named) == sorted(keys)
    assert [key for key in named if await house.blobs.head(key) is None] == []


async def test_folders_of_killed_processes_are_cleared_and_those_in_use_are_not(
    tmp_path: Path,
) -> None:
    abandoned = tmp_path / f"{PREFIX}abandoned"
    abandoned.mkdir()
    (abandoned / "lock").touch()
    (abandoned / "source").write_bytes(b"x")
    workroom = Workroom(tmp_path)
    async with workroom.folder(0) as in_use:
        assert await workroom.clear() == 1
        assert in_use.exists()
        assert not abandoned.exists()


async def test_too_little_room_on_the_local_disk_is_said_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(StorageFullError):
        async with Workroom(tmp_path).folder(1 << 60):
            pass
