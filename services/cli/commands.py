"""The commands and their options. Each parses, calls one function and leaves the rest to it."""

import asyncio
import functools
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, TypeVar

import click

from services.cli import events, read
from services.cli.api import Api, open_api
from services.cli.output import Output
from services.cli.places import Place, find_team, find_thread
from services.cli.send import Order, Sender
from services.cli.settings import Settings
from services.cli.unfinished import Unfinished
from shared.settings import load

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

EXITS = """
\b
Exit status: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 no valid token
or not allowed, 5 content refused (e.g. no speech in it), 6 no answer,
130 stopped from the keyboard.
"""


class Context:
    """What every command gets: settings and where to talk."""

    def __init__(self, *, as_json: bool) -> None:
        self.output = Output(as_json=as_json)
        self._settings: Settings | None = None

    @property
    def settings(self) -> Settings:
        """Read the settings when first needed: ``--help`` must work with wrong ones."""
        if self._settings is None:
            self._settings = load(Settings)
        return self._settings

    def call_api(self, use: Callable[[Api], Awaitable[None]]) -> None:
        """Run one use of the API."""

        async def call() -> None:
            settings = self.settings
            async with open_api(settings.workspace_url, settings.token_or_none()) as api:
                await use(api)

        asyncio.run(call())


def with_context(command: CommandT) -> CommandT:
    """Give a command its context, and ``--json`` behind its name as well as before."""

    @click.option("--json", "as_json", is_flag=True, help="Answer in JSON, one document a line.")
    @click.pass_context
    @functools.wraps(command)
    def call(click_context: click.Context, /, *, as_json: bool, **options: Any) -> Any:
        asked = as_json or click_context.find_root().params.get("as_json", False)
        context = Context(as_json=asked)
        click_context.find_root().obj = context
        return command(context, **options)

    return call  # type: ignore[return-value]


