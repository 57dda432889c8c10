"""Bodies become parts: whatever is cut where, the ledger holds exactly a prefix of the bytes."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from services.upload.domain import (
    BodyCutError,
    BodyIdleError,
    Checksum,
    ChecksumMismatchError,
    Part,
    StoppingError,
    Upload,
    UploadState,
    UploadTakenOverError,
    UploadTooLargeError,
)
from services.upload.receiving import Budget, Receiver, Receivers, ReceiveRules
from shared.blobs import BlobInfo, Blobs
from shared.errors import UnavailableError

pytestmark = pytest.mark.unit

RULES = ReceiveRules(part_bytes=10, flush_s=0.02, idle_s=5.0)


class MemoryBlobs(Blobs):
    """Blobs in a dict; only what receiving needs."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.putting = 0
        self.most_putting = 0
        self.failing = False
        self.may_put = asyncio.Event()
        self.may_put.set()

    @override
    async def put(
        self,
        key: str,
        source: bytes | AsyncIterator[bytes] | Path,
        *,
        media_type: str = "application/octet-stream",
    ) -> BlobInfo:
        assert isinstance(source, bytes)
        self.putting += 1
        self.most_putting = max(self.most_putting, self.putting)
        await asyncio.sleep(0)
        await self.may_put.wait()
        self.putting -= 1
        if self.failing:
            raise UnavailableError
        self.kept[key] = source
        return BlobInfo(key=key, size_bytes=len(source), sha256=hashlib.sha256(source).hexdigest())

    @override
    async def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.kept.pop(key, None)


