"""The rules of an upload, without bytes and rows."""

import base64
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.upload.domain import (
    ChecksumUnsupportedError,
    HeaderError,
    LengthFixedError,
    OffsetMismatchError,
    Permit,
    Upload,
    UploadCompleteError,
    UploadDiffersError,
    UploadExpiredError,
    UploadState,
    UploadTerminatedError,
    UploadTooLargeError,
    check_append,
    check_length,
    check_present,
    check_same_upload,
    parse_checksum,
    parse_length,
    parse_metadata,
    parse_number,
    part_key,
)
from services.upload.ranges import ByteRange, parse_range
from shared.errors import TidingsError
from shared.http.errors import RangeError

pytestmark = pytest.mark.unit


def an_upload(**changes: Any) -> Upload:
    usual: dict[str, Any] = {
        "recording_id": uuid4(),
        "team_id": uuid4(),
        "thread_id": uuid4(),
        "update_id": uuid4(),
        "language": None,
        "length_bytes": 100,
        "offset_bytes": 40,
        "part_count": 1,
        "metadata": "",
        "state": UploadState.ARRIVING,
        "writer": None,
        "max_bytes": 1000,
        "expires_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return Upload(**{**usual, **changes})


def a_permit(max_bytes: int = 1000) -> Permit:
    return Permit(
        team_id=uuid4(),
        thread_id=uuid4(),
        update_id=uuid4(),
        recording_id=uuid4(),
        member_id=uuid4(),
        language=None,
        max_bytes=max_bytes,
        max_seconds=60,
    )


def test_bytes_fit_up_to_the_length() -> None:
    check_append(an_upload(), offset=40, length=None, body_bytes=60)
    with pytest.raises(UploadTooLargeError):
        check_append(an_upload(), offset=40, length=None, body_bytes=61)


def test_bytes_of_a_live_upload_fit_up_to_what_the_token_allows() -> None:
    live = an_upload(length_bytes=None)
    check_append(live, offset=40, length=None, body_bytes=960)
    with pytest.raises(UploadTooLargeError):
        check_append(live, offset=40, length=None, body_bytes=961)


def test_a_body_of_unknown_size_may_begin() -> None:
    check_append(an_upload(), offset=40, length=None, body_bytes=None)


def test_only_the_right_offset_appends() -> None:
    for offset in (0, 39, 41):
        with pytest.raises(OffsetMismatchError):
            check_append(an_upload(), offset=offset, length=None, body_bytes=1)


def test_a_declared_length_must_fit_what_is_there_and_what_is_allowed() -> None:
    live = an_upload(length_bytes=None)
    check_append(live, offset=40, length=40, body_bytes=0)
    check_append(an_upload(), offset=40, length=100, body_bytes=1)
    with pytest.raises(LengthFixedError):
        check_append(live, offset=40, length=39, body_bytes=0)
    with pytest.raises(LengthFixedError):
        check_append(an_upload(), offset=40, length=99, body_bytes=1)
    with pytest.raises(UploadTooLargeError):
        check_append(live, offset=40, length=1001, body_bytes=1)
    with pytest.raises(UploadTooLargeError):
        check_append(live, offset=40, length=50, body_bytes=11)


def test_a_complete_upload_takes_nothing_but_an_empty_repeat() -> None:
    complete = an_upload(offset_bytes=100, state=UploadState.COMPLETE)
    check_append(complete, offset=100, length=None, body_bytes=0)
    with pytest.raises(UploadCompleteError):
        check_append(complete, offset=100, length=None, body_bytes=None)


def test_what_has_ended_says_how() -> None:
    with pytest.raises(UploadTerminatedError):
        check_present(an_upload(state=UploadState.TERMINATED))
    with pytest.raises(UploadExpiredError):
        check_present(an_upload(state=UploadState.EXPIRED))


def test_asking_again_means_the_same_upload_only_when_nothing_contradicts() -> None:
    check_same_upload(an_upload(), 100, "")
    check_same_upload(an_upload(), None, "")
    check_same_upload(an_upload(length_bytes=None), 100, "")
    with pytest.raises(UploadDiffersError):
        check_same_upload(an_upload(), 101, "")
    complete = an_upload(offset_bytes=100, state=UploadState.COMPLETE)
    check_same_upload(complete, 100, "")
    for length, metadata in ((101, ""), (None, ""), (100, "name YQ==")):
        with pytest.raises(UploadCompleteError):
            check_same_upload(complete, length, metadata)


def test_a_length_must_fit_the_token() -> None:
    check_length(None, a_permit())
    check_length(1000, a_permit())
    with pytest.raises(UploadTooLargeError):
        check_length(1001, a_permit())


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", " 1", "1 ", "0x1", "१", "9" * 19, "1_0"])
def test_what_is_no_number_of_bytes_is_refused(text: str) -> None:
    with pytest.raises(HeaderError):
        parse_number("Upload-Offset", text)


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_every_number_of_bytes_is_read(number: int) -> None:
    assert parse_number("Upload-Offset", str(number)) == number


@pytest.mark.parametrize(
    ("length", "deferred"), [(None, None), ("1", "1"), (None, "0"), (None, ""), ("x", None)]
)
def test_exactly_one_way_to_tell_the_length(length: str | None, deferred: str | None) -> None:
    with pytest.raises(HeaderError):
        parse_length(length, deferred)


def test_a_length_is_known_or_deferred() -> None:
    assert parse_length("7", None) == 7
    assert parse_length(None, "1") is None


KEYS = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=","), min_size=1
)


