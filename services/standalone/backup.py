"""Copies a running Tidings into one file, and builds a Tidings from such a file in an empty home.

The copy holds the database, the recordings of the home, and the keys. Messages in JetStream are not
copied: outboxes hold what was said in the 30 days before the copy, as streams do, so a restore
marks it as unsaid, the relays say it again, and the inboxes make a repeat of what was heard
harmless. Dead letters of messages older than that are lost, and integrators who count events by
their number start again at the first. What is kept elsewhere is not in the copy, and the result
says so: recordings in TIDINGS_BLOB_URL are that store's to copy. Do it right after this copy: what
is removed in between is missing there, what came in does no harm.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from services.standalone.archive import unpack_archive, write_archive
from services.standalone.child import Child
from services.standalone.home import LOCK, Home
from services.standalone.places import DatabasePlace, Places
from services.standalone.postgres import PostgresServer
from services.standalone.programs import find_postgres
from services.standalone.reaching import database_errors, require_database
from services.standalone.readiness import wait_for_postgres
from services.standalone.settings import StandaloneSettings
from shared.blobs import open_blobs
from shared.blobs.threads import in_thread
from shared.contracts.registry import SERVICES
from shared.db.locks import deletions_held
from shared.db.migrate import make_roles, migrate
from shared.errors import ConflictError, MissingError, TidingsError

_DUMP = "database.dump"
_BLOBS = "blobs"
_SECRETS = "secrets"
_NATS = "nats"
_OWNER = "owner-token"
_LIST = "database.list"
_MEMBERS = (_DUMP, _BLOBS, _SECRETS, _NATS, _OWNER)


class BackupError(TidingsError):
    """The copy could not be made, or not be read in."""

    code = "backup-failed"


class BackupMissingError(MissingError):
    """There is no such backup."""

    code = "backup-not-found"


class DatabaseNotEmptyError(ConflictError):
    """There is already a Tidings in this database; a backup is restored into an empty one."""

    code = "database-not-empty"


class HomeNotEmptyError(ConflictError):
    """There is already something in this home; a backup is restored into an empty one."""

    code = "home-not-empty"


class RecordingsNotEmptyError(ConflictError):
    """There are recordings in TIDINGS_BLOB_URL; a restored Tidings deletes those it does not know.

    If that store is a copy, or no other Tidings uses it any more, say --take-over-recordings.
    """

    code = "recordings-not-empty"


@dataclass(frozen=True, kw_only=True)
class Backup:
    """What was copied or restored."""

    path: Path
    size_bytes: int
    files: int
    left_out: tuple[str, ...] = ()
    """A sentence for each thing that is kept elsewhere and is to be copied there."""


async def backup(settings: StandaloneSettings, target: Path) -> Backup:
    """Copy the running Tidings of this home into a new file, whole or not at all.

    Until it is done nothing is deleted anywhere, so that whatever the copied rows name is in the
    copy too. Raises one of our errors; a Tidings that does not run is a BackupError.
    """
    home = Home(settings.home)
    places = Places.of(settings, home, home.running_servers())
    draft = target.with_name(f".{target.name}.draft")
    dump = target.with_name(f".{target.name}.database")
    try:
        async with deletions_held(places.database.admin_url):
            await _dump(places.database, dump)
            files = await asyncio.to_thread(_write, home, dump, draft)
        size_bytes = await asyncio.to_thread(_publish, draft, target)
    except (asyncpg.PostgresError, OSError) as exc:
        raise BackupError(
            f"The copy could not be made ({type(exc).__name__}): is Tidings running in "
            f"{home.path}, does the database answer, and may {target.parent} be written?"
        ) from exc
    finally:
        await asyncio.to_thread(_remove, draft, dump)
    return Backup(
        path=target, size_bytes=size_bytes, files=files, left_out=tuple(_left_out(settings))
    )


async def restore(
    archive: Path, settings: StandaloneSettings, *, take_over_recordings: bool = False
) -> Backup:
    """Build a Tidings in an empty home, and perhaps an empty outside database, from a copy.

    An outside store of recordings must be empty too, or be given over to this Tidings alone.
    Raises HomeNotEmptyError, DatabaseNotEmptyError, RecordingsNotEmptyError, ArchiveError, or
    another of our errors. After a failure the home is as empty as before; one that another Tidings
    has begun to use is left alone. Killed, it leaves a home in which nothing starts.
    """
    try:
        return await _restore(archive, settings, take_over_recordings=take_over_recordings)
    except OSError as exc:
        raise BackupError(
            f"The copy could not be restored ({exc.strerror or type(exc).__name__}): may {archive} "
            f"be read, and has the disk of {settings.home} room for it?"
        ) from exc


async def _restore(
    archive: Path, settings: StandaloneSettings, *, take_over_recordings: bool
) -> Backup:
    home = Home(settings.home)
    size_bytes = await asyncio.to_thread(_checked_size, archive, home)
    if settings.blob_url is not None and not take_over_recordings:
        await _require_no_recordings(settings, settings.blob_url)
    with home.locked():
        await asyncio.to_thread(_require_empty_home, home)
        try:
            files = await in_thread(None, _unpack, archive, home)
            places = Places.of(settings, home, home.servers())
            await _rebuild(home, places.database)
        except BaseException:
            # While the lock is ours: without it we would empty the home of whoever has it.
            await in_thread(None, _empty, home)
            raise
    return Backup(
        path=archive, size_bytes=size_bytes, files=files, left_out=tuple(_left_out(settings))
    )


def _left_out(settings: StandaloneSettings) -> Iterator[str]:
    if settings.blob_url is not None:
        yield "Recordings in TIDINGS_BLOB_URL are not part of the copy: that store is to be copied."
    if settings.nats_url is not None:
        yield "The credentials of the NATS in TIDINGS_NATS_URL are not part of the copy."


def _checked_size(archive: Path, home: Home) -> int:
    # Looked at without the lock as well, which would leave its file in a home that is not ours.
    _require_empty_home(home)
    if not archive.is_file():
        raise BackupMissingError(f"There is no backup {archive}.")
    return archive.stat().st_size


def _require_empty_home(home: Home) -> None:
    if home.path.exists() and any(path.name != LOCK for path in home.path.iterdir()):
        raise HomeNotEmptyError(f"{home.path} is not empty.")


async def _require_no_recordings(settings: StandaloneSettings, url: str) -> None:
    async for _ in open_blobs(url, settings.blob_access_key, settings.blob_secret).list(""):
        raise RecordingsNotEmptyError


def _write(home: Home, dump: Path, draft: Path) -> int:
    draft.unlink(missing_ok=True)
    with write_archive(draft) as archive:
        archive.add(_DUMP, dump)
        archive.add_folder(_SECRETS, home.secrets)
        archive.add_folder(f"{_NATS}/credentials", home.nats / "credentials")
        if home.owner_token.exists():
            archive.add(_OWNER, home.owner_token)
        archive.add_folder(_BLOBS, home.blobs)
        return archive.finish()


def _publish(draft: Path, target: Path) -> int:
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(target)
    return target.stat().st_size


def _remove(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _unpack(archive: Path, home: Home) -> int:
    home.restoring.touch()
    files = unpack_archive(archive, home.path, _MEMBERS)
    home.prepare()
    return files


async def _rebuild(home: Home, place: DatabasePlace) -> None:
    async with _running(place.own) if place.own is not None else nullcontext():
        await require_database(place)
        with database_errors(place):
            await _require_empty(place)
            await _read_in(home, place)
    await in_thread(None, _remove, home.path / _DUMP, home.path / _LIST, home.restoring)


@asynccontextmanager
async def _running(postgres: PostgresServer) -> AsyncIterator[None]:
    await in_thread(None, postgres.make)
    child = Child(postgres.program(), on_line=lambda *_: None, on_change=lambda _: None)
    child.start()
    try:
        try:
            async with asyncio.timeout(60):
                await wait_for_postgres(postgres)
        except TimeoutError as exc:
            raise BackupError(f"PostgreSQL does not start: {child.last_words}") from exc
        yield
    finally:
        await child.stop()


async def _require_empty(place: DatabasePlace) -> None:
    connection = await asyncpg.connect(place.admin_url)
    try:
        taken = await connection.fetchval(
            "SELECT nspname FROM pg_namespace WHERE nspname = ANY($1::text[]) LIMIT 1",
            ["extensions", "migrations", *SERVICES],
        )
    finally:
        await connection.close()
    if taken is not None:
        raise DatabaseNotEmptyError


async def _read_in(home: Home, place: DatabasePlace) -> None:
    passwords = {service: home.password(service) for service in SERVICES}
    dump, listed = home.path / _DUMP, home.path / _LIST
    await make_roles(place.admin_url, services=SERVICES, passwords=passwords)
    entries = (await _run(place, "pg_restore", ("--list", str(dump)))).decode().splitlines()
    # Default privileges belong to the administrator of then, who may be another now; migrating
    # gives them anew.
    kept = [entry for entry in entries if " DEFAULT ACL " not in entry]
    await in_thread(None, listed.write_text, "\n".join(kept), encoding="utf-8")
    await _run(
        place,
        "pg_restore",
        (
            *("--exit-on-error", "--single-transaction", "--no-owner"),
            *(f"--use-list={listed}", f"--dbname={place.without_password()[0]}", str(dump)),
        ),
    )
    await migrate(place.admin_url, services=SERVICES, passwords=passwords)
    await _say_again(place)


async def _say_again(place: DatabasePlace) -> None:
    """Mark as unsaid whatever was said, and keep what was heard for as long as if it were of today.

    The copy may be older than outboxes and inboxes keep their rows.
    """
    connection = await asyncpg.connect(place.admin_url)
    try:
        for service in SERVICES:
            await connection.execute(
                f"UPDATE {service}.outbox SET published_at = NULL;"  # noqa: S608 - our own names
                f"UPDATE {service}.inbox SET first_seen_at = now()"
            )
    finally:
        await connection.close()


async def _dump(place: DatabasePlace, path: Path) -> None:
    await asyncio.to_thread(_make_private, path)
    address = place.without_password()[0]
    await _run(place, "pg_dump", ("--format=custom", f"--file={path}", f"--dbname={address}"))


def _make_private(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)


async def _run(place: DatabasePlace, program: str, arguments: tuple[str, ...]) -> bytes:
    path = (place.programs or find_postgres()) / program
    try:
        process = await asyncio.create_subprocess_exec(
            str(path),
            *arguments,
            # On the command line everybody on this machine could read it.
            env={**os.environ, "PGPASSWORD": place.without_password()[1]},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as exc:
        raise BackupError(f"{path} cannot be started ({exc.strerror}).") from exc
    try:
        said, complained = await process.communicate()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
    if process.returncode != 0:
        reason = complained.decode(errors="replace").strip().splitlines()[-1:]
        others = (
            "" if place.own else " (TIDINGS_DATABASE_PROGRAMS_DIR names programs of your server)"
        )
        raise BackupError(f"{program} failed: {' '.join(reason)}{others}")
    return said


def _empty(home: Home) -> None:
    for path in home.path.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path != home.restoring:
            path.unlink(missing_ok=True)
    home.restoring.unlink(missing_ok=True)
