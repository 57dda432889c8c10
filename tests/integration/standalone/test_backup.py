"""Copying a running Tidings and building another from the copy: database, recordings, keys."""

import asyncio
import io
import json
import subprocess
import tarfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from services.standalone import backup as backup_module
from services.standalone.archive import ArchiveError, unpack_archive
from services.standalone.backup import (
    BackupError,
    BackupMissingError,
    HomeNotEmptyError,
    RecordingsNotEmptyError,
    backup,
    restore,
)
from services.standalone.home import (
    Home,
    HomeEmptyError,
    HomeHalfRestoredError,
    HomeInUseError,
)
from services.standalone.postgres import DATABASE
from services.standalone.readiness import wait_for_postgres
from services.standalone.settings import StandaloneSettings
from shared.blobs import Blobs, open_blobs
from shared.contracts.registry import SERVICES
from shared.db import Database, deletion_allowed
from shared.db.migrate import migrate, pending_migrations
from tests.support.processes import end_process, start_program
from tests.support.stack import stack_home

pytestmark = pytest.mark.integration

RECORDING = "recordings/0190/parts/000001-ab"


class RunningHome:
    """A home whose database runs; the services, which no copy needs, do not."""

    def __init__(self, path: Path) -> None:
        self.home = Home(path)
        self.home.prepare()
        self.postgres, self.nats = self.home.servers()
        self.nats.program()
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        if not self.postgres.is_made:
            self.postgres.make()
        log = self.home.path.parent / f"{self.home.path.name}-postgres.log"
        self._process = start_program(self.postgres.program(), log)
        await wait_for_postgres(self.postgres)
        await migrate(
            self.postgres.url(DATABASE),
            services=SERVICES,
            passwords={service: self.home.password(service) for service in SERVICES},
        )

    def stop(self) -> None:
        if self._process is not None:
            end_process(self._process, self.postgres.program())
            self._process = None

    def url(self, service: str) -> str:
        return self.postgres.url(
            DATABASE, user=f"tidings_{service}", password=self.home.password(service)
        )

    @property
    def blobs(self) -> Blobs:
        return open_blobs(self.home.blobs.as_uri())


@pytest.fixture
def folder() -> Iterator[Path]:
    with stack_home() as home:
        home.parent.mkdir(exist_ok=True)
        yield home.parent


@pytest.fixture
async def source(folder: Path) -> AsyncIterator[RunningHome]:
    running = RunningHome(folder / "source")
    try:
        await running.start()
        yield running
    finally:
        running.stop()


def _at(home: Path) -> StandaloneSettings:
    return StandaloneSettings(home=home)


async def _say(running: RunningHome, days_ago: int) -> None:
    """Leave one message that was published and heard some days ago with upload."""
    upload = await Database.connect(running.url("upload"), schema="upload")
    await upload.execute(
        "INSERT INTO outbox (message_id, subject, headers, payload, created_at, published_at) "
        "SELECT $1, 'tidings.fact', $2, $3, moment, moment "
        "FROM (SELECT now() - make_interval(days => $4) AS moment) AS past",
        uuid4(),
        {"n": 1},
        b"data",
        days_ago,
    )
    await upload.execute(
        "INSERT INTO inbox (consumer, message_id, first_seen_at, handled_at) "
        "SELECT 'upload-hear', $1, moment, moment "
        "FROM (SELECT now() - make_interval(days => $2) AS moment) AS past",
        uuid4(),
        days_ago,
    )
    await upload.close()


