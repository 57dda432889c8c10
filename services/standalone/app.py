"""`tidings up`: everything on one machine, in one terminal, until Ctrl-C."""

import asyncio
import errno
import json
import os
import signal
import sys
import time
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

import aiohttp

from services.standalone.home import Home
from services.standalone.household import Household, Member
from services.standalone.leftovers import ProcessNotes, end_leftovers
from services.standalone.logview import LogView
from services.standalone.places import BusPlace, DatabasePlace, Places
from services.standalone.postgres import PostgresServer
from services.standalone.programs import listening_error
from services.standalone.reaching import database_errors, require_bus, require_database
from services.standalone.readiness import wait_for_nats, wait_for_postgres, wait_for_service
from services.standalone.settings import StandaloneSettings
from services.standalone.supervisor import Rank, StartError, Supervisor
from shared.bus.bus import Bus
from shared.bus.keys import write_secret
from shared.bus.provision import provision
from shared.contracts.registry import SERVICES
from shared.db.migrate import migrate
from shared.errors import ConflictError, InvalidError

REPORT_EVERY_S = 10.0
SAME_WISH_S = 0.5
BOOTSTRAP = "services.workspace.bootstrap"


class PortTakenError(ConflictError):
    """A port Tidings needs is taken by another program."""

    code = "port-taken"


class AddressUnusableError(InvalidError):
    """Tidings cannot listen on the address it was told to."""

    code = "address-unusable"


async def up(settings: StandaloneSettings, view: LogView | None = None) -> None:
    """Run everything until SIGINT or SIGTERM, then end it in order.

    Raises one of our errors, with a sentence for people, when it cannot start or be kept running.
    A second signal ends everything at once.
    """
    view = view or LogView()
    home = Home(settings.home)
    with home.locked():
        home.require_whole()
        await asyncio.to_thread(home.prepare, settings.minimum_free_mb)
        supervisor = Supervisor(view, ProcessNotes(home.processes))
        told = _hear_signals(supervisor, view)
        starting = asyncio.create_task(Start(settings, home, view, supervisor).run())
        waiting = asyncio.create_task(_wait_for_event(told))
        try:
            await _until_over(starting, waiting, supervisor.trouble)
        finally:
            for task in (starting, waiting):
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task
            await supervisor.stop()
    view.say("stopped")


async def _wait_for_event(event: asyncio.Event) -> None:
    await event.wait()


async def _until_over(
    starting: asyncio.Task[None], told: asyncio.Task[None], trouble: asyncio.Future[None]
) -> None:
    """Return when a signal came; raise what kept us from starting or from going on."""
    await asyncio.wait({starting, told, trouble}, return_when=asyncio.FIRST_COMPLETED)
    if starting.done() and not trouble.done():
        starting.result()
        await asyncio.wait({told, trouble}, return_when=asyncio.FIRST_COMPLETED)
    if trouble.done():
        trouble.result()


def _hear_signals(supervisor: Supervisor, view: LogView) -> asyncio.Event:
    told = asyncio.Event()
    told_at = 0.0

    def on_signal() -> None:
        nonlocal told_at
        if not told.is_set():
            view.say("stopping; Ctrl-C again ends everything at once")
            told.set()
            told_at = time.monotonic()
        # `timeout` and some terminals send one wish to stop twice, to us and to our group.
        elif time.monotonic() - told_at > SAME_WISH_S:
            supervisor.kill()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    return told


