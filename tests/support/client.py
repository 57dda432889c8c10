"""A plain HTTP client of a running Tidings, as an integrator would write one."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

TUS = {"Tus-Resumable": "1.0.0"}
PATCH_TYPE = "application/offset+octet-stream"
LONGEST_LINE_BYTES = 1 << 20

Json = dict[str, Any]


class ApiError(Exception):
    """The server answered with a problem."""

    def __init__(self, status: int, problem: Json) -> None:
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')}")
        self.status = status
        self.code = problem.get("code")
        self.problem = problem


class TooManyRequestsError(ApiError):
    """The server asks for patience."""


@dataclass
class Tidings:
    """One person's view of a running Tidings."""

    http: aiohttp.ClientSession
    url: str
    token: str

    async def call(self, method: str, path: str, **options: Any) -> Any:
        """Return the JSON answer, the text of anything else, None for 204; raise ApiError."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        url = path if path.startswith("http") else self.url + path
        async with self.http.request(method, url, headers=headers, **options) as answer:
            kind = answer.content_type
            body = await (answer.json() if kind.endswith("json") else answer.text())
            if answer.status >= 400:
                refusal = TooManyRequestsError if answer.status == 429 else ApiError
                raise refusal(answer.status, body if isinstance(body, dict) else {"detail": body})
            return body or None

    async def first_thread(self) -> str:
        """Return the id of the thread every new house has."""
        team = (await self.call("GET", "/api/v1/teams"))["items"][0]["id"]
        threads = await self.call("GET", f"/api/v1/teams/{team}/threads")
        return str(threads["items"][0]["id"])

    async def open_update(self, thread_id: str, *, key: str | None = None, **fields: Any) -> Json:
        """Ask for a new update; the answer has `update` and, for a recording, `upload`."""
        body = {"kind": "recording", **fields}
        headers = {"Idempotency-Key": key} if key else {}
        path = f"/api/v1/threads/{thread_id}/updates"
        opened: Json = await self.call("POST", path, json=body, headers=headers)
        return opened

    async def send(self, path: Path, thread_id: str, **fields: Any) -> str:
        """Upload a whole file and return the update's id."""
        content = await asyncio.to_thread(path.read_bytes)
        size = len(content)
        opened = await self.open_update(thread_id, size_bytes=size, **fields)
        location = await self.create_upload(opened["upload"], size)
        await self.patch(opened["upload"], location, 0, content)
        return str(opened["update"]["id"])

    async def create_upload(self, upload: Json, size: int | None) -> str:
        """Open the tus upload and return its address; without a size its length is deferred."""
        length = {"Upload-Defer-Length": "1"} if size is None else {"Upload-Length": str(size)}
        headers = {**TUS, **length, "Authorization": f"Bearer {upload['token']}"}
        async with self.http.post(upload["url"], headers=headers) as answer:
            if answer.status != 201:
                raise ApiError(answer.status, await answer.json(content_type=None))
            return str(answer.url.join(aiohttp.client.URL(answer.headers["Location"])))

    async def offset(self, upload: Json, location: str) -> int:
        """Return how much of the upload the server has."""
        headers = {**TUS, "Authorization": f"Bearer {upload['token']}"}
        async with self.http.head(location, headers=headers) as answer:
            if answer.status != 200:
                raise ApiError(answer.status, {"detail": "HEAD answers without a body"})
            return int(answer.headers["Upload-Offset"])

    async def patch(
        self, upload: Json, location: str, offset: int, body: bytes, **extra: str
    ) -> int:
        """Append bytes and return the new offset."""
        headers = {
            **TUS,
            "Authorization": f"Bearer {upload['token']}",
            "Content-Type": PATCH_TYPE,
            "Upload-Offset": str(offset),
            **extra,
        }
        async with self.http.patch(location, data=body, headers=headers) as answer:
            if answer.status != 204:
                raise ApiError(answer.status, await answer.json(content_type=None))
            return int(answer.headers["Upload-Offset"])

    async def update(self, update_id: str) -> Json:
        """Return the update as it is now."""
        found: Json = await self.call("GET", f"/api/v1/updates/{update_id}")
        return found

    async def wait(
        self,
        update_id: str,
        what: str = "transcript",
        timeout_s: float = 120,
    ) -> Json:
        """Return the update once `what` is settled: complete, or not to be had."""
        deadline = time.monotonic() + timeout_s
        pause_s = 0.1
        while True:
            try:
                update = await self.update(update_id)
                if is_settled(update, what):
                    return update
            except (aiohttp.ClientConnectionError, TooManyRequestsError):
                pause_s = 1.0
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} of {update_id} not settled in {timeout_s:.0f} s")
            await asyncio.sleep(pause_s)
            pause_s = min(1.0, pause_s * 1.1)

    async def newest_fact(self) -> int:
        """Return the number of what has happened last."""
        return int((await self.call("GET", "/api/v1/events?after=newest&limit=1"))["next_after"])

    async def facts(self, after: int) -> AsyncGenerator[Json, None]:
        """Yield what happened after that number and what happens, as an open page hears it."""
        headers = {"Authorization": f"Bearer {self.token}"}
        for_ever = aiohttp.ClientTimeout(total=None)
        while True:
            # The server ends a stream now and then, to check again who may read.
            url = f"{self.url}/api/v1/events?follow=true&after={after}"
            async with self.http.get(
                url, headers=headers, timeout=for_ever, read_bufsize=LONGEST_LINE_BYTES
            ) as stream:
                stream.raise_for_status()
                async for line in stream.content:
                    if line.startswith(b"id: "):
                        after = int(line[4:])
                    elif line.startswith(b"data: "):
                        yield json.loads(line[6:])

    async def transcript(self, update_id: str, kind: str = "json") -> Any:
        """Return the transcript in one of its formats."""
        return await self.call("GET", f"/api/v1/updates/{update_id}/transcript?format={kind}")


def is_settled(update: Json, what: str) -> bool:
    """Return whether nothing more will come of what is waited for."""
    states = {
        "recording": update["recording"]["state"] in {"ready", "refused", "expired"},
        "transcript": update["transcript"]["state"] in {"complete", "failed"},
        "summary": update["summary"]["state"] == "complete",
    }
    return states[what] or (what != "recording" and update["problem"] is not None)


@contextlib.asynccontextmanager
async def signed_in(url: str, token: str) -> AsyncIterator[Tidings]:
    """Open a client for one token."""
    async with aiohttp.ClientSession() as http:
        yield Tidings(http=http, url=url, token=token)
