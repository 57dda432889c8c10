"""``tidings send``: a recording into a thread, and on request the wait for what becomes of it."""

import asyncio
import mimetypes
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import uuid4

import aiohttp

from services.cli.api import Api, Json
from services.cli.exits import CommandError, Exit
from services.cli.output import Output
from services.cli.places import Place, find_thread
from services.cli.tus import Ticket, TusUpload, UploadGoneError
from services.cli.unfinished import Note, Unfinished, name_of

STDIN = "-"
#: A live stream goes up in pieces of this size, or whatever came within a moment.
STREAM_BYTES = 1 << 20
POLL_S = 0.3
LINES_SHOWN = 3
TOKEN_EXPIRED = "token-expired"  # noqa: S105 (an error code)
#: States of a recording.
EXPIRED = "expired"
ARRIVED = frozenset({"arrived", "ready", "refused"})
FAILED = frozenset({"refused", EXPIRED})


@dataclass(frozen=True, kw_only=True)
class Order:
    """How it is to be sent and what to wait for."""

    language: str | None = None
    title: str | None = None
    wait: Literal["transcript", "summary"] | None = None
    timeout_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A recording whose last byte is acknowledged."""

    update_id: str
    size_bytes: int
    upload_s: float
    done_at_s: float


class Sender:
    """Sends recordings one after the other."""

    def __init__(self, api: Api, output: Output, unfinished: Unfinished) -> None:
        """Take the API client, where to talk, and what was begun before."""
        self._api = api
        self._output = output
        self._unfinished = unfinished

    async def send_all(self, sources: Sequence[str], place: Place, order: Order) -> None:
        """Send files, or standard input for ``-``, into one thread."""
        thread_id = await find_thread(self._api, place)
        for source in sources:
            await self._send(source, thread_id, order)

    async def _send(self, source: str, thread_id: str, order: Order) -> None:
        # The upload server gets its own token and must never see the person's.
        async with aiohttp.ClientSession() as session:
            if source == STDIN:
                sent = await self._send_stdin(session, thread_id, order)
            else:
                sent = await self._send_file(session, Path(source), thread_id, order)
        document: Json = {
            "update_id": sent.update_id,
            "thread_id": thread_id,
            "url": f"{self._api.url}/updates/{sent.update_id}",
            "size_bytes": sent.size_bytes,
            "upload_s": round(sent.upload_s, 2),
        }
        self._output.note(f"{_megabytes(sent.size_bytes)} sent in {sent.upload_s:.1f} s")
        lines = [document["url"]]
        if order.wait is not None:
            async with asyncio.timeout(order.timeout_s):
                more, shown = await self._wait(sent, order.wait)
            document |= more
            lines += shown
        self._output.result(document, *lines)

    # --- bytes ---------------------------------------------------------------------

    async def _send_file(
        self, session: aiohttp.ClientSession, path: Path, thread_id: str, order: Order
    ) -> Sent:
        name = name_of(self._api.url, thread_id, path)
        note = self._unfinished.recall(name)
        if note is not None and note.location is not None:
            self._output.note("Going on with an upload that was begun before.")
        try:
            return await self._send_noted(session, path, thread_id, order, name=name, note=note)
        except UploadGoneError:
            if note is None:
                raise
            note = None
        except CommandError as refusal:
            if note is None or note.update_id is None or refusal.code != TOKEN_EXPIRED:
                raise
            state = await self._recording_state(note.update_id)
            if state in ARRIVED:
                # We were ended before we heard so.
                self._unfinished.forget(name)
                return _sent(note, await asyncio.to_thread(_size, path), time.monotonic())
            note = await self._renew_token(note) if state != EXPIRED else None
        if note is None:
            # What was begun before has expired meanwhile; begin afresh.
            self._unfinished.forget(name)
        return await self._send_noted(session, path, thread_id, order, name=name, note=note)

    async def _recording_state(self, update_id: str) -> str:
        """Return how far a recording has come; without its update it is as good as expired."""
        try:
            update = await self._api.get(f"/api/v1/updates/{update_id}")
        except CommandError as refusal:
            if refusal.status is not Exit.MISSING:
                raise
            return EXPIRED
        return str(update["recording"]["state"])

    async def _renew_token(self, note: Note) -> Note:
        """Ask for leave to finish an upload whose token has run out."""
        upload = await self._api.post(f"/api/v1/updates/{note.update_id}/upload", {})
        return note.model_copy(update={"upload_url": upload["url"], "token": upload["token"]})

    async def _send_noted(
        self,
        session: aiohttp.ClientSession,
        path: Path,
        thread_id: str,
        order: Order,
        *,
        name: str,
        note: Note | None,
    ) -> Sent:
        size = await asyncio.to_thread(_size, path)
        if size == 0:
            raise CommandError(f"The file {path} is empty.", Exit.REFUSED, code="media-empty")
        note = note or Note(request_key=uuid4().hex)
        self._unfinished.keep(name, note)
        if note.update_id is None or note.upload_url is None or note.token is None:
            note = await self._post_update(thread_id, order, note, size, _media_type(path))
            self._unfinished.keep(name, note)
        kept = note

        def keep_location(location: str) -> None:
            self._unfinished.keep(name, kept.model_copy(update={"location": location}))

        with self._output.transfer(f"Sending {path.name}", size) as step:
            upload = TusUpload(
                session,
                _ticket(note),
                location=note.location,
                on_progress=lambda done: step.advance_to(done, size),
                on_location=keep_location,
            )
            started_s = time.monotonic()
            await upload.send_file(path)
        self._unfinished.forget(name)
        return _sent(note, size, started_s)

    async def _send_stdin(
        self, session: aiohttp.ClientSession, thread_id: str, order: Order
    ) -> Sent:
        note = await self._post_update(thread_id, order, Note(request_key=uuid4().hex), None, None)
        with self._output.transfer("Sending", None) as step:
            upload = TusUpload(session, _ticket(note), on_progress=step.advance_to)
            started_s = time.monotonic()
            size = await upload.send_stream(_stdin())
        return _sent(note, size, started_s)

    async def _post_update(
        self, thread_id: str, order: Order, note: Note, size: int | None, media_type: str | None
    ) -> Note:
        wish = {
            "kind": "recording",
            "language": order.language,
            "title": order.title,
            "size_bytes": size,
            "media_type": media_type,
        }
        body = {name: value for name, value in wish.items() if value is not None}
        posted = await self._api.post(
            f"/api/v1/threads/{thread_id}/updates", body, key=note.request_key
        )
        upload = posted["upload"]
        return note.model_copy(
            update={
                "update_id": posted["update"]["id"],
                "upload_url": upload["url"],
                "token": upload["token"],
            }
        )

    # --- what becomes of it ------------------------------------------------------------

    async def _wait(self, sent: Sent, goal: str) -> tuple[Json, list[str]]:
        document: Json = {}
        with self._output.waiting("Waiting for the transcript"):
            update = await self._wait_for(sent.update_id, "transcript")
        document["transcript_s"] = round(time.monotonic() - sent.done_at_s, 2)
        document["language"] = update["transcript"].get("language")
        text = await self._api.fetch_bytes(
            f"/api/v1/updates/{sent.update_id}/transcript", format="txt"
        )
        spoken = [line for line in text.decode().splitlines() if line.strip()]
        lines = [f"Transcript ready {document['transcript_s']:.1f} s after the last byte."]
        if goal == "transcript":
            return document, lines + spoken[:LINES_SHOWN]
        with self._output.waiting("Waiting for the summary"):
            await self._wait_for(sent.update_id, "summary")
        document["summary_s"] = round(time.monotonic() - sent.done_at_s, 2)
        summary = await self._api.get(f"/api/v1/updates/{sent.update_id}/summary")
        document["statements"] = summary["statements"]
        stated = [f"{each['kind']}: {each['text']}" for each in summary["statements"]]
        return document, [*lines, *(stated or spoken[:LINES_SHOWN])]

    async def _wait_for(self, update_id: str, part: str) -> Json:
        while True:
            update = await self._api.patiently(f"/api/v1/updates/{update_id}")
            _refuse_failed(update)
            if update[part]["state"] == "complete":
                return update
            await asyncio.sleep(POLL_S)


def _refuse_failed(update: Json) -> None:
    recording, transcript = update["recording"]["state"], update["transcript"]["state"]
    if recording not in FAILED and transcript != "failed":
        return
    problem = update.get("problem") or {}
    raise CommandError(
        str(problem.get("detail") or "This recording cannot be transcribed."),
        Exit.REFUSED if recording != EXPIRED else Exit.FAILED,
        code=str(problem.get("code") or f"recording-{recording}"),
    )


def _size(path: Path) -> int:
    return path.stat().st_size


def _ticket(note: Note) -> Ticket:
    return Ticket(url=note.upload_url or "", token=note.token or "")


def _sent(note: Note, size: int, started_s: float) -> Sent:
    now_s = time.monotonic()
    return Sent(
        update_id=note.update_id or "",
        size_bytes=size,
        upload_s=now_s - started_s,
        done_at_s=now_s,
    )


async def _stdin() -> AsyncIterator[bytes]:
    """Give what comes in, as it comes: a live stream must not wait for a full piece."""
    while data := await asyncio.to_thread(os.read, sys.stdin.fileno(), STREAM_BYTES):
        yield data


def _media_type(path: Path) -> str | None:
    return mimetypes.guess_type(path.name, strict=False)[0]


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
