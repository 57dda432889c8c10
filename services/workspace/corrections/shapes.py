"""What the correction routes take and give."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from services.workspace.corrections.domain import TEXT_MAX
from services.workspace.transcripts.domain import Correction
from services.workspace.web import Body, Line, View

Words = Annotated[Line, StringConstraints(min_length=1, max_length=TEXT_MAX)]


class CorrectionBody(Body):
    """Other words for some of a transcript."""

    start_ms: int = Field(ge=0, lt=1 << 53, description="Where the first of the words begins.")
    end_ms: int = Field(ge=0, lt=1 << 53, description="Where the last of them ends.")
    original: Words = Field(description="The words as they are shown now.")
    replacement: Words = Field(description="The words that were said.")

    @model_validator(mode="after")
    def _end_follows_start(self) -> Self:
        if self.end_ms < self.start_ms:
            raise ValueError("end_ms lies before start_ms")
        return self


class CorrectionAuthorView(View):
    """Who corrected it."""

    id: UUID
    name: str


class CorrectionView(View):
    """A correction."""

    id: UUID
    update_id: UUID
    author: CorrectionAuthorView
    start_ms: int
    end_ms: int
    original: str = Field(description="The words that stood there.")
    replacement: str
    made_at: datetime

    @classmethod
    def of(cls, correction: Correction) -> Self:
        """Shape a correction."""
        return cls(
            id=correction.id,
            update_id=correction.update_id,
            author=CorrectionAuthorView(id=correction.author_id, name=correction.author_name),
            start_ms=correction.anchor.start_ms,
            end_ms=correction.anchor.end_ms,
            original=correction.anchor.original,
            replacement=correction.replacement,
            made_at=correction.made_at,
        )
