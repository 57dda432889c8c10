"""Talks to the public HTTP API as any other client would."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from services.cli.exits import CommandError, Exit, exit_of, unreachable

Json = dict[str, Any]
FIRST_ERROR_STATUS = 400
#: How long a server that does not answer is asked again, and how often.
PATIENCE_S = 120.0
RETRY_S = 1.0
TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=5)


class Api:
    """A signed-in client. Every failure is a ``CommandError`` that says what to do."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        """Use a session that carries the token."""
        self.session = session
        self.url = url.rstrip("/")

    async def get(self, path: str, **query: str | int | None) -> Json:
        """Fetch one document."""
        given = {name: str(value) for name, value in query.items() if value is not None}
        return await self._call("GET", path, query=given)

    async def patiently(self, path: str) -> Json:
        """Fetch one document, also from a server that is just being started again."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + PATIENCE_S
        while True:
            try:
                return await self.get(path)
            except CommandError as refusal:
                if refusal.status is not Exit.UNREACHABLE or loop.time() > until_s:
                    raise
            await asyncio.sleep(RETRY_S)

    async def post(self, path: str, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Send one document; with a key it may be repeated without a second effect."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self._call("POST", path, body=body, headers=headers)

    async def pages(self, path: str, **query: str | int | None) -> AsyncIterator[Json]:
        """Give every item of a list, page after page."""
        cursor: str | None = None
        while True:
            page = await self.get(path, cursor=cursor, **query)
            for item in page["items"]:
                yield item
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    async def fetch_bytes(self, path: str, **query: str) -> bytes:
        """Fetch something that is not JSON."""
        try:
            async with self.session.get(f"{self.url}{path}", params=query) as response:
                await refuse_error(response)
                return await response.read()
        except (aiohttp.ClientError, TimeoutError) as exc:
            raise unreachable(self.url) from exc

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        try:
            async with self.session.request(
                method, f"{self.url}{path}", params=query, json=body, headers=headers
            ) as response:
                await refuse_error(response)
                document = await response.json()
        except (aiohttp.ClientError, TimeoutError) as exc:
            raise unreachable(self.url) from exc
        if not isinstance(document, dict):
            raise CommandError("The server answered something unexpected.")
        return document


@asynccontextmanager
async def open_api(url: str, token: str | None) -> AsyncIterator[Api]:
    """Give an API client for as long as a block runs."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        session.headers.update(headers)
        yield Api(session, url)


async def refuse_error(response: aiohttp.ClientResponse) -> None:
    """Raise for an error reply, in the words of its problem document if it has one."""
    if response.status < FIRST_ERROR_STATUS:
        return
    status = exit_of(response.status)
    problem: Json = {}
    if response.content_type.endswith("json"):
        loaded = await response.json(content_type=None)
        problem = loaded if isinstance(loaded, dict) else {}
    sentence = str(problem.get("detail") or f"The server answered {response.status}.")
    if errors := problem.get("errors"):
        named = ", ".join(f"{error['field']}: {error['code']}" for error in errors)
        sentence = f"{sentence} ({named})"
    if status is Exit.DENIED:
        sentence = f"{sentence} Set TIDINGS_TOKEN to a token that is valid for this."
    raise CommandError(sentence, status, code=str(problem.get("code", f"http-{response.status}")))
