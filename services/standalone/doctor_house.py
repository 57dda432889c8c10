"""Examines a Tidings that runs: database, bus, recordings and services."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import aiohttp

from services.standalone.findings import Finding, fail, failed, ok, warn
from services.standalone.household import MEMBERS, Household
from services.standalone.places import BusPlace, DatabasePlace, outside_bus, outside_database
from services.standalone.reaching import require_bus, require_database
from services.standalone.readiness import is_ready
from services.standalone.settings import StandaloneSettings
from shared.blobs import open_blobs
from shared.bus.bus import Bus
from shared.bus.dead import list_dead
from shared.contracts import registry
from shared.contracts.registry import SERVICES
from shared.db.migrate import pending_migrations
from shared.errors import TidingsError

BUS_TIMEOUT_S = 5.0
DEAD_COUNTED = 100
_PROBE = "doctor/probe"
_STREAMS = (registry.FACTS_STREAM, registry.WISHES_STREAM, registry.DEAD_STREAM)


async def check_outside(settings: StandaloneSettings) -> list[Finding]:
    """Do the servers others run for us let us in? For a Tidings that does not run."""
    found: list[Finding] = []
    try:
        if (database := outside_database(settings)) is not None:
            await require_database(database)
            found.append(ok("database", "The database answers."))
    except TidingsError as error:
        found.append(failed("database", error))
    try:
        if (bus := outside_bus(settings)) is not None:
            await require_bus(bus)
            found.append(ok("bus", "The bus answers."))
    except TidingsError as error:
        found.append(failed("bus", error))
    return found


async def check_database(place: DatabasePlace) -> Finding:
    """Does the database answer, with the schema this version needs?"""
    try:
        await require_database(place)
        pending = await pending_migrations(place.admin_url, services=SERVICES)
    except TidingsError as error:
        return failed("database", error)
    if pending:
        return fail(
            "database",
            f"The database lacks {len(pending)} migrations: stop Tidings and start it again.",
        )
    return ok("database", "The database answers and its schema is current.")


async def check_bus(place: BusPlace) -> Finding:
    """Does the bus answer, with the streams and consumers the contracts want, and nothing dead?"""
    try:
        await require_bus(place)
        async with asyncio.timeout(BUS_TIMEOUT_S):
            bus = await Bus.connect(
                place.url, service="admin", credentials_file=place.credentials_file("admin")
            )
            try:
                drift = await _drift(bus)
                dead = [] if drift else await list_dead(bus, limit=DEAD_COUNTED)
            finally:
                await bus.close()
    except TimeoutError:
        return fail("bus", f"The bus does not answer: {place.remedy}.")
    except TidingsError as error:
        return failed("bus", error)
    if drift:
        return fail(
            "bus",
            f"The bus is not as the contracts want it ({', '.join(drift)}): stop Tidings and "
            "start it again, which repairs that.",
        )
    if dead:
        count = f"{len(dead)}{' or more' if len(dead) == DEAD_COUNTED else ''}"
        return warn(
            "bus",
            f"{count} messages could not be handled: see them with `tidings dead list`, and send "
            "them again with `tidings dead replay` when their reason is gone.",
        )
    return ok("bus", "The bus answers, its streams and consumers are right, no message is dead.")


async def check_blobs(url: str, settings: StandaloneSettings) -> Finding:
    """Can recordings be stored and read?"""
    try:
        blobs = open_blobs(url, settings.blob_access_key, settings.blob_secret)
        await blobs.put(_PROBE, b"tidings")
        content = b"".join([piece async for piece in blobs.read(_PROBE)])
        await blobs.delete([_PROBE])
    except TidingsError as error:
        return failed("recordings", error)
    if content != b"tidings":
        return fail("recordings", "The store for recordings gives back other bytes: replace it.")
    return ok("recordings", "Recordings can be stored and read.")


async def check_services(household: Household) -> Finding:
    """Can every service do its work?"""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        ready = await asyncio.gather(
            *(is_ready(session, household.url(member)) for member in MEMBERS)
        )
    waiting = [member.name for member, is_up in zip(MEMBERS, ready, strict=True) if not is_up]
    if waiting:
        return fail(
            "services",
            f"Not ready: {', '.join(waiting)}. Look for their lines in the log of `tidings up`.",
        )
    return ok("services", f"All {len(MEMBERS)} processes are ready.")


async def _drift(bus: Bus) -> list[str]:
    """Return the streams and consumers that are missing or listen to something else."""
    wrong = [
        f"no stream {stream}"
        for stream in _STREAMS
        if "error" in await _ask(bus, f"$JS.API.STREAM.INFO.{stream}")
    ]
    for consumer in registry.CONSUMERS:
        found = await _ask(bus, f"$JS.API.CONSUMER.INFO.{consumer.stream}.{consumer.durable}")
        if "error" in found:
            wrong.append(f"no consumer {consumer.durable}")
        elif _filters(found["config"]) != set(consumer.filter_subjects):
            wrong.append(f"consumer {consumer.durable} differs")
    return wrong


def _filters(config: Mapping[str, Any]) -> set[str]:
    # The server keeps a single filter under another name than several.
    one = config.get("filter_subject")
    return {one} if one else set(config.get("filter_subjects") or ())


async def _ask(bus: Bus, subject: str) -> dict[str, Any]:
    reply = await bus.call(lambda: bus.client.request(subject, b"", timeout=BUS_TIMEOUT_S))
    return dict(json.loads(reply.data))
