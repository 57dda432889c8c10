"""The message bus: say it in your transaction, hear it once, whatever dies in between."""

from shared.bus.bus import Bus
from shared.bus.delivery import AlreadyDoneError, BatchHandler, Delivery, Handler, Release
from shared.bus.outbox import enqueue
from shared.bus.passing import mention
from shared.bus.relay import Relay
from shared.bus.runner import Runner

__all__ = [
    "AlreadyDoneError",
    "BatchHandler",
    "Bus",
    "Delivery",
    "Handler",
    "Relay",
    "Release",
    "Runner",
    "enqueue",
    "mention",
]
