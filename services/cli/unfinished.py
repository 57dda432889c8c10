"""Remembers uploads that were begun, so that sending the same file again goes on where it stopped.

One small file each, readable by its owner only: it holds the upload's token. Written whole or not
at all, removed when the upload is done. Where the folder cannot be written nothing is remembered.
"""

import hashlib
import time
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

#: Servers expire unfinished uploads within a day; older notes are of no use.
KEEP_S = 7 * 86_400


class Note(BaseModel):
    """What must be known to go on."""

    model_config = ConfigDict(frozen=True)

    #: Sent with the request that creates the update: asking twice makes one update.
    request_key: str
    update_id: str | None = None
    upload_url: str | None = None
    token: str | None = None
    location: str | None = None


class Unfinished:
    """The notes in one folder."""

    def __init__(self, folder: Path) -> None:
        """Take the folder; it is made when the first note is kept."""
        self._folder = folder.expanduser() / "uploads"

    def recall(self, name: str) -> Note | None:
        """Return the note, None if there is none or it cannot be understood."""
        try:
            return Note.model_validate_json(self._path(name).read_bytes())
        except (OSError, ValidationError):
            return None

    def keep(self, name: str, note: Note) -> None:
        """Write the note."""
        path = self._path(name)
        draft = path.with_suffix(".new")
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.touch(mode=0o600)
            draft.write_text(note.model_dump_json(), encoding="utf-8")
            draft.replace(path)

    def forget(self, name: str) -> None:
        """Remove the note, and others too old to be of use."""
        with suppress(OSError):
            self._path(name).unlink(missing_ok=True)
            for path in self._folder.glob("*.json"):
                if time.time() - path.stat().st_mtime > KEEP_S:
                    path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def name_of(server: str, thread_id: str, path: Path) -> str:
    """Return a name that is the same only for the same unchanged file, thread and server."""
    stat = path.stat()
    parts = (server, thread_id, str(path.resolve()), str(stat.st_size), str(stat.st_mtime_ns))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
