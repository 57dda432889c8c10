import pytest

from shared.media import HEAD_BYTES, is_streamable

pytestmark = pytest.mark.unit


def box(kind: bytes, payload: bytes = b"") -> bytes:
    return (8 + len(payload)).to_bytes(4, "big") + kind + payload


FTYP = box(b"ftyp", b"isom\0\0\0\0mp42")
PADDING = bytes(16)


@pytest.mark.parametrize(
    "first_bytes",
    [
        b"\x1aE\xdf\xa3" + PADDING,
        b"OggS" + PADDING,
        b"fLaC" + PADDING,
        b"ID3\x04" + PADDING,
        b"RIFF\xff\xff\xff\xffWAVE" + PADDING,
        b"RIFF\x00\x00\x00\x00AVI " + PADDING,
        b"\xff\xfb\x90\x64" + PADDING,
        b"\xff\xf1\x50\x80" + PADDING,
        b"\x00\x00\x01\xba" + PADDING,
        (b"\x47" + bytes(187)) * 3,
    ],
    ids=["webm", "ogg", "flac", "id3", "wav", "avi", "mp3", "adts", "mpeg-ps", "mpeg-ts"],
)
def test_formats_that_need_no_index_can_be_decoded_while_they_arrive(first_bytes: bytes) -> None:
    assert is_streamable(first_bytes) is True


def test_mp4_with_its_index_first_can_be_decoded_while_it_arrives() -> None:
    assert is_streamable(FTYP + box(b"free", bytes(40)) + box(b"moov", bytes(100))) is True


def test_mp4_with_its_index_at_the_end_cannot() -> None:
    assert is_streamable(FTYP + box(b"mdat", bytes(100))) is False


def test_quicktime_without_a_type_box_is_judged_alike() -> None:
    assert is_streamable(box(b"wide") + box(b"mdat", bytes(100))) is False


def test_large_boxes_are_stepped_over_by_their_64_bit_size() -> None:
    large = b"\0\0\0\x01free" + (32).to_bytes(8, "big") + bytes(16)
    assert is_streamable(FTYP + large + box(b"moov")) is True


def test_a_fragment_is_streamable() -> None:
    assert is_streamable(box(b"styp", b"msdh\0\0\0\0") + box(b"moof", bytes(20))) is True


@pytest.mark.parametrize(
    "first_bytes",
    [b"", b"RIFF", FTYP, FTYP + b"\0\0\x01\0free", b"\x47" + bytes(200)],
    ids=["nothing", "too-few", "only-type", "inside-a-box", "one-ts-packet"],
)
def test_an_open_question_asks_for_more_bytes(first_bytes: bytes) -> None:
    assert is_streamable(first_bytes) is None


def test_a_question_that_stays_open_too_long_is_answered_with_no() -> None:
    endless = FTYP + b"\x7f\xff\xff\xfffree" + bytes(HEAD_BYTES)
    assert is_streamable(endless) is False


@pytest.mark.parametrize(
    "first_bytes",
    [
        b"<html><body>nothing here",
        b"RIFF\x10\x00\x00\x00WEBP" + PADDING,
        b"#EXTM3U\n#EXT-X-VERSION:3\n",
        bytes(64),
        b"\xff\xff\xff\xff" + PADDING,
        FTYP + b"\0\0\0\x02free" + PADDING,
        FTYP + b"\0\0\0\0free" + PADDING,
    ],
    ids=["html", "webp", "playlist", "zeros", "ones", "tiny-box", "box-to-the-end"],
)
def test_what_is_not_known_waits_for_its_last_byte(first_bytes: bytes) -> None:
    assert is_streamable(first_bytes) is False
