"""The ``tidings`` command: runs it and turns every ending into a sentence and an exit status."""

import sys
from collections.abc import Sequence

import click

from services.cli.commands import tidings
from services.cli.exits import CommandError, Exit, exit_of
from services.cli.output import Output
from shared.errors import TidingsError
from shared.settings import EXIT_CONFIG

Expected = CommandError | TidingsError | click.UsageError | TimeoutError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit status."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status. Bugs still show where they happened."""
    try:
        tidings.main(list(arguments), prog_name="tidings", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return Exit.USAGE
    except (CommandError, TidingsError, click.UsageError, TimeoutError) as error:
        refusal = _explain(error)
        Output(as_json="--json" in arguments).problem(refusal.sentence, refusal.code)
        return refusal.status
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except SystemExit as exc:
        return Exit.USAGE if exc.code == EXIT_CONFIG else int(exc.code or 0)
    return Exit.DONE


def _explain(error: Expected) -> CommandError:
    if isinstance(error, CommandError):
        return error
    if isinstance(error, TidingsError):
        return CommandError(error.detail, exit_of(error.status), code=error.code)
    if isinstance(error, click.UsageError):
        sentence = f"{error.format_message()} See `tidings --help`."
        return CommandError(sentence, Exit.USAGE, code="usage")
    sentence = "It took longer than --timeout allows; it goes on without us."
    return CommandError(sentence, code="timeout")


if __name__ == "__main__":
    main()
