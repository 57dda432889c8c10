"""Writes the reference pages that are made from code: error codes, settings, HTTP documents.

``python -m shared.http.reference --write`` makes them, ``--check`` fails when one is out of date.
"""

import argparse
import importlib
import json
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import TypeGuard

from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from shared.errors import TidingsError
from shared.http import openapi
from shared.http.app import common_routes
from shared.http.health import Health
from shared.http.problems import every_kind, title_of
from shared.http.table import Route
from shared.settings import CommonSettings

ROOT = Path(__file__).parents[2]
FOLDER = Path("deploy/reference")
REGENERATE = "Made from the code by `make contracts`; do not edit."


def every_module() -> Iterator[ModuleType]:
    """Import and give every module of the house, so that all error classes are known."""
    for name in ("shared", "services"):
        package = importlib.import_module(name)
        for info in pkgutil.walk_packages(package.__path__, f"{name}."):
            # Tests' own helpers are no part of the product; a __main__ would start its service.
            if not info.name.startswith("shared.testing") and not info.name.endswith("__main__"):
                yield importlib.import_module(info.name)


def errors_page() -> str:
    """Return the table of all error codes."""
    modules = [*every_module()]
    kinds = sorted(every_kind(), key=lambda kind: (kind.status, kind.code, kind.__module__))
    rows = [
        f"| `{kind.code}` | {kind.status} | {'yes' if kind.retryable else 'no'} "
        f"| {_owner(kind)} | {title_of(kind)} |"
        for kind in kinds
        if kind.__module__ in {module.__name__ for module in modules}
    ]
    return "\n".join(
        (
            "# Error codes",
            "",
            REGENERATE,
            "",
            "Every refusal is `application/problem+json` (RFC 9457). Its `code` is one of these,",
            "whose meanings never change. *Again*: can the same request succeed later.",
            "",
            "| code | HTTP | again | from | meaning |",
            "|---|---|---|---|---|",
            *rows,
            "",
        )
    )


def _owner(kind: type[TidingsError]) -> str:
    top, _, rest = kind.__module__.partition(".")
    return rest.partition(".")[0] if top == "services" else "any"


def settings_page() -> str:
    """Return the tables of all settings, the common ones first."""
    parts = ["# Settings", "", REGENERATE, "", *_INTRODUCTION]
    parts += ["## Every service", "", *_settings_table(CommonSettings, without=())]
    for service, settings in settings_classes():
        own = tuple(CommonSettings.model_fields) if issubclass(settings, CommonSettings) else ()
        parts += [f"## {service}", "", *_settings_table(settings, without=own)]
    return "\n".join(parts)


_INTRODUCTION = (
    "Settings are environment variables, read once at start. Any of them may be given as",
    "`NAME_FILE`, the path of a file that holds the value.",
    "",
)


def settings_classes() -> list[tuple[str, type[BaseSettings]]]:
    """Find the classes of every ``settings.py``, each with the name of its folder."""
    found: list[tuple[str, type[BaseSettings]]] = []
    for module in every_module():
        folder, _, name = module.__name__.rpartition(".")
        if name != "settings" or folder == "shared":
            continue
        found += [
            (folder.rpartition(".")[2], kind)
            for kind in vars(module).values()
            if _is_settings(kind) and kind.__module__ == module.__name__
        ]
    return found


def _is_settings(value: object) -> TypeGuard[type[BaseSettings]]:
    return isinstance(value, type) and issubclass(value, BaseSettings)


def _settings_table(settings: type[BaseSettings], *, without: Sequence[str]) -> list[str]:
    rows = [
        f"| `{field.validation_alias}` | {_default(field.default, required=field.is_required())} "
        f"| {field.description} |"
        for name, field in settings.model_fields.items()
        if name not in without
    ]
    if not rows:
        return ["None of its own.", ""]
    return ["| setting | default | meaning |", "|---|---|---|", *rows, ""]


def _default(value: object, *, required: bool) -> str:
    if required:
        return "required"
    if value is None or value is PydanticUndefined or value == ():
        return "—"
    return f"`{value}`"


def http_documents() -> dict[str, str]:
    """Return file name to OpenAPI document of each service with routes."""
    return {
        f"openapi-{service}.json": json.dumps(openapi.make_document(service, table), indent=1)
        + "\n"
        for service, table in route_tables().items()
    }


def route_tables() -> dict[str, Sequence[Route]]:
    """Find each service's ``ROUTES`` (in ``routes.py`` or ``http.py``), with the common ones."""
    tables: dict[str, Sequence[Route]] = {}
    for module in every_module():
        folder, _, name = module.__name__.rpartition(".")
        top, _, service = folder.rpartition(".")
        if top == "services" and name in {"routes", "http"} and hasattr(module, "ROUTES"):
            table: Sequence[Route] = module.ROUTES
            tables[service] = (*table, *common_routes(service, table, Health()))
    return tables


def pages() -> dict[Path, str]:
    """Return path to content of every generated page."""
    made = {"errors.md": errors_page(), "settings.md": settings_page(), **http_documents()}
    return {FOLDER / name: text for name, text in made.items()}


def outdated(root: Path = ROOT) -> list[Path]:
    """Return the pages that differ from what the code says."""
    return [
        path
        for path, text in pages().items()
        if not (root / path).is_file() or (root / path).read_text(encoding="utf-8") != text
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or say which are out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true")
    mode.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    if options.check:
        late = outdated()
        for path in late:
            sys.stderr.write(f"{path} is out of date: run `make contracts`\n")
        return 1 if late else 0
    for path, text in pages().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