async def test_a_restored_home_holds_what_was_copied(source: RunningHome, folder: Path) -> None:
    await _say(source, days_ago=2)
    await _say(source, days_ago=40)
    await source.blobs.put(RECORDING, b"bytes" * 100_000)
    source.home.owner_token.write_text("tds_token\n", encoding="ascii")

    made = await backup(_at(source.home.path), folder / "copy.tar")
    assert made.size_bytes == (folder / "copy.tar").stat().st_size
    assert (folder / "copy.tar").stat().st_mode & 0o777 == 0o600
    source.stop()
    restored = await restore(folder / "copy.tar", _at(folder / "target"))
    assert restored.files == made.files

    target = RunningHome(folder / "target")
    try:
        await target.start()
        upload = await Database.connect(target.url("upload"), schema="upload")
        said = await upload.fetch("SELECT * FROM outbox")
        heard = await upload.fetch("SELECT first_seen_at > now() - '1 day'::interval FROM inbox")
        await upload.close()
        pending = await pending_migrations(target.postgres.url(DATABASE), services=SERVICES)
    finally:
        target.stop()
    assert pending == []
    assert [row["headers"] for row in said] == [{"n": 1}, {"n": 1}]
    assert [row["payload"] for row in said] == [b"data", b"data"]
    # However old the copy is, nothing of it was said on this bus, and what was heard stays heard.
    assert [row["published_at"] for row in said] == [None, None]
    assert [row[0] for row in heard] == [True, True]
    assert await target.blobs.head(RECORDING) == await source.blobs.head(RECORDING)
    for kept in ("secrets/token-private.pem", "nats/credentials/keys/operator.seed", "owner-token"):
        assert (target.home.path / kept).read_bytes() == (source.home.path / kept).read_bytes()
        assert (target.home.path / kept).stat().st_mode & 0o077 == 0


async def test_roles_of_a_restored_home_see_only_their_own(
    source: RunningHome, folder: Path
) -> None:
    await backup(_at(source.home.path), folder / "copy.tar")
    await restore(folder / "copy.tar", _at(folder / "target"))
    target = RunningHome(folder / "target")
    try:
        await target.start()
        upload = await asyncpg.connect(target.url("upload"))
        await upload.execute("DELETE FROM upload.outbox")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await upload.fetch("SELECT * FROM workspace.outbox")
        await upload.close()
    finally:
        target.stop()


async def test_nothing_is_deleted_while_a_copy_is_made(source: RunningHome, folder: Path) -> None:
    upload = await Database.connect(source.url("upload"), schema="upload")
    async with upload.transaction() as deleting:
        assert await deletion_allowed(deleting)
        copying = asyncio.create_task(backup(_at(source.home.path), folder / "copy.tar"))
        await asyncio.sleep(0.3)
        assert not copying.done()
        assert not (folder / "copy.tar").exists()
    await copying
    await upload.close()
    assert (folder / "copy.tar").exists()


async def test_a_home_that_is_not_empty_is_left_alone(folder: Path) -> None:
    (folder / "target").mkdir()
    (folder / "target" / "mine").write_text("mine", encoding="ascii")
    with pytest.raises(HomeNotEmptyError):
        await restore(folder / "copy.tar", _at(folder / "target"))
    assert [path.name for path in (folder / "target").iterdir()] == ["mine"]


async def test_a_home_that_somebody_begins_to_use_is_left_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two that found it empty, the one that came too late emptied it under the other."""
    (folder / "copy.tar").touch()
    target = folder / "target"
    with ExitStack() as other:
        look = backup_module._checked_size  # noqa: SLF001 - the moment between look and lock

        def look_and_come_too_late(archive: Path, home: Home) -> int:
            size_bytes = look(archive, home)
            other.enter_context(Home(target).locked())
            (target / "theirs").touch()
            return size_bytes

        monkeypatch.setattr(backup_module, "_checked_size", look_and_come_too_late)
        with pytest.raises(HomeInUseError):
            await restore(folder / "copy.tar", _at(target))
        assert (target / "theirs").exists()


async def test_a_home_that_somebody_filled_meanwhile_is_left_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever filled it may have stopped again, so that the lock alone tells nothing."""
    (folder / "copy.tar").touch()
    target = folder / "target"
    look = backup_module._checked_size  # noqa: SLF001 - the moment between look and lock

    def look_and_come_too_late(archive: Path, home: Home) -> int:
        size_bytes = look(archive, home)
        with Home(target).locked():
            (target / "theirs").touch()
        return size_bytes

    monkeypatch.setattr(backup_module, "_checked_size", look_and_come_too_late)
    with pytest.raises(HomeNotEmptyError):
        await restore(folder / "copy.tar", _at(target))
    assert (target / "theirs").exists()


