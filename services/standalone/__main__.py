"""`python -m services.standalone [up|doctor|backup FILE|restore FILE]`.

What `make run` and the CLI's commands of the same names do. `--json` gives findings and results
to programs.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from services.standalone.app import up
from services.standalone.backup import Backup, backup, restore
from services.standalone.doctor import Finding, Verdict, examine
from services.standalone.settings import StandaloneSettings
from shared.errors import TidingsError
from shared.settings import load

_MARKS = {Verdict.OK: "ok  ", Verdict.WARN: "note", Verdict.FAIL: "BAD "}


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 1 after one sentence when something stands in the way, 0 when all went well.

    A wrong setting ends the process with status 78 (`shared.settings.load`).
    """
    asked = _parser().parse_args(arguments)
    settings = load(StandaloneSettings)
    try:
        return asyncio.run(_do(asked, settings))
    except TidingsError as exc:
        sys.stderr.write(f"tidings: {exc.detail}\n")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tidings")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("up", help="run everything until Ctrl-C")
    commands.add_parser("doctor", help="say what is missing or wrong")
    for name, what in (("backup", "copy a running Tidings to"), ("restore", "build one from")):
        commands.add_parser(name, help=what).add_argument("file", type=Path)
    return parser


async def _do(asked: argparse.Namespace, settings: StandaloneSettings) -> int:
    match asked.command:
        case "doctor":
            return _tell_findings(await examine(settings), as_json=asked.json)
        case "backup":
            _tell_backup("copied", await backup(settings, asked.file), as_json=asked.json)
        case "restore":
            _tell_backup("restored", await restore(asked.file, settings), as_json=asked.json)
        case _:
            await up(settings)
    return 0


def _tell_findings(findings: Sequence[Finding], *, as_json: bool) -> int:
    for finding in findings:
        line = f"{_MARKS[finding.verdict]} {finding.name:<11} {finding.sentence}"
        sys.stdout.write(f"{json.dumps(asdict(finding)) if as_json else line}\n")
    return int(any(finding.verdict is Verdict.FAIL for finding in findings))


def _tell_backup(what: str, made: Backup, *, as_json: bool) -> None:
    sentence = f"{what} {made.files} files, {made.size_bytes} bytes: {made.path}"
    told = json.dumps({**asdict(made), "path": str(made.path)})
    lines = [told] if as_json else [sentence, *made.left_out]
    sys.stdout.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    sys.exit(main())
