"""Keeps a set of programs running, notices when restarting cannot help, and ends them in order."""

import asyncio
import math
from collections.abc import Iterator
from enum import IntEnum

from services.standalone.child import Child
from services.standalone.leftovers import ProcessNotes
from services.standalone.logview import LogView
from services.standalone.programs import Program
from shared.errors import UnavailableError

TRIES_BEFORE_READY = 6
STOP_BEFORE_READY_S = 3.0
"""A service that is still loading has nothing to finish, and may not hear us for long."""


class StartError(UnavailableError):
    """A part of Tidings does not start."""

    code = "start-failed"


class Rank(IntEnum):
    """When a program is ended: first those that need the others."""

    SERVICE = 0
    """Needs bus and database."""
    BUS = 1
    """Needs nobody, and is needed until the services have ended."""
    DATABASE = 2
    """Is ended last."""


class Supervisor:
    """The running programs. ``trouble`` fails when one of them cannot be kept running."""

    def __init__(self, view: LogView, notes: ProcessNotes) -> None:
        self.trouble: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._view = view
        self._notes = notes
        self._children: dict[Rank, list[Child]] = {rank: [] for rank in Rank}
        self._is_settled = False

    def start(self, program: Program, rank: Rank) -> None:
        """Start a program and keep it running."""
        child = Child(program, on_line=self._view.line, on_change=self._on_change)
        self._children[rank].append(child)
        child.start()

    def settle(self) -> None:
        """From now on a program that ends again and again is waited for, not given up."""
        self._is_settled = True

    async def stop(self) -> None:
        """End all programs, each rank after the one that needs it."""
        for rank in Rank:
            is_loading = rank is Rank.SERVICE and not self._is_settled
            at_most_s = STOP_BEFORE_READY_S if is_loading else math.inf
            await asyncio.gather(*(child.stop(at_most_s) for child in self._children[rank]))
        self._notes.write({})

    def kill(self) -> None:
        """End all programs at once; those that keep data recover it at their next start."""
        for child in self._each():
            child.kill()

    def _each(self) -> Iterator[Child]:
        return (child for rank in Rank for child in self._children[rank])

    def _on_change(self, child: Child) -> None:
        self._notes.write({each.name: each.pid for each in self._each() if each.pid is not None})
        if self.trouble.done():
            return
        if child.is_misconfigured:
            self.trouble.set_exception(StartError(_sentence(child, "cannot work as it is set up")))
        elif not self._is_settled and child.failures >= TRIES_BEFORE_READY:
            self.trouble.set_exception(StartError(_sentence(child, "ends as soon as it starts")))


def _sentence(child: Child, what: str) -> str:
    """Say what is wrong in one sentence; the child's own lines stand above it in the log."""
    reason = child.last_words
    return f"{child.name} {what}: {reason}" if reason else f"{child.name} {what}."
