"""Temporary folders for working on recordings, gone afterwards even when a process was killed.

A folder belongs to whoever holds the lock on a file in it, so a folder nobody holds is rubbish,
whichever process or container left it.
"""

import asyncio
import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from shared.blobs.threads import in_thread
from shared.errors import StorageFullError

PREFIX = "tidings-media-"
SPARE_BYTES = 256 << 20
SETTLED_S = 3600.0


class Workroom:
    """Gives folders below one place on the local disk."""

    def __init__(self, place: Path | None = None) -> None:
        self._place = place or Path(tempfile.gettempdir())

    async def clear(self) -> int:
        """Remove the folders of processes that are no more; return how many."""
        return await asyncio.to_thread(self._clear)

    @contextlib.asynccontextmanager
    async def folder(self, needed_bytes: int) -> AsyncIterator[Path]:
        """Give an empty folder, removed afterwards. StorageFullError without that much room."""
        with contextlib.ExitStack() as made:
            # Waits for its thread also when cancelled: what that makes meanwhile is removed, too.
            yield await in_thread(None, self._make, needed_bytes, made)

    def _make(self, needed_bytes: int, made: contextlib.ExitStack) -> Path:
        self._place.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self._place).free < needed_bytes + SPARE_BYTES:
            raise StorageFullError
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=self._place))
        made.callback(shutil.rmtree, folder, ignore_errors=True)
        lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        made.callback(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return folder

    def _clear(self) -> int:
        removed = 0
        for folder in self._place.glob(f"{PREFIX}*"):
            if _is_abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
        return removed


def _is_abandoned(folder: Path) -> bool:
    try:
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        # Being made or removed at this moment, unless that moment is long ago.
        return _age_s(folder) > SETTLED_S
    except OSError:
        return False  # Somebody else's.
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def _age_s(folder: Path) -> float:
    try:
        return time.time() - folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0
