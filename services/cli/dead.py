"""``tidings dead``: messages that were given up, looked at and tried again by the operator."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from services.cli.exits import CommandError, Exit, unreachable
from services.cli.output import Output
from services.cli.settings import Settings
from shared.bus.bus import Bus
from shared.bus.dead import DeadLetter, list_dead, replay_dead, show_dead

CONNECT_S = 10.0
COLUMNS = {
    "seq": "number",
    "died_at": "since",
    "consumer": "consumer",
    "code": "reason",
    "attempts": "attempts",
    "detail": "detail",
}


@asynccontextmanager
async def open_bus(settings: Settings) -> AsyncIterator[Bus]:
    """Connect as administrator: to the address given, or to the installation in TIDINGS_HOME."""
    url = settings.nats_url or _local_url(settings.home)
    credentials = settings.nats_credentials_file or (
        settings.home / "nats" / "credentials" / "admin.creds"
    )
    if not credentials.is_file():
        raise CommandError(
            f"No administrator credentials at {credentials}: "
            "set TIDINGS_HOME, or TIDINGS_NATS_URL and TIDINGS_NATS_CREDENTIALS_FILE.",
            Exit.DENIED,
            code="no-credentials",
        )
    try:
        async with asyncio.timeout(CONNECT_S):
            bus = await Bus.connect(url, service="cli", credentials_file=credentials)
    except TimeoutError as exc:
        raise unreachable(url) from exc
    try:
        yield bus
    finally:
        await bus.close()


async def list_letters(bus: Bus, output: Output, *, after: int, limit: int) -> None:
    """Show what lies there, the oldest first."""
    letters = await list_dead(bus, after=after, limit=limit)
    output.table([_document(letter) for letter in letters], COLUMNS)
    if not letters:
        output.note("No dead letters.")


async def show_letter(bus: Bus, output: Output, seq: int) -> None:
    """Show one with its payload."""
    letter, payload = await show_dead(bus, seq)
    document = _document(letter)
    document["payload"] = _readable(payload)
    fields = [f"{name}: {value}" for name, value in document.items()]
    output.result(document, *fields)


async def replay_letters(bus: Bus, output: Output, seqs: tuple[int, ...]) -> None:
    """Give each to its consumer once more."""
    for seq in seqs:
        letter = await replay_dead(bus, seq)
        output.result(
            {"replayed": seq, "consumer": letter.consumer},
            f"{seq} goes to {letter.consumer} again.",
        )


def _document(letter: DeadLetter) -> dict[str, Any]:
    return {**asdict(letter), "died_at": letter.died_at.isoformat(timespec="seconds")}


def _readable(payload: bytes) -> object:
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode("utf-8", errors="backslashreplace")


def _local_url(home: Path) -> str:
    try:
        ports = json.loads((home / "run" / "ports.json").read_text(encoding="ascii"))
        return f"nats://127.0.0.1:{int(ports['nats'])}"
    except (OSError, ValueError, KeyError) as exc:
        raise CommandError(
            f"There is no installation in {home}: set TIDINGS_HOME or TIDINGS_NATS_URL.",
            Exit.UNREACHABLE,
            code="no-installation",
        ) from exc
