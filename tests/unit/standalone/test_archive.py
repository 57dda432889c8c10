"""Archives that must not be trusted."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from services.standalone.archive import ArchiveError, unpack_archive, write_archive

pytestmark = pytest.mark.unit

ALLOWED = ("blobs",)


def _tar(path: Path, change: Callable[[tarfile.TarInfo], None]) -> Path:
    member = tarfile.TarInfo("blobs/a")
    member.size = 4
    change(member)
    with tarfile.open(path, "w") as tar:
        tar.addfile(member, io.BytesIO(b"evil"))
    return path


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/outside", "blobs/../../outside", "blobs//a", "elsewhere/a", "lock"]
)
def test_a_member_outside_the_known_folders_is_refused(tmp_path: Path, name: str) -> None:
    path = _tar(tmp_path / "a.tar", lambda member: setattr(member, "name", name))
    with pytest.raises(ArchiveError):
        unpack_archive(path, tmp_path / "home", ALLOWED)
    assert not (tmp_path / "outside").exists()
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE]
)
def test_a_member_that_is_no_plain_file_is_refused(tmp_path: Path, kind: bytes) -> None:
    def change(member: tarfile.TarInfo) -> None:
        member.type, member.linkname, member.size = kind, "/etc/passwd", 0

    path = _tar(tmp_path / "a.tar", change)
    with pytest.raises(ArchiveError):
        unpack_archive(path, tmp_path / "home", ALLOWED)


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"no archive" * 1000)
    with pytest.raises(ArchiveError):
        unpack_archive(tmp_path / "a.tar", tmp_path / "home", ALLOWED)


def test_what_was_written_can_be_unpacked(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "a").write_bytes(b"content")
    (source / ".incoming").mkdir()
    (source / ".incoming" / "half").write_bytes(b"half")
    with write_archive(tmp_path / "a.tar") as archive:
        archive.add_folder("blobs", source)
        written = archive.finish()
    assert unpack_archive(tmp_path / "a.tar", tmp_path / "home", ALLOWED) == written
    found = {p.relative_to(tmp_path / "home").as_posix() for p in (tmp_path / "home").rglob("*")}
    assert found == {"blobs", "blobs/deep", "blobs/deep/a"}
    assert (tmp_path / "home/blobs/deep/a").read_bytes() == b"content"