@click.group(epilog=EXITS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, one document a line.")
@click.version_option(package_name="tidings", prog_name="tidings")
def tidings(*, as_json: bool) -> None:
    """Send recordings to your team; read, search and follow what was said.

    TIDINGS_URL says where (else this machine, TIDINGS_PORT), TIDINGS_TOKEN who you are.
    """


@tidings.command()
@with_context
def up(context: Context) -> None:
    """Run everything on this machine until Ctrl-C."""
    del context
    # The supervisor takes this process over, so that signals reach it and nothing stands between.
    os.execv(sys.executable, [sys.executable, "-m", "services.standalone"])  # noqa: S606


@tidings.command()
@click.argument("sources", nargs=-1, required=True, metavar="FILE...")
@click.option("--thread", help="Id or title of the thread; “General” unless given.")
@click.option("--new-thread", metavar="TITLE", help="Open a new thread for it.")
@click.option("--team", help="Id or name of the team; needed only if you are in several.")
@click.option("--language", help="Language spoken, e.g. de; found out by itself unless given.")
@click.option("--title", help="Title of the update.")
@click.option(
    "--wait", type=click.Choice(["transcript", "summary"]), help="Stay until this is there."
)
@click.option("--timeout", "timeout_s", type=float, help="Longest wait, in seconds.")
@with_context
def send(
    context: Context,
    *,
    sources: tuple[str, ...],
    thread: str | None,
    new_thread: str | None,
    team: str | None,
    language: str | None,
    title: str | None,
    wait: Literal["transcript", "summary"] | None,
    timeout_s: float | None,
) -> None:
    """Send recordings; - sends standard input as it comes.

    An upload that was interrupted goes on where it stopped when the same file is sent again.
    """
    if thread is not None and new_thread is not None:
        raise click.UsageError("Give --thread or --new-thread, not both.")
    _require_files(sources)

    async def use(api: Api) -> None:
        sender = Sender(api, context.output, Unfinished(context.settings.state_dir))
        place = Place(team=team, thread=thread, new_thread=new_thread)
        order = Order(language=language, title=title, wait=wait, timeout_s=timeout_s)
        await sender.send_all(sources, place, order)

    context.call_api(use)


def _require_files(sources: tuple[str, ...]) -> None:
    for source in sources:
        if source == "-":
            continue
        path = Path(source)
        if not path.is_file():
            raise click.UsageError(f"There is no file {source}.")
        if not os.access(path, os.R_OK):
            raise click.UsageError(f"The file {source} may not be read.")


@tidings.command()
@click.argument("update")
@click.option(
    "--format",
    "form",
    type=click.Choice(read.FORMATS),
    help="txt unless given; json with --json.",
)
@click.option(
    "-o", "--output", "to", type=click.Path(path_type=Path, dir_okay=False), help="Write here."
)
@with_context
def get(context: Context, *, update: str, form: str | None, to: Path | None) -> None:
    """Fetch the transcript of an UPDATE."""
    chosen = form or ("json" if context.output.as_json else "txt")

    async def use(api: Api) -> None:
        await read.get_transcript(api, context.output, update, form=chosen, to=to)

    context.call_api(use)


@tidings.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--team", help="Only in this team: id or name.")
@click.option("--thread", help="Only in this thread: id or title.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@with_context
def search(
    context: Context, *, words: tuple[str, ...], team: str | None, thread: str | None, limit: int
) -> None:
    """Find moments in which WORDS were said."""

    async def use(api: Api) -> None:
        place = Place(team=team, thread=thread)
        thread_id = await find_thread(api, place) if thread is not None else None
        await read.search(
            api,
            context.output,
            " ".join(words),
            team_id=await _team_id(api, team),
            thread_id=thread_id,
            limit=limit,
        )

    context.call_api(use)


@tidings.group(name="events")
def events_group() -> None:
    """Follow what happens in the team."""


@events_group.command()
@click.option("--team", help="Id or name of the team; needed only if you are in several.")
@click.option("--since", type=click.IntRange(0), default=0, help="Begin behind this number.")
@click.option("--limit", type=click.IntRange(1), help="End after so many.")
@click.option(
    "--patience",
    "patience_s",
    type=float,
    default=300.0,
    show_default=True,
    help="Seconds to keep trying when the server does not answer.",
)
@with_context
def tail(
    context: Context, *, team: str | None, since: int, limit: int | None, patience_s: float
) -> None:
    """Print events as they happen; reconnects by itself and misses none."""

    async def use(api: Api) -> None:
        await events.tail(
            api,
            context.output,
            team_id=await _team_id(api, team),
            since=since,
            limit=limit,
            patience_s=patience_s,
        )

    context.call_api(use)


async def _team_id(api: Api, team: str | None) -> str | None:
    return None if team is None else str((await find_team(api, team))["id"])


@tidings.group()
def dead() -> None:
    """Look after messages that were given up."""


def _use_bus(context: Context, use: Callable[[ModuleType, Any], Awaitable[None]]) -> None:
    # Imported only here: the bus takes longer to load than all other commands together.
    from services.cli import dead as letters  # noqa: PLC0415

    async def call() -> None:
        async with letters.open_bus(context.settings) as bus:
            await use(letters, bus)

    asyncio.run(call())


@dead.command(name="list")
@click.option("--after", type=click.IntRange(0), default=0, help="Only younger than this number.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@with_context
def list_command(context: Context, *, after: int, limit: int) -> None:
    """List them, the oldest first."""
    _use_bus(
        context,
        lambda letters, bus: letters.list_letters(bus, context.output, after=after, limit=limit),
    )


@dead.command()
@click.argument("number", type=int)
@with_context
def show(context: Context, *, number: int) -> None:
    """Show one with its content, which may quote what people said."""
    _use_bus(context, lambda letters, bus: letters.show_letter(bus, context.output, number))


@dead.command()
@click.argument("numbers", type=int, nargs=-1, required=True)
@with_context
def replay(context: Context, *, numbers: tuple[int, ...]) -> None:
    """Try them again."""
    _use_bus(context, lambda letters, bus: letters.replay_letters(bus, context.output, numbers))


def _operate(use: Callable[[ModuleType, Any], None]) -> None:
    # Imported only here, for the same reason.
    from services.cli import operate  # noqa: PLC0415
    from services.standalone.settings import StandaloneSettings  # noqa: PLC0415

    use(operate, load(StandaloneSettings))


@tidings.command()
@with_context
def doctor(context: Context) -> None:
    """Say what is missing or wrong on this machine, and what to do about it."""
    _operate(lambda operate, found: operate.examine_installation(found, context.output))


@tidings.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_context
def backup(context: Context, *, file: Path) -> None:
    """Copy the running Tidings of TIDINGS_HOME into FILE."""
    _operate(lambda operate, found: operate.back_up(found, context.output, file))


@tidings.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--take-over-recordings",
    is_flag=True,
    help="Use what is in TIDINGS_BLOB_URL; recordings the backup does not know are deleted there.",
)
@with_context
def restore(context: Context, *, file: Path, take_over_recordings: bool) -> None:
    """Build a Tidings in the empty TIDINGS_HOME from a backup FILE."""
    _operate(
        lambda operate, found: operate.bring_back(
            found, context.output, file, take_over_recordings=take_over_recordings
        )
    )
