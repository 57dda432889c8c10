import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from services.cli import tus
from services.cli.exits import CommandError, Exit
from services.cli.tus import Ticket, TusUpload, UploadGoneError
from tests.integration.cli.small_tidings import UPLOAD_TOKEN, SmallTidings, running_tidings

pytestmark = pytest.mark.integration

CONTENT = hashlib.shake_256(b"speech").digest(3_000_000)


@pytest.fixture
async def tidings() -> AsyncIterator[SmallTidings]:
    async with running_tidings() as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as client:
        yield client


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "talk.webm"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tus, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(tus, "LONGEST_PAUSE_S", 0.05)
    monkeypatch.setattr(tus, "PATCH_BYTES", 1 << 20)


def ticket(tidings: SmallTidings) -> Ticket:
    return Ticket(url=f"{tidings.url}/files", token=UPLOAD_TOKEN)


def same(received: bytes | bytearray) -> bool:
    return hashlib.sha256(received).digest() == hashlib.sha256(CONTENT).digest()


async def test_a_file_arrives_whole_in_pieces(
    tidings: SmallTidings, session: aiohttp.ClientSession, recording: Path
) -> None:
    seen: list[int] = []
    upload = TusUpload(session, ticket(tidings), on_progress=seen.append)
    assert await upload.send_file(recording) == len(CONTENT)
    assert same(tidings.received)
    patches = [each for each in tidings.upload_headers if "Upload-Offset" in each]
    assert [each["Content-Length"] for each in patches] == ["1048576", "1048576", "902848"]
    assert seen[-1] == len(CONTENT)


async def test_cut_connections_cost_no_byte_and_repeat_none(
    tidings: SmallTidings, session: aiohttp.ClientSession, recording: Path
) -> None:
    tidings.cut_after = [100_000, 1, 65_536, 999_999]
    await TusUpload(session, ticket(tidings)).send_file(recording)
    assert same(tidings.received)
    assert tidings.created == 1


@pytest.mark.parametrize("status", [423, 409, 429, 460, 500, 503])
async def test_passing_troubles_are_waited_out(
    tidings: SmallTidings, session: aiohttp.ClientSession, recording: Path, status: int
) -> None:
    def refuse(_: str) -> None:
        tidings.refusals = [status, status]

    await TusUpload(session, ticket(tidings), on_location=refuse).send_file(recording)
    assert tidings.refusals == []
    assert same(tidings.received)


async def test_an_upload_begun_before_goes_on_where_it_stopped(
    tidings: SmallTidings, session: aiohttp.ClientSession, recording: Path
) -> None:
    tidings.exists, tidings.length = True, len(CONTENT)
    tidings.received += CONTENT[:1_500_000]
    location = f"{tidings.url}/files/1"
    await TusUpload(session, ticket(tidings), location=location).send_file(recording)
    assert same(tidings.received)
    assert tidings.created == 0


async def test_an_upload_the_server_forgot_is_gone(
    tidings: SmallTidings, session: aiohttp.ClientSession, recording: Path
) -> None:
    upload = TusUpload(session, ticket(tidings), location=f"{tidings.url}/files/1")
    with pytest.raises(UploadGoneError):
        await upload.send_file(recording)


@pytest.mark.parametrize(
    ("status", "exit_status"),
    [(401, Exit.DENIED), (403, Exit.DENIED), (413, Exit.REFUSED), (422, Exit.REFUSED)],
)
async def test_a_refusal_that_no_retry_changes_ends_it(
    tidings: SmallTidings,
    session: aiohttp.ClientSession,
    recording: Path,
    status: int,
    exit_status: Exit,
) -> None:
    tidings.refusals = [status]
    with pytest.raises(CommandError) as refusal:
        await TusUpload(session, ticket(tidings)).send_file(recording)
    assert refusal.value.status is exit_status
    assert len(tidings.upload_headers) == 1


async def test_patience_ends_when_nothing_gets_through(
    session: aiohttp.ClientSession, recording: Path
) -> None:
    nowhere = Ticket(url="http://127.0.0.1:1/files", token=UPLOAD_TOKEN)
    with pytest.raises(CommandError) as refusal:
        await TusUpload(session, nowhere, patience_s=0.2).send_file(recording)
    assert refusal.value.status is Exit.UNREACHABLE


async def test_an_empty_file_is_created_and_done(
    tidings: SmallTidings, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    (tmp_path / "empty").touch()
    assert await TusUpload(session, ticket(tidings)).send_file(tmp_path / "empty") == 0
    assert tidings.length == 0


async def test_a_file_that_cannot_be_read_any_more_ends_it_at_once(
    tidings: SmallTidings, session: aiohttp.ClientSession, recording: Path
) -> None:
    upload = TusUpload(
        session, ticket(tidings), on_location=lambda _: recording.write_bytes(CONTENT[:10])
    )
    with pytest.raises(CommandError, match="shorter"):
        await upload.send_file(recording)


async def pieces(size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(CONTENT), size):
        yield CONTENT[start : start + size]


async def test_a_stream_of_unknown_length_says_its_length_at_the_end(
    tidings: SmallTidings, session: aiohttp.ClientSession
) -> None:
    tidings.cut_after = [10, 70_000]
    sent = await TusUpload(session, ticket(tidings)).send_stream(pieces(400_000))
    assert sent == tidings.length == len(CONTENT)
    assert same(tidings.received)
    assert tidings.upload_headers[0]["Upload-Defer-Length"] == "1"


async def test_the_last_word_about_the_length_is_repeated_until_heard(
    tidings: SmallTidings, session: aiohttp.ClientSession
) -> None:
    async def stream() -> AsyncIterator[bytes]:
        yield CONTENT
        tidings.refusals = [503, 503]

    await TusUpload(session, ticket(tidings)).send_stream(stream())
    assert tidings.length == len(CONTENT)
    assert same(tidings.received)
