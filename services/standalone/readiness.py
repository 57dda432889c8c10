"""Waits until servers and services answer; how long to wait is for the caller to say."""

import asyncio
from contextlib import suppress

import aiohttp
import asyncpg

from services.standalone.nats import NatsServer
from services.standalone.postgres import DATABASE, PostgresServer

ASK_EVERY_S = 0.05
NATS_GREETING = b"INFO"


async def wait_for_postgres(server: PostgresServer) -> None:
    """Return when the server takes connections; make our database if it is missing."""
    while True:
        try:
            connection = await asyncpg.connect(server.url("postgres"), timeout=5)
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
            await asyncio.sleep(ASK_EVERY_S)
            continue
        try:
            known = await connection.fetchval(
                "SELECT 1 FROM pg_database WHERE datname = $1", DATABASE
            )
            if not known:
                await connection.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            await connection.close()
        return


async def wait_for_nats(server: NatsServer) -> None:
    """Return when the server greets."""
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            try:
                if await reader.read(len(NATS_GREETING)) == NATS_GREETING:
                    return
            finally:
                writer.close()
        await asyncio.sleep(ASK_EVERY_S)


async def wait_for_service(session: aiohttp.ClientSession, url: str) -> None:
    """Return when the service at this address says it can do its work."""
    # Another process cannot set an event of ours, so we ask.
    while not await is_ready(session, url):  # noqa: ASYNC110
        await asyncio.sleep(ASK_EVERY_S)


async def is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    """Return whether the service at this address says it can do its work."""
    try:
        async with session.get(f"{url}/readyz") as reply:
            return reply.ok
    except (OSError, aiohttp.ClientError, TimeoutError):
        return False
