"""What a command says: words and progress bars for people, JSON lines for programs."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table


class Step(Protocol):
    """One thing under way."""

    def advance_to(self, done: float, total: float | None = None) -> None:
        """Say how far it is."""
        ...


class Output:
    """Where a command's words go: results to stdout, everything else to stderr."""

    def __init__(self, *, as_json: bool) -> None:
        """Take ``--json``."""
        self.as_json = as_json
        self._out = Console(highlight=False, soft_wrap=True)
        self._err = Console(stderr=True, highlight=False, soft_wrap=True)

    def result(self, document: Mapping[str, Any], *lines: str) -> None:
        """Give the result: the document as one JSON line, or the lines."""
        if self.as_json:
            click.echo(json.dumps(document, ensure_ascii=False, default=str))
            return
        for line in lines:
            # Speech may contain what rich takes for markup.
            self._out.print(line, markup=False)

    def table(self, documents: list[dict[str, Any]], columns: Mapping[str, str]) -> None:
        """Give rows: a JSON line each, or a table with a heading per column."""
        if self.as_json:
            for document in documents:
                self.result(document)
            return
        table = Table(box=None, pad_edge=False)
        for heading in columns.values():
            table.add_column(heading, overflow="fold")
        for document in documents:
            table.add_row(*(str(document.get(name, "")) for name in columns))
        self._out.print(table, markup=False)

    def note(self, sentence: str) -> None:
        """Tell people something beside the result; programs are spared it."""
        if not self.as_json:
            self._err.print(sentence, markup=False, style="dim")

    def problem(self, sentence: str, code: str) -> None:
        """Say what went wrong."""
        if self.as_json:
            click.echo(json.dumps({"error": {"code": code, "detail": sentence}}), err=True)
        else:
            self._err.print(f"tidings: {sentence}", markup=False)

    @contextmanager
    def transfer(self, what: str, total_bytes: int | None) -> Iterator[Step]:
        """Show bytes going up."""
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        with self._progress(Progress(*columns, console=self._err, transient=True), what) as step:
            step.advance_to(0, total_bytes)
            yield step

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Show that something takes its time elsewhere."""
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False))
        with self._progress(Progress(*columns, console=self._err, transient=True), what):
            yield

    @contextmanager
    def _progress(self, progress: Progress, what: str) -> Iterator[Step]:
        if self.as_json or not sys.stderr.isatty():
            self.note(what)
            yield _Silent()
            return
        with progress:
            yield _Bar(progress, what)


class _Silent:
    """Progress where nobody watches."""

    def advance_to(self, done: float, total: float | None = None) -> None:
        """Say nothing."""


class _Bar:
    """Progress on a terminal."""

    def __init__(self, progress: Progress, what: str) -> None:
        self._progress = progress
        self._task = progress.add_task(what, total=None)

    def advance_to(self, done: float, total: float | None = None) -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=done, total=total)
