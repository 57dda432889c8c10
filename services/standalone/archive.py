"""One file that holds a whole Tidings: a tar whose last member tells the digest of all others.

So a copy that was cut short or changed is noticed before anything is built from it.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from typing_extensions import override

from shared.errors import InvalidError

FORMAT = 1
MANIFEST = "manifest.json"
DIGESTS = "digests.json"
COPY_BYTES = 1 << 20


class ArchiveError(InvalidError):
    """This is not a whole and unchanged backup of Tidings."""

    code = "backup-unusable"


class _Hashed(io.RawIOBase):
    """Reads a file and digests what was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self.digest = hashlib.sha256()
        self._file = file

    @override
    def read(self, size: int = -1, /) -> bytes:
        piece = self._file.read(size)
        self.digest.update(piece)
        return piece


class ArchiveWriter:
    """Adds members and remembers their digests. Use `write_archive`."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._digests: dict[str, str] = {}

    def add(self, name: str, path: Path) -> None:
        """Add one file. Its size is what it was when we began to read it."""
        with path.open("rb") as file:
            member = tarfile.TarInfo(name)
            member.size = file.seek(0, io.SEEK_END)
            member.mode = 0o600
            file.seek(0)
            hashed = _Hashed(file)
            self._tar.addfile(member, hashed)
        self._digests[name] = hashed.digest.hexdigest()

    def add_folder(self, name: str, folder: Path) -> None:
        """Add every file below the folder, except hidden ones: those are not finished."""
        for path in sorted(folder.rglob("*")):
            parts = path.relative_to(folder).parts
            if path.is_file() and not any(part.startswith(".") for part in parts):
                # Removed since we looked: whoever may do that now may remove nothing that counts.
                with suppress(FileNotFoundError):
                    self.add("/".join((name, *parts)), path)

    def add_json(self, name: str, content: object) -> None:
        """Add a small document."""
        text = json.dumps(content, indent=1).encode()
        member = tarfile.TarInfo(name)
        member.size = len(text)
        member.mode = 0o600
        self._tar.addfile(member, io.BytesIO(text))
        self._digests[name] = hashlib.sha256(text).hexdigest()

    def finish(self) -> int:
        """Write the digests and return how many members they cover."""
        count = len(self._digests)
        self.add_json(DIGESTS, self._digests)
        return count


@contextmanager
def write_archive(path: Path) -> Iterator[ArchiveWriter]:
    """Give a writer of a new archive, readable by us alone."""
    path.touch(mode=0o600)
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        writer = ArchiveWriter(tar)
        writer.add_json(MANIFEST, {"format": FORMAT})
        yield writer


def unpack_archive(path: Path, folder: Path, allowed: tuple[str, ...]) -> int:
    """Write all members below the folder and return how many; raise ArchiveError for a bad one.

    Only regular files whose first part is among ``allowed`` are taken.
    """
    found: dict[str, str] = {}
    told: dict[str, str] | None = None
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isfile() else None
                if content is None or told is not None:
                    raise ArchiveError
                if member.name == DIGESTS:
                    told = json.load(content)
                elif member.name == MANIFEST:
                    found[member.name] = _checked_manifest(content.read())
                else:
                    found[member.name] = _extract(content, folder, member.name, allowed)
    except (tarfile.TarError, ValueError, EOFError) as exc:
        raise ArchiveError from exc
    if told is None or told != found:
        raise ArchiveError("The backup is cut short or was changed; nothing was restored from it.")
    return len(found)


def _checked_manifest(text: bytes) -> str:
    if json.loads(text).get("format") != FORMAT:
        raise ArchiveError("This backup was made by another version that writes another format.")
    return hashlib.sha256(text).hexdigest()


def _extract(content: IO[bytes], folder: Path, name: str, allowed: tuple[str, ...]) -> str:
    parts = name.split("/")
    if parts[0] not in allowed or any(part in {"", ".", ".."} for part in parts):
        raise ArchiveError
    target = folder.joinpath(*parts)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    hashed = _Hashed(content)
    with target.open("xb") as file:
        target.chmod(0o600)
        while piece := hashed.read(COPY_BYTES):
            file.write(piece)
    return hashed.digest.hexdigest()
