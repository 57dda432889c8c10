"""A TCP proxy that breaks lines: after so many bytes from the client, by closing or by a reset."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from enum import StrEnum

READ_BYTES = 64 << 10
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Cut(StrEnum):
    """How a line breaks."""

    CLOSE = "close"  # both sides see an orderly end
    RESET = "reset"  # both sides see a reset
    SILENCE = "silence"  # the client sees a reset, the server nothing at all


class CuttingProxy:
    """Forwards to ``target_port`` and cuts as planned: (bytes that still pass to the server, how).

    A connection that carries fewer bytes leaves its plan to the next; without plans nothing is cut.
    """

    def __init__(self, target_port: int, plans: Iterable[tuple[int, Cut]] = ()) -> None:
        self.target_port = target_port
        self.cuts = 0
        self._plans = list(plans)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._silenced: list[asyncio.StreamWriter] = []

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        # A line accepted just now becomes a task only in the loop's next rounds.
        for _ in range(3):
            await asyncio.sleep(0)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._silenced:
            writer.transport.abort()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            # Only `stop` cancels, and asyncio's server would report it as an error.
            with suppress(asyncio.CancelledError):
                await self._forward(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            to = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            return  # The server is away; the client sees its line end.
        back = asyncio.create_task(_pump(to[0], writer))
        there = asyncio.create_task(self._pass_on(reader, writer, to[1]))
        try:
            # Whichever side ends first ends the line: HTTP has no use for half of one.
            await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            there.cancel()
            back.cancel()
            # Before anything is awaited: `stop` may cancel the end of a line as well.
            if to[1] not in self._silenced:
                to[1].transport.abort()
            await asyncio.gather(there, back, return_exceptions=True)

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        client: asyncio.StreamWriter,
        server: asyncio.StreamWriter,
    ) -> None:
        passed = 0
        with suppress(ConnectionError):
            while piece := await reader.read(READ_BYTES):
                if self._plans and passed + len(piece) > self._plans[0][0]:
                    allowed, how = self._plans.pop(0)
                    server.write(piece[: max(0, allowed - passed)])
                    await server.drain()
                    self._break(how, client, server)
                    return
                passed += len(piece)
                server.write(piece)
                await server.drain()

    def _break(self, how: Cut, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.cuts += 1
        if how is Cut.SILENCE:
            self._silenced.append(server)
            _reset(client)
        elif how is Cut.RESET:
            _reset(client)
            _reset(server)
        else:
            client.close()
            server.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    line: socket.socket = writer.get_extra_info("socket")
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await reader.read(READ_BYTES):
            writer.write(piece)
            await writer.drain()


@asynccontextmanager
async def cutting_proxy(
    target_port: int, plans: Iterable[tuple[int, Cut]] = ()
) -> AsyncIterator[CuttingProxy]:
    """Give a running proxy."""
    proxy = CuttingProxy(target_port, plans)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
