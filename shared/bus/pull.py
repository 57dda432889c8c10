"""Pulls messages of one durable consumer, asking again by itself after silence and errors.

nats-py's own ``fetch`` waits out its whole time-out when the server restarts meanwhile; here a new
connection or two missed heartbeats are enough to ask anew.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from shared import log
from shared.bus.bus import Bus, BusUnavailableError, growing_delay

EXPIRES_S: Final = 30.0
HEARTBEAT_S: Final = 5.0
SILENCE_S: Final = HEARTBEAT_S * 2.5
LONGEST_DELAY_S: Final = 5.0
LEAST_S: Final = 0.01
"""What waits at the server already comes within this."""

_HEARTBEAT: Final = "100"
_NOTHING_MORE: Final = frozenset({"404", "408"})


class Pull:
    """One request at a time is open at the server, never for more than the caller has room for."""

    def __init__(self, bus: Bus, *, stream: str, durable: str) -> None:
        self._bus = bus
        self._durable = durable
        self._next_subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
        self._arrived: asyncio.Queue[Msg | None] = asyncio.Queue()
        self._expected = 0
        self._failures = 0
        self._client: Client | None = None
        self._inbox: Subscription | None = None
        self._forget: Callable[[], None] = bus.when_back(self._ask_anew)

    async def next(self, room: int, wait_s: float | None = None) -> Msg | None:
        """Wait for a message, asking the server for up to ``room``; None after ``wait_s``.

        The request stays open meanwhile: whoever comes back soon gets what came.
        """
        return await self._within(wait_s, room, EXPIRES_S)

    async def more(self, room: int, wait_s: float) -> Msg | None:
        """Return what else comes within ``wait_s``, or None; nothing is asked for any longer.

        Whoever then works for long keeps no messages waiting that others have time for.
        """
        wait_s = max(wait_s, LEAST_S)
        return await self._within(wait_s, room, wait_s)

    async def _within(self, wait_s: float | None, room: int, expires_s: float) -> Msg | None:
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while True:
                    message = await self._arrival(room, expires_s)
                    if message is not None:
                        return message
        return None

    async def _arrival(self, room: int, expires_s: float) -> Msg | None:
        """Wait for a message or a reason to ask anew."""
        if self._expected == 0 and self._arrived.empty():
            await self._ask(room, expires_s)
        silence = asyncio.timeout(SILENCE_S)
        try:
            # Unlike wait_for, a timeout around get() never loses what arrived at the last moment.
            async with silence:
                message = await self._arrived.get()
        except TimeoutError:
            if not silence.expired():
                raise
            self._expected = 0
            return None
        if message is None:
            self._expected = 0
            return None
        if status := (message.headers or {}).get("Status"):
            await self._on_status(status, message)
            return None
        self._expected = max(0, self._expected - 1)
        self._failures = 0
        return message

    async def close(self) -> list[Msg]:
        """Stop asking; return what arrived and was not taken."""
        self._forget()
        inbox = self._inbox
        if inbox is not None and self._client is self._bus.client:
            with suppress(BusUnavailableError):
                await self._bus.call(inbox.unsubscribe)
        left: list[Msg] = []
        while not self._arrived.empty():
            message = self._arrived.get_nowait()
            if message is not None and not (message.headers or {}).get("Status"):
                left.append(message)
        return left

    def _ask_anew(self) -> None:
        self._arrived.put_nowait(None)

    async def _ask(self, room: int, expires_s: float) -> None:
        request = {"batch": room, "expires": int(expires_s * 1e9)}
        if expires_s > 2 * HEARTBEAT_S:
            # The server refuses one that would come but once.
            request["idle_heartbeat"] = int(HEARTBEAT_S * 1e9)
        try:
            inbox = await self._subscribed()
            await self._bus.call(
                lambda: self._bus.client.publish(
                    self._next_subject, json.dumps(request).encode(), inbox.subject
                )
            )
        except BusUnavailableError:
            await self._bus.until_back()
            return
        self._expected = room

    async def _subscribed(self) -> Subscription:
        """Subscribe once per connection."""
        client = self._bus.client
        if self._inbox is None or self._client is not client:
            self._inbox = await self._bus.call(
                lambda: client.subscribe(client.new_inbox(), cb=self._arrived.put)
            )
            self._client = client
        return self._inbox

    async def _on_status(self, status: str, message: Msg) -> None:
        if status == _HEARTBEAT:
            return
        self._expected = 0
        if status not in _NOTHING_MORE:
            # 409: the consumer changed or moved to another server; 503: nobody answers for it.
            await self._pause((message.headers or {}).get("Description", status))

    async def _pause(self, reason: str) -> None:
        self._failures += 1
        log.get().warning("pull waits", consumer=self._durable, reason=reason)
        await asyncio.sleep(growing_delay(self._failures, base_s=0.1, cap_s=LONGEST_DELAY_S))
