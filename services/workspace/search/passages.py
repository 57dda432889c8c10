"""Cuts what was said into the stretches that are searched. Pure.

A stretch holds about eighty words of one language and overlaps the next by half, so that words
which belong together are found together even when they stand in neighbouring segments.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.workspace.transcripts.domain import StoredSegment

FULL_CHARACTERS = 480


@dataclass(frozen=True, kw_only=True)
class Passage:
    """Neighbouring segments that are searched as one."""

    first_segment: int
    last_segment: int
    language: str
    text: str


def cut_passages(segments: Sequence[StoredSegment]) -> list[Passage]:
    """Return the passages of segments in order. Every segment with text is in at least one.

    Cutting again from the first segment of any passage gives that passage and all after it.
    """
    spoken = [segment for segment in segments if segment.text.strip()]
    passages: list[Passage] = []
    start = 0
    while start < len(spoken):
        end = _end_of_passage(spoken, start)
        passages.append(
            Passage(
                first_segment=spoken[start].id,
                last_segment=spoken[end - 1].id,
                language=spoken[start].language or "",
                text=" ".join(segment.text.strip() for segment in spoken[start:end]),
            )
        )
        start = end if end == len(spoken) else _next_start(spoken, start, end)
    return passages


def _end_of_passage(segments: Sequence[StoredSegment], start: int) -> int:
    """Return the place after the last segment of the passage that begins at ``start``."""
    characters = 0
    for place in range(start, len(segments)):
        if segments[place].language != segments[start].language or characters >= FULL_CHARACTERS:
            return place
        characters += len(segments[place].text)
    return len(segments)


def _next_start(segments: Sequence[StoredSegment], start: int, end: int) -> int:
    """Return where the next passage begins: half-way, or where another language does."""
    if segments[end].language != segments[start].language:
        return end
    characters = 0
    for place in range(start, end):
        characters += len(segments[place].text)
        if characters >= FULL_CHARACTERS // 2:
            return place + 1
    return end
