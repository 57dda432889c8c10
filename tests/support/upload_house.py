"""The upload service in this process, on real servers and files, spoken to over HTTP."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from uuid import UUID, uuid4

import aiohttp
from aiohttp import web
from yarl import URL

from services.upload.app import Ground, ground, http_app
from services.upload.settings import Settings
from shared.clock import SystemClock
from shared.db import Database
from shared.http.serve import serve
from shared.http.tokens import TokenSigner, make_key_pair

TUS = {"Tus-Resumable": "1.0.0"}
PATCH_TYPE = "application/offset+octet-stream"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Any
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def code(self) -> str:
        return str(self.problem["code"])

    @property
    def offset(self) -> int:
        return int(self.headers["Upload-Offset"])


@dataclass(kw_only=True)
class Claims:
    """What a token for an upload says."""

    team_id: UUID = field(default_factory=uuid4)
    thread_id: UUID = field(default_factory=uuid4)
    update_id: UUID = field(default_factory=uuid4)
    recording_id: UUID = field(default_factory=uuid4)
    member_id: UUID = field(default_factory=uuid4)
    language: str | None = None
    max_bytes: int = 1 << 30
    max_seconds: int = 3600

    def as_json(self) -> dict[str, Any]:
        return {
            name: str(value) if isinstance(value, UUID) else value
            for name, value in vars(self).items()
        }


class Keys:
    """Signs tokens as the workspace does."""

    def __init__(self, folder: Path) -> None:
        private, public = make_key_pair()
        self.public_file = folder / "token-public.pem"
        self.public_file.write_bytes(public)
        self.signer = TokenSigner(private, "workspace", SystemClock())

    def upload_token(self, claims: Claims, ttl_s: int = 600) -> str:
        return self.signer.sign("upload", claims.as_json(), ttl_s)

    def media_token(self, recording_id: UUID, kind: str = "*", ttl_s: int = 600) -> str:
        claims = {"recording_id": str(recording_id), "kind": kind}
        return self.signer.sign("media", claims, ttl_s)


class UploadClient:
    """A tus client made of single requests, holding one token."""

    def __init__(
        self, http: aiohttp.ClientSession, url: str, token: str, recording_id: UUID
    ) -> None:
        self.http = http
        self.url = url
        self.recording_id = recording_id
        self.location = f"{url}/files/{recording_id}"
        self.headers = {**TUS, "Authorization": f"Bearer {token}"}

    async def ask(
        self, method: str, url: str, headers: dict[str, str | None] | None = None, data: Any = None
    ) -> Answer:
        """Send the usual headers, changed by ``headers``; None leaves one out."""
        merged = {**self.headers, **(headers or {})}
        sent = {name: value for name, value in merged.items() if value is not None}
        async with self.http.request(method, url, headers=sent, data=data) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def create(self, length: int | None = None, data: Any = None, **headers: str) -> Answer:
        size = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
        kind = {} if data is None else {"Content-Type": PATCH_TYPE}
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.ask("POST", f"{self.url}/files", {**size, **kind, **more}, data)

    async def head(self) -> Answer:
        return await self.ask("HEAD", self.location)

    async def patch(self, offset: int, data: Any = b"", **headers: str | None) -> Answer:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        usual = {"Content-Type": PATCH_TYPE, "Upload-Offset": str(offset)}
        return await self.ask("PATCH", self.location, {**usual, **more}, data)

    async def delete(self) -> Answer:
        return await self.ask("DELETE", self.location)


class OpenPatch:
    """A PATCH whose body is sent by hand, so that it can stall or be cut anywhere."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def begin(cls, client: UploadClient, offset: int, **headers: str) -> Self:
        """Send the head of the request. Without Content_Length the body is chunked."""
        address = URL(client.location)
        reader, writer = await asyncio.open_connection(address.host, address.port)
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        if "Content-Length" not in more:
            more["Transfer-Encoding"] = "chunked"
        lines = {
            "Host": address.authority,
            **client.headers,
            "Content-Type": PATCH_TYPE,
            "Upload-Offset": str(offset),
            **more,
        }
        head = [f"PATCH {address.path} HTTP/1.1", *(f"{k}: {v}" for k, v in lines.items())]
        writer.write(("\r\n".join(head) + "\r\n\r\n").encode())
        patch = cls(reader, writer)
        patch.is_chunked = "Content-Length" not in more
        return patch

    is_chunked: bool = True

    async def send(self, piece: bytes) -> None:
        framed = b"%x\r\n%b\r\n" % (len(piece), piece) if self.is_chunked else piece
        self._writer.write(framed)
        await self._writer.drain()

    async def finish(self) -> int:
        """End the body and return the status of the answer."""
        if self.is_chunked:
            self._writer.write(b"0\r\n\r\n")
        return await self.status()

    async def status(self) -> int:
        """Wait for the answer and return its status; 0 when the line was closed without one."""
        line = await self._reader.readline()
        return int(line.split()[1]) if line else 0

    def cut(self) -> None:
        """Reset the connection."""
        self._writer.transport.abort()

    async def close(self) -> None:
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


