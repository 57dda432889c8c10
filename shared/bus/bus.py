"""One connection to NATS JetStream for a process. Comes back by itself after any outage.

nats-py is used in this package only; its errors become `UnavailableError` here. Its own way of
reconnecting is not used: calls under way would wait out their whole time-out, and a handshake cut
short can leave it neither connected nor trying. A lost connection is replaced by a new one.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js import errors as js_errors

from shared import log
from shared.bus import metrics
from shared.errors import DeniedError, UnavailableError

MINIMUM_SERVER: Final = (2, 12)
API_TIMEOUT_S: Final = 5.0
CONNECT_TIMEOUT_S: Final = 5
PING_INTERVAL_S: Final = 10
FIRST_DELAY_S: Final = 0.05
LONGEST_DELAY_S: Final = 2.0

_T = TypeVar("_T")


class BusUnavailableError(UnavailableError):
    """The message bus does not answer at the moment; it is worth trying again."""

    code = "bus-unavailable"


class BusRefusedError(DeniedError):
    """The message bus refuses these credentials."""

    code = "bus-refused"


class ServerTooOldError(DeniedError):
    """The NATS server is too old: version 2.12 or newer is needed."""

    code = "bus-too-old"


def growing_delay(attempt: int, *, base_s: float, cap_s: float) -> float:
    """Return ``base·2^(attempt-1)``, at most ``cap_s``, with a fifth of jitter."""
    delay_s = min(cap_s, base_s * 2.0 ** min(attempt - 1, 30))
    return delay_s * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, guards nothing


class Bus:
    """A connection with its JetStream. Use ``connect``; ``close`` when done."""

    def __init__(self, url: str, *, service: str, credentials_file: Path | None) -> None:
        self.service = service
        self._servers = [server.strip() for server in url.split(",")]
        self._credentials_file = credentials_file
        self._client = Client()
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._back = asyncio.Event()
        self._closing = False
        self._reopening: asyncio.Task[None] | None = None
        self._on_back: set[Callable[[], None]] = set()

    @classmethod
    async def connect(cls, url: str, *, service: str, credentials_file: Path | None = None) -> Self:
        """Connect, waiting as long as no server is there.

        Raises BusRefusedError for bad credentials and ServerTooOldError for a server before 2.12.
        ``url`` may name several servers of a cluster, separated by commas.
        """
        bus = cls(url, service=service, credentials_file=credentials_file)
        await bus._open_until_there()
        return bus

    @property
    def client(self) -> Client:
        """The connection of the moment; after an outage it is another one."""
        return self._client

    @property
    def jetstream(self) -> JetStreamContext:
        """JetStream on the connection of the moment."""
        return self._client.jetstream(timeout=API_TIMEOUT_S)

    @property
    def is_healthy(self) -> bool:
        """True while connected."""
        return self._back.is_set()

    def when_back(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back after every outage; the returned function ends that."""
        self._on_back.add(callback)
        return lambda: self._on_back.discard(callback)

    async def until_back(self) -> None:
        """Wait while the connection is lost."""
        await self._back.wait()

    async def publish(
        self,
        subject: str,
        payload: bytes,
        *,
        message_id: str,
        headers: Mapping[str, str] | None = None,
    ) -> int:
        """Return the stream's sequence once it has stored the message; UnavailableError otherwise.

        The same ``message_id`` again within the stream's duplicate window is stored once.
        """
        all_headers = {**(headers or {}), "Nats-Msg-Id": message_id}
        ack = await self.call(
            lambda: self.jetstream.publish(
                subject, payload, timeout=API_TIMEOUT_S, headers=all_headers
            )
        )
        return int(ack.seq)

    async def answer(self, reply: str, payload: bytes, *, confirmed: bool = False) -> None:
        """Answer a delivery, on whichever connection there is now; UnavailableError if none.

        With ``confirmed`` the server has taken note when this returns.
        """
        if confirmed:
            await self.call(lambda: self._client.request(reply, payload, timeout=API_TIMEOUT_S))
        else:
            await self.call(lambda: self._client.publish(reply, payload))

    async def call(self, make_call: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """Make one call to the server; UnavailableError as soon as the connection is lost.

        JetStream's refusals (`nats.js.errors.APIError`) of class 4xx pass, for the caller to judge.
        """
        if not self.is_healthy:
            raise BusUnavailableError
        work = asyncio.ensure_future(make_call())
        try:
            either: set[asyncio.Future[Any]] = {work, self._lost}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise BusUnavailableError
            return work.result()
        except (js_errors.NotFoundError, js_errors.BadRequestError):
            raise
        except (nats.errors.Error, js_errors.Error, TimeoutError, OSError) as exc:
            raise BusUnavailableError from exc
        finally:
            work.cancel()

    async def close(self) -> None:
        """Send what is buffered, then disconnect. Never raises because the server is gone."""
        self._closing = True
        self._back.clear()
        if self._reopening is not None:
            self._reopening.cancel()
            await asyncio.gather(self._reopening, return_exceptions=True)
        await _end(self._client)
        metrics.CONNECTED.labels(self.service).set(0)

    async def _open_until_there(self) -> None:
        attempt = 0
        while True:
            attempt += 1
            try:
                await self._open()
            except BusUnavailableError as exc:
                log.get().info("bus not there yet", attempt=attempt, error=log.describe(exc))
            else:
                return
            await asyncio.sleep(growing_delay(attempt, base_s=FIRST_DELAY_S, cap_s=LONGEST_DELAY_S))

    async def _open(self) -> None:
        """Replace the connection by a new, proven one."""
        client = Client()
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            await client.connect(**self._options(client, lost))
            # nats-py takes a connection that ended in the middle of the handshake for a good one.
            await client.flush(timeout=CONNECT_TIMEOUT_S)
            _check_version(client)
        except nats.errors.Error as exc:
            await _end(client)
            if _is_refusal(exc):
                raise BusRefusedError from exc
            raise BusUnavailableError from exc
        except (OSError, TimeoutError) as exc:
            await _end(client)
            raise BusUnavailableError from exc
        except BaseException:
            await _end(client)
            raise
        if lost.done():
            # It ended while we looked at it, and `_on_closed` did not know it for ours yet.
            raise BusUnavailableError
        self._client, self._lost = client, lost
        self._back.set()
        metrics.CONNECTED.labels(self.service).set(1)

    def _options(self, client: Client, lost: asyncio.Future[None]) -> dict[str, Any]:
        return {
            "servers": list(self._servers),
            "name": f"tidings-{self.service}",
            "inbox_prefix": f"_INBOX_{self.service}",
            "allow_reconnect": False,
            "connect_timeout": CONNECT_TIMEOUT_S,
            "ping_interval": PING_INTERVAL_S,
            "max_outstanding_pings": 2,
            "error_cb": self._on_error,
            "closed_cb": partial(self._on_closed, client, lost),
            "user_credentials": str(self._credentials_file) if self._credentials_file else None,
        }

    async def _on_error(self, error: Exception) -> None:
        log.get().warning("bus error", error=type(error).__name__, detail=str(error)[:200])

    async def _on_closed(self, client: Client, lost: asyncio.Future[None]) -> None:
        if not lost.done():
            lost.set_result(None)
        if client is not self._client or self._closing:
            return
        self._back.clear()
        metrics.CONNECTED.labels(self.service).set(0)
        log.get().warning("bus lost")
        self._reopening = asyncio.get_running_loop().create_task(self._reopen())

    async def _reopen(self) -> None:
        attempt = 0
        while not self.is_healthy:
            attempt += 1
            try:
                await self._open_until_there()
            except DeniedError as exc:
                # A person may be replacing the credential; /readyz tells meanwhile.
                log.get().error("bus refused us", code=exc.code)
                await asyncio.sleep(growing_delay(attempt, base_s=1.0, cap_s=30.0))
        log.get().info("bus is back")
        for callback in tuple(self._on_back):
            callback()


async def _end(client: Client) -> None:
    """Close a client in any state; nats-py leaves the socket of a failed connect open."""
    try:
        if client.is_connected:
            await client.flush(timeout=2)
        await client.close()
    except (nats.errors.Error, OSError, TimeoutError) as exc:
        log.get().info("bus did not close cleanly", error=type(exc).__name__)


def _check_version(client: Client) -> None:
    version = client.connected_server_version
    if (version.major, version.minor) < MINIMUM_SERVER:
        raise ServerTooOldError(
            f"The NATS server is {version.major}.{version.minor}; it must be 2.12 or newer."
        )


def _is_refusal(exc: nats.errors.Error) -> bool:
    """Tell a refused credential from a broken line: nats-py has one class for both here."""
    text = str(exc).lower()
    return isinstance(exc, nats.errors.AuthorizationError) or "authorization violation" in text
