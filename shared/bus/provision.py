"""Makes streams and consumers what the registry says, again after every change of it.

`pull_subscribe` would create a missing consumer but never update an old one, so this is done apart,
once per start of a house, with a credential that may.
"""

from dataclasses import replace
from typing import Final

import nats.errors
from nats.js import errors as js_errors
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)

from shared.bus.bus import Bus, BusUnavailableError
from shared.contracts import registry
from shared.contracts.registry import Consumer
from shared.errors import ConflictError

DAY_S: Final = 24 * 3600.0
DUPLICATE_WINDOW_S: Final = 600.0
"""Longer than a relay needs to come back and repeat what it could not mark."""
ACK_PENDING: Final = 10_000
"""Deliveries waiting for their retry count too, so a bad hour must fit."""

_STREAMS: Final = (
    StreamConfig(
        name=registry.FACTS_STREAM,
        description="What happened. Kept for 30 days, for everybody who may know.",
        subjects=["tidings.fact.>", "tidings.replay.facts.>"],
        retention=RetentionPolicy.LIMITS,
        max_age=30 * DAY_S,
        # Some facts are worth nothing a minute later and say so.
        allow_msg_ttl=True,
    ),
    StreamConfig(
        name=registry.WISHES_STREAM,
        description="Work to do. Each wish is gone when it is done.",
        subjects=["tidings.wish.>", "tidings.replay.wishes.>"],
        retention=RetentionPolicy.WORK_QUEUE,
        max_age=0,
    ),
    StreamConfig(
        name=registry.DEAD_STREAM,
        description="Messages nobody could handle, with the reason. Kept for 90 days.",
        subjects=["tidings.dead.>"],
        retention=RetentionPolicy.LIMITS,
        max_age=90 * DAY_S,
    ),
)
_STREAM_FIELDS: Final = (
    "subjects",
    "max_age",
    "duplicate_window",
    "description",
    "allow_direct",
    "allow_msg_ttl",
)
_CONSUMER_FIELDS: Final = ("filter_subjects", "ack_wait", "max_deliver", "max_ack_pending")


class StreamMismatchError(ConflictError):
    """A stream of this name keeps messages by another rule; it must be moved by hand."""

    code = "stream-mismatch"


async def provision(bus: Bus, *, replicas: int | None = None) -> list[str]:
    """Create what is missing, repair what differs, remove our consumers the registry dropped.

    Returns what was done, nothing when all was well. ``replicas`` sets how many servers of a
    cluster keep each stream; None leaves that to whoever set it. Raises StreamMismatchError, or
    UnavailableError while JetStream does not answer.
    """
    done: list[str] = []
    try:
        for stream in _STREAMS:
            done += await _settle_stream(bus, stream, replicas)
        for consumer in registry.CONSUMERS:
            done += await _settle_consumer(bus, consumer)
        done += await _remove_dropped(bus)
    except (nats.errors.Error, js_errors.Error, TimeoutError) as exc:
        if isinstance(exc, js_errors.BadRequestError):
            raise StreamMismatchError(exc.description) from exc
        raise BusUnavailableError from exc
    return done


async def _settle_stream(bus: Bus, base: StreamConfig, replicas: int | None) -> list[str]:
    wanted = replace(
        base,
        storage=StorageType.FILE,
        discard=DiscardPolicy.OLD,
        duplicate_window=DUPLICATE_WINDOW_S,
        allow_direct=True,
        allow_msg_ttl=bool(base.allow_msg_ttl),
        num_replicas=replicas or 1,
    )
    try:
        present = (await bus.jetstream.stream_info(str(wanted.name))).config
    except js_errors.NotFoundError:
        await bus.jetstream.add_stream(wanted)
        return [f"stream {wanted.name} created"]
    if present.retention != wanted.retention:
        raise StreamMismatchError(stream=wanted.name)
    if replicas is None:
        wanted = replace(wanted, num_replicas=present.num_replicas)
    fields = (*_STREAM_FIELDS, "num_replicas")
    if all(getattr(present, field) == getattr(wanted, field) for field in fields):
        return []
    await bus.jetstream.update_stream(wanted)
    return [f"stream {wanted.name} updated"]


async def _settle_consumer(bus: Bus, consumer: Consumer) -> list[str]:
    wanted = ConsumerConfig(
        durable_name=consumer.durable,
        filter_subjects=list(consumer.filter_subjects),
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=consumer.ack_wait_s,
        # We count ourselves: a message the server gave up on would lie in its stream for good.
        max_deliver=-1,
        max_ack_pending=ACK_PENDING,
    )
    try:
        info = await bus.jetstream.consumer_info(consumer.stream, consumer.durable)
    except js_errors.NotFoundError:
        await bus.jetstream.add_consumer(consumer.stream, wanted)
        return [f"consumer {consumer.durable} created"]
    present = info.config
    if present is not None and all(
        _comparable(getattr(present, field)) == _comparable(getattr(wanted, field))
        for field in _CONSUMER_FIELDS
    ):
        return []
    await bus.jetstream.add_consumer(consumer.stream, wanted)
    return [f"consumer {consumer.durable} updated"]


async def _remove_dropped(bus: Bus) -> list[str]:
    """Remove durables named after our services; on a work queue a leftover would keep its work."""
    done: list[str] = []
    for stream in (registry.FACTS_STREAM, registry.WISHES_STREAM):
        for info in await _consumers(bus, stream):
            service = info.partition("-")[0]
            if service in registry.SERVICES and info not in registry.CONSUMER_BY_DURABLE:
                await bus.jetstream.delete_consumer(stream, info)
                done.append(f"consumer {info} removed")
    return done


async def _consumers(bus: Bus, stream: str) -> list[str]:
    names: list[str] = []
    while page := await bus.jetstream.consumers_info(stream, offset=len(names)):
        names += [info.name for info in page]
    return names


def _comparable(value: object) -> object:
    return sorted(value) if isinstance(value, list) else value