class Start:
    """One start: servers side by side, then all services side by side, then a welcome."""

    def __init__(
        self, settings: StandaloneSettings, home: Home, view: LogView, supervisor: Supervisor
    ) -> None:
        self._settings = settings
        self._home = home
        self._view = view
        self._supervisor = supervisor

    async def run(self) -> None:
        """Return when everything is ready; raise StartError when that takes too long."""
        began = time.monotonic()
        left = await asyncio.to_thread(
            end_leftovers, ProcessNotes(self._home.processes), self._home.postgres
        )
        if left:
            self._view.say(f"ended what an earlier start left running: {', '.join(left)}")
        servers = await asyncio.to_thread(self._home.servers)
        places = Places.of(self._settings, self._home, servers)
        household = Household(self._settings, self._home, places)
        members = household.members()
        self._require_ports(household, members)
        await self._in_time(self._prepare(places), "the database and the bus")
        for member in members:
            self._supervisor.start(household.program(member), Rank.SERVICE)
        sign_in_url, _ = await asyncio.gather(
            self._welcome(household), self._wait_for(household, members)
        )
        self._supervisor.settle()
        self._view.say(f"ready after {time.monotonic() - began:.1f} s: {self._settings.page_url}")
        if sign_in_url:
            self._view.say(f"sign in, once, with {sign_in_url}")
            self._view.say(f"a token for your programs is in {self._home.owner_token}")

    def _require_ports(self, household: Household, members: Sequence[Member]) -> None:
        for member in sorted(members, key=household.port):
            port, host = household.port(member), household.host(member)
            error = listening_error(port, host)
            if error is None:
                continue
            if error.errno == errno.EADDRINUSE:
                first = self._settings.port
                raise PortTakenError(
                    f"Port {port} is taken by another program: end that, or choose others with "
                    f"TIDINGS_PORT (Tidings uses {first} to {first + 6})."
                )
            raise AddressUnusableError(
                f"Tidings cannot listen on port {port} of {host} ({error.strerror}): choose an "
                "address of this machine with TIDINGS_HTTP_HOST, and ports with TIDINGS_PORT."
            )

    async def _prepare(self, places: Places) -> None:
        # Those of others first: if they will not do, nothing of ours has to be ended again.
        if places.database.own is None:
            await require_database(places.database)
        if places.bus.own is None:
            await require_bus(places.bus)
        await asyncio.gather(self._prepare_database(places.database), self._prepare_bus(places.bus))

    async def _prepare_database(self, place: DatabasePlace) -> None:
        if place.own is not None:
            await self._start_postgres(place.own)
        with database_errors(place):
            applied = await migrate(
                place.admin_url,
                services=SERVICES,
                passwords={service: self._home.password(service) for service in SERVICES},
            )
        if applied:
            self._view.say(f"brought the database up to date: {len(applied)} migrations")

    async def _start_postgres(self, server: PostgresServer) -> None:
        if not server.is_made:
            self._view.say("making the database")
            await asyncio.to_thread(server.make)
        self._supervisor.start(server.program(), Rank.DATABASE)
        await wait_for_postgres(server)

    async def _prepare_bus(self, place: BusPlace) -> None:
        if place.own is not None:
            self._supervisor.start(await asyncio.to_thread(place.own.program), Rank.BUS)
            await wait_for_nats(place.own)
        admin = place.credentials_file("admin")
        bus = await Bus.connect(place.url, service="admin", credentials_file=admin)
        try:
            changed = await provision(bus)
        finally:
            await bus.close()
        if changed:
            self._view.say(f"brought the bus up to date: {len(changed)} changes")

    async def _wait_for(self, household: Household, members: Sequence[Member]) -> None:
        timeout = aiohttp.ClientTimeout(total=3)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            waits = [
                self._in_time(wait_for_service(session, household.url(member)), member.name)
                for member in members
            ]
            await asyncio.gather(*waits)

    async def _in_time(self, wait: Coroutine[Any, Any, None], what: str) -> None:
        """Wait, tell now and then what for, and raise StartError in the end."""
        task = asyncio.ensure_future(wait)
        try:
            async with asyncio.timeout(self._settings.ready_timeout_s):
                while not (await asyncio.wait({task}, timeout=REPORT_EVERY_S))[0]:
                    self._view.say(f"still waiting for {what}")
            await task
        except TimeoutError as exc:
            raise StartError(
                f"{what} did not get ready in {self._settings.ready_timeout_s:.0f} seconds; "
                "the lines above say why."
            ) from exc
        finally:
            task.cancel()

    async def _welcome(self, household: Household) -> str | None:
        """At the first start, make the owner; write the token and return the one-time link."""
        if self._home.owner_token.exists():
            return None
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            BOOTSTRAP,
            env={**os.environ, **household.workspace_env()},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complained = await process.communicate()
        for line in complained.decode(errors="replace").splitlines():
            self._view.line("bootstrap", line)
        if process.returncode != 0:
            raise StartError("The first owner could not be made; the lines above say why.")
        welcome = json.loads(said)
        write_secret(self._home.owner_token, f"{welcome['token']}\n")
        return str(welcome["sign_in_url"])
