import base64

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidError, MissingError, StaleError
from shared.http.replies import (
    PreconditionRequiredError,
    decode_cursor,
    encode_cursor,
    etag_of,
    matches_none,
    path_id,
    require_if_match,
)

pytestmark = pytest.mark.unit


@given(
    st.dictionaries(
        st.text(max_size=4), st.integers() | st.text(max_size=6) | st.none(), max_size=3
    )
)
def test_a_cursor_comes_back_as_it_was_given(position: dict[str, object]) -> None:
    assert decode_cursor(encode_cursor(position)) == position


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "%%%",
        "x",
        "ü",
        base64.urlsafe_b64encode(b"[1]").decode(),
        base64.urlsafe_b64encode(b"\xff").decode(),
        "A" * 2000,
        base64.urlsafe_b64encode(b"[" * 700).decode(),
    ],
)
def test_a_foreign_cursor_is_refused_by_field(cursor: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        decode_cursor(cursor)
    assert refusal.value.errors == (("cursor", "invalid"),)


def test_etags_differ_by_every_part() -> None:
    assert etag_of("a", 1) == etag_of("a", 1)
    assert len({etag_of("a", 1), etag_of("a", 2), etag_of("b", 1), etag_of("a1")}) == 4
    assert etag_of("a").startswith('"')


def test_a_change_without_if_match_is_refused() -> None:
    with pytest.raises(PreconditionRequiredError):
        require_if_match(make_mocked_request("PATCH", "/"), etag_of(1))


@pytest.mark.parametrize("given", [etag_of(1), "*", f'"other", {etag_of(1)}'])
def test_a_change_from_the_current_version_is_let_through(given: str) -> None:
    require_if_match(make_mocked_request("PATCH", "/", headers={"If-Match": given}), etag_of(1))


@pytest.mark.parametrize("given", [etag_of(2), f"W/{etag_of(1)}", ""])
def test_a_change_from_another_version_is_refused(given: str) -> None:
    request = make_mocked_request("PATCH", "/", headers={"If-Match": given})
    with pytest.raises(StaleError):
        require_if_match(request, etag_of(1))


@pytest.mark.parametrize(
    ("given", "same"),
    [(etag_of(1), True), (f"W/{etag_of(1)}", True), ("*", True), (etag_of(2), False)],
)
def test_if_none_match_compares_weakly(given: str, *, same: bool) -> None:
    request = make_mocked_request("GET", "/", headers={"If-None-Match": given})
    assert matches_none(request, etag_of(1)) is same


def test_without_if_none_match_the_content_is_sent() -> None:
    assert not matches_none(make_mocked_request("GET", "/"), etag_of(1))


def test_what_is_no_id_is_missing() -> None:
    request = make_mocked_request("GET", "/", match_info={"thread_id": "1 OR 1=1"})
    with pytest.raises(MissingError):
        path_id(request, "thread_id")
