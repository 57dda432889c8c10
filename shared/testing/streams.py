"""Empties a nats-server that several tests share."""

from contextlib import suppress

from nats.js.errors import NotFoundError

from shared.bus import Bus
from shared.bus.provision import provision
from shared.contracts import registry


async def remove_streams(admin: Bus) -> None:
    """Remove every stream of ours, with whatever rules a test gave it."""
    for stream in (registry.FACTS_STREAM, registry.WISHES_STREAM, registry.DEAD_STREAM):
        with suppress(NotFoundError):
            await admin.jetstream.delete_stream(stream)


async def fresh_streams(admin: Bus) -> None:
    """Leave empty streams, as the registry wants them."""
    await remove_streams(admin)
    await provision(admin)
