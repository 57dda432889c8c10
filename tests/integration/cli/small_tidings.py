"""Just enough of Tidings for the command line: threads, tus with accidents, events, search."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from shared.http.serve import serve

TOKEN = "owner-of-the-team"
UPLOAD_TOKEN = "for-this-upload-only"
TEAM = {"id": "0198a2f0-0000-7000-8000-00000000000a", "name": "Team"}
UPDATE_ID = "0198a2f0-0000-7000-8000-0000000000cc"
THREADS = [
    {"id": "0198a2f0-0000-7000-8000-000000000001", "title": "Budget"},
    {"id": "0198a2f0-0000-7000-8000-000000000002", "title": "General"},
    {"id": "0198a2f0-0000-7000-8000-000000000003", "title": "Twice"},
    {"id": "0198a2f0-0000-7000-8000-000000000004", "title": "twice"},
]


@dataclass
class SmallTidings:
    """State and accidents of one server."""

    received: bytearray = field(default_factory=bytearray)
    length: int | None = None
    teams: list[dict[str, str]] = field(default_factory=lambda: [TEAM])
    threads: list[dict[str, str]] = field(default_factory=lambda: [*THREADS])
    created: int = 0
    exists: bool = False
    posted: list[dict[str, Any]] = field(default_factory=list)
    post_keys: list[str | None] = field(default_factory=list)
    transcript_state: str = "complete"
    recording_state: str = "ready"
    problem: dict[str, str] | None = None
    polls_until_done: int = 0
    #: Cut the connection after so many bytes of each of the next PATCHes.
    cut_after: list[int] = field(default_factory=list)
    #: Take so many bytes of one PATCH, then neither read on nor answer.
    stall_after: int | None = None
    stalled: asyncio.Event = field(default_factory=asyncio.Event)
    #: Answer the next requests to /files with these statuses.
    refusals: list[int] = field(default_factory=list)
    #: The only token /files takes.
    upload_token: str = UPLOAD_TOKEN
    #: Headers seen by /files.
    upload_headers: list[dict[str, str]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    #: Cut the event stream behind each of these numbers, once.
    cut_events: set[int] = field(default_factory=set)
    #: Each stream ends after so many seconds in which nothing happened.
    longest_quiet_s: float | None = None
    #: Answer so many requests for events, from the second on, with 503.
    events_away: int = 0
    event_requests: list[tuple[str, str | None]] = field(default_factory=list)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 30)
        api = "/api/v1"
        app.router.add_get(f"{api}/teams", self._signed(self.list_teams))
        app.router.add_get(f"{api}/teams/{{team_id}}/threads", self._signed(self.list_threads))
        app.router.add_post(f"{api}/teams/{{team_id}}/threads", self._signed(self.open_thread))
        app.router.add_post(f"{api}/threads/{{id}}/updates", self._signed(self.post_update))
        app.router.add_post(f"{api}/updates/{{id}}/upload", self._signed(self.renew_upload))
        app.router.add_get(f"{api}/updates/{{id}}", self._signed(self.get_update))
        app.router.add_get(f"{api}/updates/{{id}}/transcript", self._signed(self.get_transcript))
        app.router.add_get(f"{api}/updates/{{id}}/summary", self._signed(self.get_summary))
        app.router.add_get(f"{api}/search", self._signed(self.search))
        app.router.add_get(f"{api}/events", self._signed(self.stream_events))
        app.router.add_post("/files", self._tus(self.create))
        app.router.add_head("/files/1", self._tus(self.offset))
        app.router.add_patch("/files/1", self._tus(self.append))
        return app

    def _signed(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        async def signed(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                return problem(401, "unauthenticated", "Sign in, or send a valid token.")
            return await handler(request)

        return signed

    def _tus(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        async def tus(request: web.Request) -> web.StreamResponse:
            self.upload_headers.append(dict(request.headers))
            assert request.headers["Tus-Resumable"] == "1.0.0"
            if request.headers["Authorization"] != f"Bearer {self.upload_token}":
                return problem(401, "token-expired", "The token has expired.")
            if self.refusals:
                status = self.refusals.pop(0)
                return problem(status, f"code-{status}", f"Refused with {status}.")
            if not self.exists and request.method != "POST":
                return web.Response(status=404)
            return await handler(request)

        return tus

    # --- the workspace -------------------------------------------------------------

    async def list_teams(self, _: web.Request) -> web.Response:
        return web.json_response({"items": self.teams, "next_cursor": None})

    async def list_threads(self, request: web.Request) -> web.Response:
        # Two a page, so that following the cursor is needed to see all.
        start = int(request.query.get("cursor", "0"))
        after = start + 2 if start + 2 < len(self.threads) else None
        return web.json_response(
            {
                "items": self.threads[start : start + 2],
                "next_cursor": None if after is None else str(after),
            }
        )

    async def open_thread(self, request: web.Request) -> web.Response:
        body = await request.json()
        return web.json_response({"id": "new-thread", "title": body["title"]}, status=201)

    async def post_update(self, request: web.Request) -> web.Response:
        key = request.headers.get("Idempotency-Key")
        self.post_keys.append(key)
        self.posted.append({"thread": request.match_info["id"], **await request.json()})
        upload = {"url": f"{self.url}/files", "token": self.upload_token}
        return web.json_response({"update": {"id": UPDATE_ID}, "upload": upload}, status=201)

    async def renew_upload(self, _: web.Request) -> web.Response:
        if self.recording_state not in {"waiting", "arriving"}:
            return problem(409, "nothing-to-upload", "This update expects no recording any more.")
        upload = {"url": f"{self.url}/files", "token": self.upload_token}
        return web.json_response(upload, status=201)

    async def get_update(self, request: web.Request) -> web.Response:
        if request.match_info["id"] != UPDATE_ID or self.recording_state == "removed":
            return problem(404, "update-not-found", "There is no such update.")
        growing = self.polls_until_done > 0
        self.polls_until_done -= 1
        return web.json_response(
            {
                "id": UPDATE_ID,
                "recording": {"state": self.recording_state},
                "transcript": {
                    "state": "growing" if growing else self.transcript_state,
                    "language": "de",
                },
                "summary": {"state": "waiting" if growing else "complete"},
                "problem": self.problem,
            }
        )

    async def get_transcript(self, request: web.Request) -> web.Response:
        if request.match_info["id"] != UPDATE_ID:
            return problem(404, "update-not-found", "There is no such update.")
        return web.Response(text=f"Guten Morgen. [{request.query['format']}]\n")

    async def get_summary(self, _: web.Request) -> web.Response:
        gist = {"kind": "gist", "text": "Good [morning] to all."}
        return web.json_response({"statements": [gist]})

    async def search(self, request: web.Request) -> web.Response:
        moment = {
            "update_id": UPDATE_ID,
            "start_ms": 83_000,
            "parts": [
                {"text": "a ", "is_match": False},
                {"text": "budget", "is_match": True},
                {"text": " of [ten]", "is_match": False},
            ],
            "author": {"id": "1", "name": "Ada"},
            "url": f"{self.url}/updates/{UPDATE_ID}?t=83",
        }
        found = request.query["q"] != "nothing"
        groups = [{"thread": THREADS[0], "moments": [moment]}] if found else []
        return web.json_response({"items": groups, "next_cursor": None})

    async def stream_events(self, request: web.Request) -> web.StreamResponse:
        last = request.headers.get("Last-Event-ID")
        self.event_requests.append((request.query["after"], last))
        if len(self.event_requests) > 1 and self.events_away:
            self.events_away -= 1
            return problem(503, "unavailable", "Not possible right now.")
        after = int(last or request.query["after"])
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b": hello\n\n")
        for seq, event in enumerate(self.events, start=1):
            if seq <= after:
                continue
            frame = f"id: {seq}\nevent: fact\ndata: {json.dumps(event)}\n\n".encode()
            await response.write(frame)
            if seq in self.cut_events:
                self.cut_events.remove(seq)
                await response.write(b'id: 99\ndata: {"half')
                await asyncio.sleep(0.05)
                assert request.transport is not None
                request.transport.abort()
                return response
        with suppress(TimeoutError):
            await asyncio.wait_for(self.closing.wait(), self.longest_quiet_s)
        return response

    # --- tus -------------------------------------------------------------------------

    async def create(self, request: web.Request) -> web.Response:
        if self.exists:
            return web.Response(status=201, headers={"Location": "files/1"})
        self.created += 1
        self.exists = True
        length = request.headers.get("Upload-Length")
        self.length = None if length is None else int(length)
        # Relative to the address asked, as the upload service gives it.
        return web.Response(status=201, headers={"Location": "files/1"})

    async def offset(self, _: web.Request) -> web.Response:
        headers = {"Upload-Offset": str(len(self.received))}
        if self.length is not None:
            headers["Upload-Length"] = str(self.length)
        return web.Response(headers=headers)

    async def append(self, request: web.Request) -> web.StreamResponse:
        if int(request.headers["Upload-Offset"]) != len(self.received):
            return problem(409, "offset-mismatch", "Ask again.")
        if "Upload-Length" in request.headers:
            self.length = int(request.headers["Upload-Length"])
        cut_at = self.cut_after.pop(0) if self.cut_after else None
        taken = 0
        async for data in request.content.iter_any():
            keep = data if cut_at is None else data[: cut_at - taken]
            self.received += keep
            taken += len(keep)
            if self.stall_after is not None and taken >= self.stall_after:
                self.stall_after = None
                self.stalled.set()
                await self.closing.wait()
            if cut_at is not None and taken >= cut_at:
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
        return web.Response(status=204, headers={"Upload-Offset": str(len(self.received))})


def problem(status: int, code: str, detail: str) -> web.Response:
    return web.json_response(
        {"code": code, "detail": detail, "status": status},
        status=status,
        content_type="application/problem+json",
    )


@asynccontextmanager
async def running_tidings() -> AsyncIterator[SmallTidings]:
    tidings = SmallTidings()
    async with serve(tidings.app(), "127.0.0.1", 0) as url:
        tidings.url = url
        yield tidings
        tidings.closing.set()
