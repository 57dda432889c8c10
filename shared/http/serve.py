"""Serves an application for as long as a block runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from shared import log
from shared.errors import UnavailableError

#: Requests that still run when we stop get this long.
GRACE_S = 5.0


@asynccontextmanager
async def serve(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Listen on host and port (0: any free one) and give the address, e.g. ``http://127.0.0.1:8080``.

    Raises ``UnavailableError`` when the port is taken or may not be used.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=GRACE_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as exc:
            raise UnavailableError(f"Cannot listen on {host}:{port}: {exc.strerror}.") from exc
        bound = runner.addresses[0][1]
        log.get().info("listening", host=host, port=bound)
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{bound}"
    finally:
        await runner.cleanup()
