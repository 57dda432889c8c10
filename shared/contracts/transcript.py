"""Timed text: what a transcript is made of. Times are milliseconds from the recording's start."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

SEGMENTS_PER_CHUNK = 1000


class Word(BaseModel):
    """One word with its place in time."""

    model_config = ConfigDict(frozen=True)

    start_ms: int = Field(ge=0)
    end_ms: int = Field(ge=0)
    text: str
    confidence: float = Field(ge=0, le=1, description="The engine's probability of the word.")


class Segment(BaseModel):
    """A sentence-like stretch of speech."""

    model_config = ConfigDict(frozen=True)

    id: int = Field(
        ge=0, description="chunk index x 1000 + place in the chunk; stable across runs."
    )
    start_ms: int = Field(ge=0)
    end_ms: int = Field(ge=0)
    text: str
    language: str = Field(description="ISO 639-1.")
    language_probability: float = Field(ge=0, le=1)
    confidence: float = Field(ge=0, le=1, description="Mean of the words' confidence.")
    speaker: str | None = None
    words: tuple[Word, ...] = ()
    repeats_cut: int = Field(
        default=0,
        ge=0,
        description="Words left out because recognition went round in a circle; absent for none.",
        exclude_if=lambda count: count == 0,
    )


class Transcript(BaseModel):
    """The whole timed text of one recording, as stored under `TranscriptCompleted.key`."""

    model_config = ConfigDict(frozen=True)

    update_id: UUID
    recording_id: UUID
    language: str = Field(description="The main language, ISO 639-1.")
    duration_ms: int = Field(ge=0)
    model: str = Field(description="Name of the speech model.")
    second_model: str | None = Field(
        default=None,
        description="Name of the model that heard doubtful parts better; absent where none did.",
        exclude_if=lambda name: name is None,
    )
    segments: tuple[Segment, ...]
