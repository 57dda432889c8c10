"""``tidings doctor``, ``backup``, ``restore``: for who operates an installation on this machine."""

import asyncio
from pathlib import Path

from services.cli.exits import CommandError
from services.cli.output import Output
from services.standalone.backup import Backup, backup, restore
from services.standalone.doctor import Finding, Verdict, examine
from services.standalone.settings import StandaloneSettings

SIGNS = {Verdict.OK: "ok  ", Verdict.WARN: "warn", Verdict.FAIL: "FAIL"}


def examine_installation(settings: StandaloneSettings, output: Output) -> None:
    """Say what is missing or wrong; fail when something does not work until it is mended."""
    with output.waiting("Examining"):
        findings = asyncio.run(examine(settings))
    broken = [finding for finding in findings if finding.verdict is Verdict.FAIL]
    document = {
        "healthy": not broken,
        "findings": [_document(finding) for finding in findings],
    }
    lines = [f"{SIGNS[finding.verdict]}  {finding.sentence}" for finding in findings]
    output.result(document, *lines)
    if broken:
        number = "One thing needs" if len(broken) == 1 else f"{len(broken)} things need"
        raise CommandError(f"{number} mending.", code="unhealthy")


def back_up(settings: StandaloneSettings, output: Output, target: Path) -> None:
    """Copy the running installation into a file."""
    with output.waiting("Copying; Tidings goes on running"):
        copied = asyncio.run(backup(settings, target))
    _tell(output, copied, f"The copy is {copied.path}. It holds keys: keep it private.")


def bring_back(
    settings: StandaloneSettings, output: Output, source: Path, *, take_over_recordings: bool
) -> None:
    """Build an installation in an empty home from a copy."""
    with output.waiting("Restoring"):
        restored = asyncio.run(restore(source, settings, take_over_recordings=take_over_recordings))
    _tell(output, restored, f"Restored into {settings.home}. Start it with `tidings up`.")


def _tell(output: Output, done: Backup, sentence: str) -> None:
    document = {
        "file": str(done.path),
        "size_bytes": done.size_bytes,
        "files": done.files,
        "left_out": list(done.left_out),
    }
    size = f"{done.files} files, {done.size_bytes / 1e6:.1f} MB."
    output.result(document, size, sentence, *done.left_out)


def _document(finding: Finding) -> dict[str, str]:
    return {"name": finding.name, "verdict": finding.verdict, "sentence": finding.sentence}