class Ledger:
    """What the tables do, in memory: only the writer may append, only at the offset."""

    def __init__(self, length: int | None = None, max_bytes: int = 10_000) -> None:
        self.upload = Upload(
            recording_id=uuid4(),
            team_id=uuid4(),
            thread_id=uuid4(),
            update_id=uuid4(),
            language=None,
            length_bytes=length,
            offset_bytes=0,
            part_count=0,
            metadata="",
            state=UploadState.ARRIVING,
            writer=None,
            max_bytes=max_bytes,
            expires_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        self.parts: list[Part] = []
        self.blobs = MemoryBlobs()
        self.budget = Budget(1 << 20)

    def receiver(self, checksum: Checksum | None = None, rules: ReceiveRules = RULES) -> Receiver:
        writer = uuid4()
        self.upload = replace(self.upload, writer=writer)

        async def keep(parts: Sequence[Part]) -> Upload:
            return await self._keep(writer, parts)

        return Receiver(
            blobs=self.blobs,
            upload=self.upload,
            writer=writer,
            keep=keep,
            rules=rules,
            budget=self.budget,
            checksum=checksum,
        )

    async def _keep(self, writer: UUID, parts: Sequence[Part]) -> Upload:
        await asyncio.sleep(0)
        if self.upload.writer != writer:
            raise UploadTakenOverError
        for part in parts:
            assert (part.number, part.offset_bytes) == (len(self.parts), self.upload.offset_bytes)
            self.parts.append(part)
            self.upload = replace(
                self.upload, offset_bytes=part.end_bytes, part_count=len(self.parts)
            )
        return self.upload

    @property
    def content(self) -> bytes:
        return b"".join(self.blobs.kept[part.key] for part in self.parts)


async def body(pieces: Sequence[bytes], *, cut: bool = False) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
        await asyncio.sleep(0)
    if cut:
        raise BodyCutError


async def stalled(pieces: Sequence[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    await asyncio.Event().wait()


def digest_of(content: bytes) -> Checksum:
    return Checksum("sha256", hashlib.sha256(content).digest())


REQUESTS = st.lists(
    st.tuples(st.lists(st.binary(min_size=1, max_size=25), max_size=6), st.booleans()), max_size=8
)


@given(REQUESTS)
@settings(max_examples=60, deadline=None)
def test_requests_cut_anywhere_store_exactly_the_bytes_they_sent(
    requests: list[tuple[list[bytes], bool]],
) -> None:
    async def play() -> None:
        ledger = Ledger()
        sent = b""
        for pieces, is_cut in requests:
            sent += b"".join(pieces)
            try:
                await ledger.receiver().receive(body(pieces, cut=is_cut))
            except BodyCutError:
                assert is_cut
            assert ledger.content == sent
        assert set(ledger.blobs.kept) == {part.key for part in ledger.parts}
        assert all(part.size_bytes <= RULES.part_bytes for part in ledger.parts)
        assert not ledger.budget.is_spent

    asyncio.run(play())


@given(st.lists(st.binary(min_size=1, max_size=25), max_size=6), st.booleans(), st.booleans())
@settings(max_examples=40, deadline=None)
def test_with_a_checksum_everything_is_kept_or_nothing(
    pieces: list[bytes],
    is_right: bool,  # noqa: FBT001 - drawn by hypothesis
    is_cut: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    async def play() -> None:
        ledger = Ledger()
        sent = b"".join(pieces)
        checksum = digest_of(sent if is_right else sent + b"!")
        try:
            await ledger.receiver(checksum).receive(body(pieces, cut=is_cut))
        except BodyCutError:
            assert is_cut
        except ChecksumMismatchError:
            assert not is_right
            assert not is_cut
        assert ledger.content == (sent if is_right and not is_cut else b"")
        assert len(ledger.blobs.kept) == len(ledger.parts)

    asyncio.run(play())


async def test_bytes_beyond_the_limit_are_not_kept() -> None:
    ledger = Ledger(length=12)

    with pytest.raises(UploadTooLargeError):
        await ledger.receiver().receive(body([b"x" * 8, b"y" * 8]))

    assert ledger.content == b""


async def test_no_more_parts_are_on_their_way_than_allowed() -> None:
    ledger = Ledger()
    rules = replace(RULES, depth=2)

    await ledger.receiver(rules=rules).receive(body([b"x" * 1000]))

    assert len(ledger.parts) == 100
    assert ledger.blobs.most_putting == 2


async def test_what_a_slow_sender_sent_is_kept_before_it_goes_on() -> None:
    ledger = Ledger()
    running = asyncio.create_task(ledger.receiver().receive(stalled([b"abc"])))

    async with asyncio.timeout(5):
        while ledger.content != b"abc":  # noqa: ASYNC110 - the ledger is no event
            await asyncio.sleep(0.005)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_receiver_that_is_cancelled_gives_its_memory_back() -> None:
    ledger = Ledger()
    ledger.budget = Budget(RULES.part_bytes)
    ledger.blobs.may_put.clear()
    receiver = ledger.receiver()
    running = asyncio.create_task(receiver.receive(stalled([b"x" * 25])))
    async with asyncio.timeout(5):
        while ledger.blobs.putting < 2:  # noqa: ASYNC110 - blobs are no event
            await asyncio.sleep(0.005)
    assert ledger.budget.is_spent

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert not ledger.budget.is_spent
    await receiver.settle()


async def test_a_silent_sender_is_cut_after_its_bytes_are_kept() -> None:
    ledger = Ledger()
    rules = replace(RULES, idle_s=0.05)

    with pytest.raises(BodyIdleError):
        await ledger.receiver(rules=rules).receive(stalled([b"abc"]))

    assert ledger.content == b"abc"


async def test_a_checked_request_may_not_take_for_ever() -> None:
    ledger = Ledger()
    rules = replace(RULES, checksum_s=0.05)

    with pytest.raises(BodyIdleError):
        await ledger.receiver(digest_of(b"abc"), rules).receive(stalled([b"abc"]))

    assert ledger.content == b""
    assert ledger.blobs.kept == {}


async def test_settling_keeps_what_has_arrived_without_ending_the_request() -> None:
    ledger = Ledger()
    receivers = Receivers()
    recording_id = ledger.upload.recording_id
    rules = replace(RULES, flush_s=60.0)
    running = asyncio.create_task(
        receivers.receive(recording_id, ledger.receiver(rules=rules), stalled([b"abc"]))
    )
    await asyncio.sleep(0.01)

    assert await receivers.settle(recording_id)

    assert ledger.content == b"abc"
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not await receivers.settle(recording_id)


async def test_settling_right_after_a_cut_waits_for_what_is_being_stored() -> None:
    ledger = Ledger()
    receivers = Receivers()
    recording_id = ledger.upload.recording_id
    line = asyncio.Event()

    async def cut_later() -> AsyncIterator[bytes]:
        yield b"abc"
        await line.wait()
        raise BodyCutError

    rules = replace(RULES, flush_s=60.0)
    receiver = ledger.receiver(rules=rules)
    running = asyncio.create_task(receivers.receive(recording_id, receiver, cut_later()))
    await asyncio.sleep(0.01)
    line.set()
    # However far the cut request has come in storing its bytes, asking finds them all.
    for _ in range(3):
        await asyncio.sleep(0)
    await receivers.settle(recording_id)

    assert ledger.content == b"abc"
    with pytest.raises(BodyCutError):
        await running


async def test_stopping_keeps_what_has_arrived_and_takes_no_more() -> None:
    ledger = Ledger()
    receivers = Receivers()
    recording_id = ledger.upload.recording_id
    rules = replace(RULES, flush_s=60.0)
    running = asyncio.create_task(
        receivers.receive(recording_id, ledger.receiver(rules=rules), stalled([b"abc"]))
    )
    await asyncio.sleep(0.01)

    receivers.stop()

    with pytest.raises(StoppingError):
        await running
    assert ledger.content == b"abc"
    with pytest.raises(StoppingError):
        await receivers.receive(recording_id, ledger.receiver(), body([b"d"]))


async def test_the_newer_request_wins_and_the_older_leaves_nothing() -> None:
    ledger = Ledger()
    receivers = Receivers()
    recording_id = ledger.upload.recording_id
    older = ledger.receiver(rules=replace(RULES, flush_s=60.0))
    running = asyncio.create_task(receivers.receive(recording_id, older, stalled([b"old"])))
    await asyncio.sleep(0.01)

    await receivers.receive(recording_id, ledger.receiver(), body([b"new"]))

    with pytest.raises(UploadTakenOverError):
        await running
    assert ledger.content == b"new"
    assert len(ledger.blobs.kept) == 1


async def test_a_request_that_lost_its_place_removes_its_blobs() -> None:
    ledger = Ledger()
    receiver = ledger.receiver()
    ledger.receiver()

    with pytest.raises(UploadTakenOverError):
        await receiver.receive(body([b"x" * 100]))

    assert ledger.parts == []
    assert ledger.blobs.kept == {}


async def test_a_store_that_fails_ends_the_request_and_what_was_kept_stays() -> None:
    ledger = Ledger()
    await ledger.receiver().receive(body([b"abc"]))
    ledger.blobs.failing = True

    with pytest.raises(UnavailableError):
        await ledger.receiver().receive(body([b"x" * 100]))

    assert ledger.content == b"abc"
    assert not ledger.budget.is_spent


async def test_requests_together_hold_no_more_than_the_budget() -> None:
    budget = Budget(30)
    budget.hold(30)
    assert budget.is_spent
    ledger = Ledger()
    ledger.budget = budget
    running = asyncio.create_task(ledger.receiver().receive(body([b"abc", b"def"])))
    await asyncio.sleep(0.01)
    assert not running.done()

    budget.give_back(30)

    await running
    assert ledger.content == b"abcdef"
