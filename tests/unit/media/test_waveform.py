import json
import random
from array import array

import pytest

from services.upload.waveform import MAX_POINTS, Waveform

pytestmark = pytest.mark.unit

RATE = 8000


def drawn(samples: bytes, cut: int) -> dict[str, object]:
    waveform = Waveform(RATE)
    for start in range(0, len(samples), cut):
        waveform.add(samples[start : start + cut])
    return dict(json.loads(waveform.as_json()))


def test_ten_points_a_second_show_how_loud_it_was() -> None:
    quiet, loud = array("h", [0] * 800), array("h", [0] * 799 + [-32768])
    drawing = drawn((quiet + loud + quiet).tobytes(), 1 << 16)
    assert drawing == {
        "version": 1,
        "samples_per_second": 10.0,
        "length": 3,
        "peaks": [0, 255, 0],
    }


def test_the_faintest_sound_is_not_drawn_as_silence() -> None:
    assert drawn(array("h", [1] * 800).tobytes(), 1 << 16)["peaks"] == [1]


def test_an_unfinished_last_stretch_is_drawn_too() -> None:
    assert drawn(array("h", [16384] * 900).tobytes(), 1 << 16)["peaks"] == [128, 128]


@pytest.mark.parametrize("cut", [1, 7, 1601, 1 << 20])
def test_cuts_make_no_difference(cut: int) -> None:
    chance = random.Random(1)  # noqa: S311 - only noise to draw
    samples = array("h", [chance.randint(-32768, 32767) for _ in range(20_003)]).tobytes()
    assert drawn(samples, cut) == drawn(samples, len(samples))


def test_a_long_recording_gets_coarser_points_and_no_more_of_them() -> None:
    hour = array("h", [0] * RATE * 60).tobytes()
    waveform = Waveform(RATE)
    for minute in range(60):
        waveform.add(array("h", [minute * 500] * RATE * 60).tobytes() if minute else hour)
    drawing = json.loads(waveform.as_json())
    assert MAX_POINTS / 2 <= drawing["length"] <= MAX_POINTS
    assert drawing["samples_per_second"] * 3600 == pytest.approx(drawing["length"], abs=1)
    assert drawing["peaks"] == sorted(drawing["peaks"])
    assert waveform.duration_ms == 3_600_000


def test_nothing_is_drawn_of_nothing() -> None:
    assert drawn(b"", 1) == {"version": 1, "samples_per_second": 10.0, "length": 0, "peaks": []}