@given(st.dictionaries(KEYS, st.binary(max_size=40), max_size=6))
def test_metadata_is_read_as_it_was_written(pairs: dict[str, bytes]) -> None:
    header = ",".join(
        f"{key} {base64.b64encode(value).decode()}" if value else key
        for key, value in pairs.items()
    )
    assert parse_metadata(header) == pairs


@pytest.mark.parametrize(
    "header",
    [
        "a b c",
        "a ?",
        "a YQ",
        ",",
        "a,,b",
        "a YQ==,a YQ==",
        "ä YQ==",
        "a ä",
        "a" * 5000,
        "a\ud800 YQ==",
    ],
)
def test_malformed_metadata_is_refused(header: str) -> None:
    with pytest.raises(HeaderError):
        parse_metadata(header)


@given(st.text(max_size=200))
def test_any_metadata_is_read_or_refused(header: str) -> None:
    try:
        parse_metadata(header)
    except HeaderError as error:
        assert header not in error.detail or not header.strip()  # noqa: PT017 - both ends are allowed


@given(st.text(max_size=100))
def test_any_checksum_is_read_or_refused(header: str) -> None:
    try:
        parse_checksum(header)
    except (HeaderError, ChecksumUnsupportedError) as error:
        assert isinstance(error, TidingsError)  # noqa: PT017 - both ends are allowed


@given(
    st.integers(min_value=0, max_value=500),
    st.integers(min_value=0, max_value=600),
    st.integers(min_value=0, max_value=600),
)
def test_a_range_lies_inside_and_is_what_was_asked(size: int, first: int, last: int) -> None:
    header = f"bytes={first}-{last}"
    if last < first:
        assert parse_range(header, size) is None
    elif first >= size:
        with pytest.raises(RangeError):
            parse_range(header, size)
    else:
        assert parse_range(header, size) == ByteRange(first, min(last + 1, size), size)


@given(st.integers(min_value=1, max_value=500), st.integers(min_value=1, max_value=600))
def test_a_suffix_is_the_end(size: int, length: int) -> None:
    assert parse_range(f"bytes=-{length}", size) == ByteRange(max(0, size - length), size, size)


def test_the_key_of_a_part_sorts_by_number_and_names_its_writer() -> None:
    recording_id, writer = uuid4(), UUID(int=255)
    keys = [part_key(recording_id, number, writer) for number in (2, 10, 100)]
    assert keys == sorted(keys)
    assert keys[0] == f"recordings/{recording_id}/parts/000002-00000000000000ff"
