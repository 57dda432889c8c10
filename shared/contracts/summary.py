"""Statements about an update, each bound to its evidence."""

from datetime import date
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class StatementKind(StrEnum):
    """What a statement is."""

    TITLE = "title"
    """One line that names the update."""
    GIST = "gist"
    """What someone in a hurry should know."""
    DECISION = "decision"
    """Something was settled."""
    ACTION = "action"
    """Someone is to do something."""
    QUESTION = "question"
    """Something is open."""
    CHAPTER = "chapter"
    """A stretch of the update begins here."""


class Evidence(BaseModel):
    """The words a statement rests on."""

    model_config = ConfigDict(frozen=True)

    segment_ids: tuple[int, ...] = Field(min_length=1)
    start_ms: int | None = Field(default=None, description="None for a written update.")
    end_ms: int | None = None
    quote: str = Field(min_length=1, description="Words as they stand in those segments.")


class Statement(BaseModel):
    """One sentence about the update, never without evidence."""

    model_config = ConfigDict(frozen=True)

    kind: StatementKind
    text: str = Field(min_length=1)
    owner: str | None = Field(default=None, description="Actions: who, as said.")
    due: date | None = Field(default=None, description="Actions: when, if a date could be told.")
    due_text: str | None = Field(default=None, description="Actions: when, as said.")
    evidence: tuple[Evidence, ...] = Field(min_length=1)
