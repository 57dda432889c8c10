"""Work on the local disk: in threads, with the system's errors translated once."""

import errno
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from io import FileIO
from pathlib import Path
from typing import ParamSpec, TypeVar
from uuid import uuid4

from shared.blobs.port import BlobKeyError, BlobsUnavailableError
from shared.blobs.threads import in_thread, opened
from shared.errors import StorageFullError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_WRONG_SHAPE = frozenset(
    {errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ENOTEMPTY}
)

P = ParamSpec("P")
T = TypeVar("T")


async def on_disk(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return the call's result, or raise one of our errors."""
    with disk_errors():
        return await in_thread(None, call, *args, **kwargs)


@contextmanager
def disk_errors() -> Iterator[None]:
    """Translate by the system's error number."""
    try:
        yield
    except OSError as exc:
        if exc.errno in _FULL:
            raise StorageFullError from exc
        if exc.errno in _WRONG_SHAPE:
            raise BlobKeyError from exc
        raise BlobsUnavailableError(reason=errno.errorcode.get(exc.errno or 0)) from exc


@asynccontextmanager
async def opened_on_disk(path: Path, mode: str) -> AsyncIterator[FileIO]:
    """Give the file and close it in the end; raise one of our errors when it cannot be opened."""
    async with AsyncExitStack() as stack:
        with disk_errors():
            file = await stack.enter_async_context(opened(path, mode))
        yield file


def write_all(file: FileIO, piece: bytes) -> None:
    """Write the whole piece, however little the system takes at a time."""
    left = memoryview(piece)
    while left:
        left = left[file.write(left) :]


def make_private(folder: Path) -> None:
    """Make the folder and those above it that are missing, for nobody else to look into."""
    for place in (*reversed(folder.parents), folder):
        if not place.is_dir():
            place.mkdir(mode=0o700, exist_ok=True)


@asynccontextmanager
async def written_whole(path: Path) -> AsyncIterator[FileIO]:
    """Give a file to write, which appears under its name when the block is through."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        async with opened_on_disk(temporary, "xb") as file:
            yield file
        await on_disk(temporary.replace, path)
    finally:
        temporary.unlink(missing_ok=True)
