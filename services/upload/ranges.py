"""Reads the Range header of a request for media (RFC 9110 §14)."""

import re
from dataclasses import dataclass

from shared.http.errors import RangeError

_RANGE = re.compile(r"bytes=(?P<first>[0-9]{0,19})-(?P<last>[0-9]{0,19})\Z")


@dataclass(frozen=True)
class ByteRange:
    """Bytes ``start`` up to, not including, ``end`` of something ``size`` bytes long."""

    start: int
    end: int
    size: int

    @property
    def content_range(self) -> str:
        """Return the value of Content-Range."""
        return f"bytes {self.start}-{self.end - 1}/{self.size}"


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """Return the one range asked for, or None for the whole: no range, several, or an unknown unit.

    Raises RangeError when it lies outside.
    """
    match = _RANGE.match(header.replace(" ", "")) if header is not None else None
    if match is None or not (match["first"] or match["last"]):
        return None
    if not match["first"]:
        start, end = max(0, size - int(match["last"])), size
    else:
        start = int(match["first"])
        end = min(size, int(match["last"]) + 1) if match["last"] else size
        if match["last"] and int(match["last"]) < start:
            return None
    if start >= end:
        raise RangeError(size_bytes=size)
    return ByteRange(start, end, size)
