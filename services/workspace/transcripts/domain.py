"""The transcript of one update as this service keeps it, spoken or written. Values only."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.contracts.transcript import Segment, Word


class StoredWord(Word):
    """A word as it is shown: heard, or put there by a correction."""

    correction: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """Which words are meant: what they are, and when they are said."""

    start_ms: int
    end_ms: int
    original: str


@dataclass(frozen=True, kw_only=True)
class Correction:
    """Other words for some that were heard wrongly, and whose they are."""

    id: UUID
    update_id: UUID
    author_id: UUID
    author_name: str
    anchor: Anchor
    replacement: str
    made_at: datetime


@dataclass(frozen=True, kw_only=True)
class StoredSegment:
    """A sentence-like stretch of an update; a written one has no times."""

    id: int
    start_ms: int | None
    end_ms: int | None
    text: str
    language: str | None
    """ISO 639-1; None where a written update's language could not be told."""
    language_probability: float | None = None
    """How sure recognition was of the language; None for written ones."""
    confidence: float | None = None
    speaker: str | None = None
    """As shown: a label, or the name somebody gave it."""
    speaker_label: str | None = None
    """Where a name is shown, the label it stands for."""
    words: tuple[StoredWord, ...] = ()
    repeats_cut: int = 0
    """Words left out because recognition went round in a circle."""
    original: str | None = None
    """What was heard, where somebody corrected it."""

    @classmethod
    def spoken(cls, segment: Segment) -> "StoredSegment":
        """Return what is kept of a recognised segment."""
        return cls(
            id=segment.id,
            start_ms=segment.start_ms,
            end_ms=segment.end_ms,
            text=segment.text,
            language=segment.language,
            language_probability=segment.language_probability,
            confidence=segment.confidence,
            repeats_cut=segment.repeats_cut,
            speaker=segment.speaker,
            words=tuple(StoredWord(**word.model_dump()) for word in segment.words),
        )


@dataclass(frozen=True, kw_only=True)
class StoredTranscript:
    """Everything the formats need to know about one update."""

    update_id: UUID
    title: str
    address: str
    """Where people see the update; moments are ``address?t=seconds``."""
    state: str
    language: str | None
    duration_ms: int | None
    segments: tuple[StoredSegment, ...]
    gist: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()
    """Oldest first."""

    @property
    def is_timed(self) -> bool:
        """True for speech; captions exist only then."""
        return any(segment.start_ms is not None for segment in self.segments)
