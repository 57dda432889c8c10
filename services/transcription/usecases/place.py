"""Puts what was heard in one chunk at its place in the recording."""

from services.transcription.domain import HeardTurn, HeardWord, segments_of
from services.transcription.engine import ChunkResult
from shared.contracts.transcript import Segment


def segments_in(
    result: ChunkResult, *, chunk_index: int, start_ms: int, end_ms: int
) -> tuple[Segment, ...]:
    """Return the segments of a chunk; no word lies beyond its end."""
    return segments_of(
        [
            HeardTurn(
                language=turn.language,
                language_probability=turn.language_probability,
                words=tuple(
                    HeardWord(
                        start_ms=min(start_ms + word.start_ms, end_ms),
                        end_ms=min(start_ms + word.end_ms, end_ms),
                        text=word.text,
                        confidence=word.confidence,
                    )
                    for word in turn.words
                ),
            )
            for turn in result.turns
        ],
        chunk_index=chunk_index,
    )