def noise(size_bytes: int) -> bytes:
    """Return bytes that do not compress, the same ones every time."""
    return random.Random(size_bytes).randbytes(size_bytes)  # noqa: S311 - guards nothing


async def until(claim: Callable[[], Awaitable[bool]], timeout_s: float = 10.0) -> None:
    """Wait until the claim holds, or fail."""
    async with asyncio.timeout(timeout_s):
        while not await claim():  # noqa: ASYNC110 - what is watched is in another process
            await asyncio.sleep(0.01)


class UploadHouse:
    """One replica with what it stands on."""

    def __init__(
        self, parts: Ground, app: web.Application, url: str, keys: Keys, http: aiohttp.ClientSession
    ) -> None:
        self.parts = parts
        self.app = app
        self.url = url
        self.keys = keys
        self.http = http

    @property
    def database(self) -> Database:
        return self.parts.database

    def client(self, claims: Claims | None = None, ttl_s: int = 600) -> UploadClient:
        claims = claims or Claims()
        token = self.keys.upload_token(claims, ttl_s)
        return UploadClient(self.http, self.url, token, claims.recording_id)

    async def stored(self, recording_id: UUID) -> bytes:
        """Return the parts put together, as the ledger says."""
        rows = await self.database.fetch(
            "SELECT key FROM part WHERE recording_id = $1 ORDER BY number", recording_id
        )
        pieces = [piece for row in rows async for piece in self.parts.blobs.read(row["key"])]
        return b"".join(pieces)

    async def blob_keys(self, recording_id: UUID) -> list[str]:
        return [key async for key in self.parts.blobs.list(f"recordings/{recording_id}/")]

    async def said(self) -> list[tuple[str, dict[str, Any]]]:
        """Return type and data of every message, in order."""
        rows = await self.database.fetch("SELECT payload FROM outbox ORDER BY id")
        envelopes = [json.loads(row["payload"]) for row in rows]
        return [(e["type"].removeprefix("tidings."), e["data"]) for e in envelopes]


def upload_settings(
    *, database_url: str, nats_url: str, blobs: Path, keys: Keys, **more: Any
) -> Settings:
    """Return settings of a replica that answers quickly."""
    usual = {"part_bytes": 64 << 10, "flush_s": 0.1, "http_port": 0, "instance": "test"}
    return Settings(
        database_url=database_url,
        nats_url=nats_url,
        blob_url=f"file://{blobs}",
        token_public_key_file=keys.public_file,
        **{**usual, **more},
    )


@asynccontextmanager
async def running_upload(settings: Settings, keys: Keys) -> AsyncIterator[UploadHouse]:
    """Serve one replica; no relay, runner or sweeper moves unless a test does it."""
    async with ground(settings) as parts, aiohttp.ClientSession() as http:
        app = http_app(parts)
        async with serve(app, "127.0.0.1", 0) as url:
            yield UploadHouse(parts, app, url, keys, http)
