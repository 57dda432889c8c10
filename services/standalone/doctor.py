"""`tidings doctor`: says in plain words what is missing or wrong, and what to do about it.

Changes nothing but a probe it writes and removes. `examine` gives the findings, in a fixed order.
"""

import asyncio

from services.standalone.doctor_house import (
    check_blobs,
    check_bus,
    check_database,
    check_outside,
    check_services,
)
from services.standalone.doctor_machine import (
    check_clock,
    check_ffmpeg,
    check_home,
    check_model,
    check_nats_program,
    check_ports,
    check_postgres_program,
    check_processor,
    check_python,
    check_second_model,
)
from services.standalone.findings import Finding, Verdict, failed, warn
from services.standalone.home import Home
from services.standalone.household import Household
from services.standalone.places import Places
from services.standalone.settings import StandaloneSettings
from shared.errors import TidingsError

__all__ = ["Finding", "Verdict", "examine"]


async def examine(settings: StandaloneSettings) -> list[Finding]:
    """Examine the machine, and the Tidings of this home if it runs."""
    home = Home(settings.home)
    is_running = home.is_in_use()
    found = [
        check_python(),
        await check_postgres_program(),
        *([await check_nats_program()] if settings.nats_url is None else []),
        await check_ffmpeg(),
        await asyncio.to_thread(check_model, settings),
        *(await _examine_second_model(settings)),
        check_processor(),
        check_clock(),
        await asyncio.to_thread(check_home, settings),
        check_ports(settings, is_running=is_running),
    ]
    return [*found, *await _examine_house(settings, home, is_running=is_running)]


async def _examine_second_model(settings: StandaloneSettings) -> list[Finding]:
    if settings.second_model is None:
        return []
    return [await asyncio.to_thread(check_second_model, settings.second_model)]


async def _examine_house(
    settings: StandaloneSettings, home: Home, *, is_running: bool
) -> list[Finding]:
    if not is_running:
        asleep = warn("running", f"No Tidings runs in {home.path}: start it with `make run`.")
        return [asleep, *await check_outside(settings)]
    try:
        places = Places.of(settings, home, home.running_servers())
    except TidingsError as error:
        return [failed("running", error)]
    return list(
        await asyncio.gather(
            check_database(places.database),
            check_bus(places.bus),
            check_blobs(places.blob_url, settings),
            check_services(Household(settings, home, places)),
        )
    )
