"""Addresses of stores, and keys from anywhere."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.blobs import BlobKeyError, open_blobs
from shared.blobs.disk import DiskBlobs
from shared.blobs.opening import BlobUrlError
from shared.blobs.port import checked_key
from shared.blobs.s3 import S3Blobs

pytestmark = pytest.mark.unit


@given(st.text(max_size=40) | st.text("./ab\\", max_size=12))
def test_no_key_leads_out_of_its_folder(key: str) -> None:
    try:
        checked = checked_key(key)
    except BlobKeyError:
        return
    assert "/home/" in f"{Path('/home') / checked}/".replace("//", "/")
    assert ".." not in Path(checked).parts
    assert not checked.startswith((".", "/"))


def test_an_address_with_spaces_names_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "my recordings"
    assert isinstance(open_blobs(folder.as_uri()), DiskBlobs)
    assert folder.is_dir()


def test_an_s3_address_names_bucket_prefix_endpoint_and_region() -> None:
    opened = open_blobs("s3://bucket/pre/fix?endpoint=http://127.0.0.1:1&region=eu-1", "key", "s")
    assert isinstance(opened, S3Blobs)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/var/blobs",
        "file://host/blobs",
        "file:blobs",
        "s3:///prefix",
        "s3://bucket?endpont=http://x",
        "http://bucket",
    ],
)
def test_an_address_of_no_known_kind_is_refused(url: str) -> None:
    with pytest.raises(BlobUrlError):
        open_blobs(url)
