"""Makes one readable log of many: a time, who speaks, what happened, and the telling fields."""

import json
import sys
from contextlib import suppress
from datetime import datetime
from typing import Any, TextIO

_COLOURS = (36, 33, 35, 32, 34, 96, 93, 95, 92, 94)
_LEVELS = {"warning": 33, "error": 31, "critical": 31}
_KNOWN = ("event", "level", "timestamp", "service", "instance")
_NAME_WIDTH = 13


class LogView:
    """Writes the lines of all children to one stream, in colour on a terminal."""

    def __init__(self, stream: TextIO = sys.stdout, *, in_colour: bool | None = None) -> None:
        self._stream = stream
        self._in_colour = stream.isatty() if in_colour is None else in_colour
        self._colours: dict[str, int] = {}

    def line(self, name: str, line: str) -> None:
        """Write one line of a child; JSON becomes its event and fields, the rest stays.

        A line that cannot be written is lost: whoever said it must not wait for us.
        """
        level, text = _readable(line)
        colour = self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
        time = datetime.now().astimezone().strftime("%H:%M:%S")
        who = self._coloured(f"{name:<{_NAME_WIDTH}}", colour)
        if level in _LEVELS:
            text = self._coloured(text, _LEVELS[level])
        # A full disk, a closed pipe, or a letter the terminal's encoding lacks.
        with suppress(OSError, ValueError):
            self._stream.write(f"{time} {who} {text}\n")
            self._stream.flush()

    def say(self, sentence: str) -> None:
        """Write a sentence of our own."""
        self.line("tidings", sentence)

    def _coloured(self, text: str, colour: int) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._in_colour else text


def _readable(line: str) -> tuple[str, str]:
    try:
        entry = json.loads(line)
    except ValueError:
        return "", line
    if not isinstance(entry, dict) or "event" not in entry:
        return "", line
    level = str(entry.get("level", ""))
    fields = [f"{key}={_short(value)}" for key, value in entry.items() if key not in _KNOWN]
    mark = f"{level}: " if level in _LEVELS else ""
    return level, " ".join([f"{mark}{entry['event']}", *fields])


def _short(value: Any) -> str:
    return value if isinstance(value, str) and " " not in value else json.dumps(value)
