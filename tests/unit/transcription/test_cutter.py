"""Where recordings are cut: the rules alone, then with samples and the real detector."""

import wave

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.transcription.cutting import ChunkCutter, CutChunk
from services.transcription.domain import FILE_RULES, WINDOW_MS, CutRules, Cutter, Span
from tests.support.speech import SENTENCES, synthesize

pytestmark = pytest.mark.unit

RULES = CutRules()
MAX_WINDOWS = RULES.max_ms // WINDOW_MS
PAD = RULES.pad_ms // WINDOW_MS

probabilities = st.lists(
    st.tuples(st.sampled_from([0.0, 0.2, 0.4, 0.6, 0.95]), st.integers(1, 400)), max_size=12
).map(lambda runs: [p for p, count in runs for _ in range(count)])


any_rules = st.sampled_from([RULES, FILE_RULES])


def cut(
    values: list[float], sizes: list[int] | None = None, *, rules: CutRules = RULES
) -> list[Span]:
    cutter = Cutter(rules)
    spans: list[Span] = []
    position = 0
    for size in sizes or [len(values)]:
        spans += cutter.advance(values[position : position + size])
        position += size
    spans += cutter.advance(values[position:])
    return spans + cutter.finish()


def speech(seconds: float) -> list[float]:
    return [0.9] * int(seconds * 1000 / WINDOW_MS)


def silence(seconds: float) -> list[float]:
    return [0.01] * int(seconds * 1000 / WINDOW_MS)


@given(values=probabilities, sizes=st.lists(st.integers(0, 300), max_size=20), rules=any_rules)
def test_arrival_in_any_portions_gives_the_same_chunks(
    values: list[float], sizes: list[int], rules: CutRules
) -> None:
    assert cut(values, sizes, rules=rules) == cut(values, rules=rules)


@given(values=probabilities, rules=any_rules)
def test_chunks_are_in_order_apart_and_short_enough(values: list[float], rules: CutRules) -> None:
    end = 0
    for span in cut(values, rules=rules):
        assert end <= span.start < span.end <= len(values)
        assert span.end - span.start <= MAX_WINDOWS
        end = span.end


@given(values=probabilities, rules=any_rules)
def test_every_stretch_of_clear_speech_lies_in_a_chunk(
    values: list[float], rules: CutRules
) -> None:
    covered = {
        window for span in cut(values, rules=rules) for window in range(span.start, span.end)
    }
    run = 0
    for window, value in enumerate(values):
        run = run + 1 if value >= RULES.speech else 0
        if run >= 2 * MAX_WINDOWS:
            continue
        if run * WINDOW_MS >= RULES.min_speech_ms and window not in covered:
            pytest.fail(f"window {window} is speech and in no chunk")


@given(values=probabilities, rules=any_rules)
def test_samples_that_may_be_needed_are_never_given_up(
    values: list[float], rules: CutRules
) -> None:
    cutter = Cutter(rules)
    for value in values:
        needed_from = cutter.needed_from
        for span in cutter.advance([value]):
            assert span.start >= needed_from


def test_silence_gives_no_chunk() -> None:
    assert cut(silence(120)) == []


def test_a_click_is_no_chunk() -> None:
    assert cut([*silence(5), 0.9, *silence(5)]) == []


def test_speech_is_padded_on_both_sides() -> None:
    before, spoken = silence(2), speech(3)
    (span,) = cut([*before, *spoken, *silence(5)])
    assert span == Span(start=len(before) - PAD, end=len(before) + len(spoken) + PAD)


def test_short_sentences_share_a_chunk() -> None:
    values = [value for _ in range(4) for value in (*speech(3), *silence(1))]
    assert len(cut(values)) == 1


def test_a_long_pause_ends_even_a_short_chunk() -> None:
    assert len(cut([*speech(3), *silence(4), *speech(3)])) == 2


def test_a_long_chunk_ends_at_a_short_pause() -> None:
    spans = cut([*speech(14), *silence(1), *speech(5)])
    assert len(spans) == 2


def test_speech_without_a_pause_is_cut_before_the_limit_where_it_is_least_sure() -> None:
    dip = len(speech(17))
    values = [*speech(17), 0.6, *speech(15)]
    first, second = cut(values)
    assert first.end == second.start == dip


def test_the_end_of_a_word_that_was_cut_through_is_no_click() -> None:
    values = [*[0.95] * (MAX_WINDOWS - 9), *[0.6] * 10, *silence(5)]
    first, second = cut(values)
    assert first.end == second.start == MAX_WINDOWS - 1
    assert second.end > len(values) - len(silence(5))


def test_a_chunk_too_long_is_cut_at_its_longest_late_pause() -> None:
    values = [*speech(11), *silence(0.4), *speech(5), *silence(0.2), *speech(12)]
    first, second = cut(values)
    pause = len(speech(11))
    assert pause <= first.end <= second.start <= pause + len(silence(0.4))


def test_a_chunk_without_a_late_pause_is_cut_at_an_earlier_one() -> None:
    first, _ = cut([*speech(11), *silence(0.2), *speech(15)], rules=FILE_RULES)
    assert len(speech(11)) <= first.end <= len([*speech(11), *silence(0.2)])


def test_chunks_of_a_file_are_fuller() -> None:
    values = [value for _ in range(12) for value in (*speech(7.5), *silence(2))]
    assert len(cut(values)) == 12
    assert len(cut(values, rules=FILE_RULES)) == 6


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Speak two sentences with a long silence between them, as 16 kHz samples."""
    path = synthesize(SENTENCES["en"], "en", tmp_path_factory.mktemp("spoken") / "en.wav")
    with wave.open(str(path), "rb") as source:
        rate = source.getframerate()
        samples = np.frombuffer(source.readframes(source.getnframes()), dtype="<i2")
    places = np.arange(0, samples.size - 1, rate / 16_000)
    sentence = np.interp(places, np.arange(samples.size), samples).astype("<i2").tobytes()
    return sentence + b"\0" * 32_000 * 4 + sentence


def chunks_of(pcm: bytes, sizes: list[int]) -> list[CutChunk]:
    cutter = ChunkCutter()
    chunks: list[CutChunk] = []
    position = 0
    for size in sizes:
        chunks += cutter.push(pcm[position : position + size])
        position += size
    return chunks + cutter.push(pcm[position:]) + cutter.finish()


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sizes=st.lists(st.integers(0, 90_001), max_size=8))
def test_samples_in_any_portions_give_the_same_samples_in_chunks(
    spoken: bytes, sizes: list[int]
) -> None:
    pieces, whole = chunks_of(spoken, sizes), chunks_of(spoken, [])
    assert [c.index for c in whole] == [0, 1]
    for piece, same in zip(pieces, whole, strict=True):
        assert (piece.start_ms, piece.end_ms) == (same.start_ms, same.end_ms)
        assert np.array_equal(piece.pcm, same.pcm)
        start = same.start_ms * 16
        heard = np.frombuffer(spoken, "<i2")[start : start + same.pcm.size]
        assert np.array_equal(same.pcm, heard)


def test_half_a_sample_at_the_end_is_dropped() -> None:
    cutter = ChunkCutter()
    cutter.push(b"\0" * 16_001)
    cutter.finish()
    assert cutter.heard_ms == 500
