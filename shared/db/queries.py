"""Reads `queries.sql`: each statement has a name and a sentence; a wrong name fails at import."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from typing_extensions import override

_NAME = re.compile(r"^-- name: *(?P<name>\S.*?) *$", re.MULTILINE)
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*\Z")


class Queries(Mapping[str, str]):
    """The named statements of one file. A name it lacks raises a KeyError that tells the file."""

    def __init__(self, path: Path, statements: Mapping[str, str]) -> None:
        self._path = path
        self._statements = dict(statements)

    @override
    def __getitem__(self, name: str) -> str:
        if name not in self._statements:
            message = f"{self._path.name} has no query named {name!r}"
            raise KeyError(message)
        return self._statements[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._statements)

    @override
    def __len__(self) -> int:
        return len(self._statements)


def load_queries(path: Path) -> Queries:
    """Read the file; raise ValueError for a bad or repeated name, no sentence or empty SQL."""
    head, *rest = _NAME.split(path.read_text(encoding="utf-8"))
    if head.strip() and not _is_comment(head):
        message = f"{path.name}: SQL before the first '-- name:' line"
        raise ValueError(message)
    statements: dict[str, str] = {}
    for name, body in zip(rest[::2], rest[1::2], strict=True):
        if not _IDENTIFIER.match(name) or name in statements:
            message = f"{path.name}: {name!r} is repeated or is not a lower_case name"
            raise ValueError(message)
        statements[name] = _checked(path, name, body)
    return Queries(path, statements)


def _is_comment(text: str) -> bool:
    return all(line.startswith("--") for line in text.splitlines() if line.strip())


def _checked(path: Path, name: str, body: str) -> str:
    first, _, sql = body.strip().partition("\n")
    if not first.startswith("-- ") or not sql.strip() or _is_comment(sql):
        message = f"{path.name}: {name} needs a '-- sentence' line and then its SQL"
        raise ValueError(message)
    return sql.strip().removesuffix(";")