async def test_an_interrupted_restore_writes_nothing_more(
    source: RunningHome, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread wrote on beside the one that emptied the home, and after the lock was gone."""
    await backup(_at(source.home.path), folder / "copy.tar")
    begun, go_on = threading.Event(), threading.Event()

    def unpack_slowly(archive: Path, home: Path, allowed: tuple[str, ...]) -> int:
        begun.set()
        go_on.wait(20)
        return unpack_archive(archive, home, allowed)

    monkeypatch.setattr(backup_module, "unpack_archive", unpack_slowly)
    target = Home(folder / "target")
    restoring = asyncio.create_task(restore(folder / "copy.tar", _at(target.path)))
    assert await asyncio.to_thread(begun.wait, 20)
    restoring.cancel()
    await asyncio.wait({restoring}, timeout=0.3)
    with pytest.raises(HomeInUseError), target.locked():
        pass
    # What is left of it if it is killed now.
    with pytest.raises(HomeHalfRestoredError):
        target.require_whole()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await restoring
    assert list(target.path.iterdir()) == []


async def test_recordings_of_a_tidings_that_goes_on_are_not_taken_over_unasked(
    source: RunningHome, folder: Path
) -> None:
    """A rehearsal beside the real one deleted from its store all that was newer than the copy."""
    await backup(_at(source.home.path), folder / "copy.tar")
    store = (folder / "store").as_uri()
    await open_blobs(store).put(RECORDING, b"newer than the copy")
    settings = StandaloneSettings(home=folder / "target", blob_url=store)
    with pytest.raises(RecordingsNotEmptyError):
        await restore(folder / "copy.tar", settings)
    assert not (folder / "target").exists()
    restored = await restore(folder / "copy.tar", settings, take_over_recordings=True)
    assert "TIDINGS_BLOB_URL" in " ".join(restored.left_out)


async def test_a_missing_copy_is_told(folder: Path) -> None:
    with pytest.raises(BackupMissingError, match="no backup"):
        await restore(folder / "copy.tar", _at(folder / "target"))


async def test_a_tidings_that_does_not_run_cannot_be_copied(folder: Path) -> None:
    with pytest.raises(HomeEmptyError):
        await backup(_at(folder / "none"), folder / "copy.tar")
    RunningHome(folder / "asleep")
    with pytest.raises(BackupError, match="running"):
        await backup(_at(folder / "asleep"), folder / "copy.tar")
    assert not list(folder.glob("*copy.tar*"))


def _cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _without_end(path: Path) -> None:
    _rewrite(path, lambda name, content: None if name == "digests.json" else content)


def _changed(path: Path) -> None:
    _rewrite(path, lambda name, content: b"x" * len(content) if name == "a" else content)


def _other_format(path: Path) -> None:
    _rewrite(
        path,
        lambda name, content: (
            json.dumps({"format": 9}).encode() if name == "manifest.json" else content
        ),
    )


def _rewrite(path: Path, edit: Callable[[str, bytes], bytes | None]) -> None:
    with tarfile.open(path) as tar:
        members = [(m.name, file.read()) for m in tar if (file := tar.extractfile(m))]
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            edited = edit("a" if name == f"blobs/{RECORDING}" else name, content)
            if edited is not None:
                member = tarfile.TarInfo(name)
                member.size = len(edited)
                tar.addfile(member, io.BytesIO(edited))


@pytest.mark.parametrize("spoil", [_cut_short, _without_end, _changed, _other_format])
async def test_a_spoilt_copy_restores_nothing(
    source: RunningHome, folder: Path, spoil: Callable[[Path], None]
) -> None:
    await source.blobs.put(RECORDING, b"bytes" * 1000)
    await backup(_at(source.home.path), folder / "copy.tar")
    spoil(folder / "copy.tar")
    with pytest.raises(ArchiveError):
        await restore(folder / "copy.tar", _at(folder / "target"))
    assert list((folder / "target").iterdir()) == []
