"""A transcript as txt, md, vtt, srt and json. Pure: the same transcript gives the same bytes.

Every format keeps every word in order. What is special to a format is escaped, never dropped.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.workspace.transcripts.captions import SENTENCE_END, Cue, cut_cues
from services.workspace.transcripts.domain import Correction, StoredSegment, StoredTranscript
from shared.errors import InvalidError

PARAGRAPH_PAUSE_MS = 2_000
PARAGRAPH_CHARACTERS = 600
_MARKDOWN_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&$!#])")
_MARKDOWN_LIST_START = re.compile(r"^(\d+)([.)])|^([-+=])")


class Format(StrEnum):
    """How a transcript can be fetched."""

    TXT = "txt"
    """Paragraphs to read."""
    MD = "md"
    """Markdown with title, gist and a link at each paragraph."""
    VTT = "vtt"
    """WebVTT captions."""
    SRT = "srt"
    """SubRip captions."""
    JSON = "json"
    """Segments and words with times in seconds."""


MEDIA_TYPES: dict[Format, str] = {
    Format.TXT: "text/plain",
    Format.MD: "text/markdown",
    Format.VTT: "text/vtt",
    Format.SRT: "application/x-subrip",
    Format.JSON: "application/json",
}


class TranscriptHasNoTimesError(InvalidError):
    """A written update has no times, so there are no captions; fetch it as txt, md or json."""

    code = "transcript-has-no-times"


@dataclass(frozen=True, kw_only=True, slots=True)
class WordReply:
    """One word; times are seconds from the start of the recording."""

    start: float
    end: float
    word: str
    probability: float
    correction: Annotated[
        UUID | None,
        Field(
            description="Which correction put the word there; absent where it was heard.",
            exclude_if=lambda correction: correction is None,
        ),
    ] = None


class SegmentReply(BaseModel):
    """A sentence-like stretch; times are seconds, absent in written updates."""

    model_config = ConfigDict(frozen=True)

    id: int
    start: float | None
    end: float | None
    text: str
    language: str | None
    language_probability: float | None = Field(
        description="How sure recognition is of the language; null where it was written."
    )
    confidence: float | None
    speaker: str | None = Field(description="A label, or the name somebody gave it.")
    speaker_label: str | None = Field(
        default=None,
        description="The label, whatever the name; absent where nobody was told apart.",
        exclude_if=lambda label: label is None,
    )
    words: tuple[WordReply, ...] = ()
    repeats_cut: int = Field(
        default=0,
        description="Words left out because recognition went round in a circle; absent for none.",
        exclude_if=lambda count: count == 0,
    )
    original: str | None = Field(
        default=None,
        description="What was heard; absent where nobody corrected it.",
        exclude_if=lambda original: original is None,
    )


class CorrectionReply(BaseModel):
    """Other words for some that were heard wrongly; times are seconds."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    start: float
    end: float
    original: str
    replacement: str
    author_id: UUID
    author_name: str
    made_at: datetime


class TranscriptReply(BaseModel):
    """A transcript in the field names that speech tools share."""

    model_config = ConfigDict(frozen=True)

    update_id: UUID
    state: str = Field(description="`growing` while someone still speaks, then `complete`.")
    text: str
    language: str | None
    duration: float | None
    segments: tuple[SegmentReply, ...]
    corrections: tuple[CorrectionReply, ...] = Field(description="Oldest first.")


def render(
    transcript: StoredTranscript, wanted: Format, *, times: bool = False, speakers: bool = True
) -> str:
    """Return the transcript in a format; captions of a written update are refused."""
    if wanted is Format.JSON:
        return as_reply(transcript).model_dump_json()
    if wanted is Format.TXT:
        return to_txt(transcript, times=times, speakers=speakers)
    if wanted is Format.MD:
        return to_markdown(transcript)
    if transcript.segments and not transcript.is_timed:
        raise TranscriptHasNoTimesError
    cues = cut_cues(transcript.segments)
    return to_vtt(cues, transcript.language) if wanted is Format.VTT else to_srt(cues)


def to_txt(transcript: StoredTranscript, *, times: bool = False, speakers: bool = True) -> str:
    """Return plain paragraphs, each with its time and speaker where asked for and known."""
    paragraphs = []
    for group in _paragraphs(transcript.segments):
        first = group[0]
        text = _joined(group)
        if speakers and first.speaker:
            text = f"{first.speaker}: {text}"
        if times and first.start_ms is not None:
            text = f"[{_short_time(first.start_ms)}] {text}"
        paragraphs.append(text)
    return "\n\n".join(paragraphs) + "\n" if paragraphs else ""


def to_markdown(transcript: StoredTranscript) -> str:
    """Return a page with title, gist and paragraphs that link to their moment."""
    blocks = [f"# {_markdown(transcript.title)}"]
    blocks.extend(f"> {_markdown(sentence)}" for sentence in transcript.gist)
    for group in _paragraphs(transcript.segments):
        first = group[0]
        text = _markdown(_joined(group))
        if first.speaker:
            text = f"**{_markdown(first.speaker)}:** {text}"
        if first.start_ms is not None:
            address = f"{transcript.address}?t={first.start_ms // 1000}"
            text = f"[{_short_time(first.start_ms)}]({address}) {text}"
        blocks.append(text)
    return "\n\n".join(blocks) + "\n"


def to_vtt(cues: Sequence[Cue], language: str | None = None) -> str:
    """Return WebVTT; text is escaped so that nothing spoken can become markup or a new cue.

    What is not in the main language is marked with its own, so that it is read out rightly.
    """
    blocks = ["WEBVTT"]
    for cue in cues:
        text = "\n".join(_vtt_text(line) for line in cue.lines)
        if cue.language and language and cue.language != language:
            text = f"<lang {_vtt_text(cue.language)}>{text}</lang>"
        if cue.speaker:
            text = f"<v {_vtt_text(' '.join(cue.speaker.split()))}>{text}"
        blocks.append(f"{_clock(cue.start_ms, '.')} --> {_clock(cue.end_ms, '.')}\n{text}")
    return "\n\n".join(blocks) + "\n"


def to_srt(cues: Sequence[Cue]) -> str:
    """Return SubRip. It has no escapes, so what could break it is drawn as an arrow."""
    blocks = []
    for number, cue in enumerate(cues, start=1):
        lines = [line.replace("-->", "→") for line in cue.lines]
        if cue.speaker:
            lines[0] = f"{' '.join(cue.speaker.split())}: {lines[0]}"
        text = "\n".join(lines)
        blocks.append(
            f"{number}\n{_clock(cue.start_ms, ',')} --> {_clock(cue.end_ms, ',')}\n{text}\n"
        )
    return "\n".join(blocks)


def as_reply(transcript: StoredTranscript) -> TranscriptReply:
    """Return the transcript as data."""
    return TranscriptReply(
        update_id=transcript.update_id,
        state=transcript.state,
        text=_joined(transcript.segments),
        language=transcript.language,
        duration=_seconds(transcript.duration_ms),
        segments=tuple(_segment_reply(segment) for segment in transcript.segments),
        corrections=tuple(_correction_reply(each) for each in transcript.corrections),
    )


def _segment_reply(segment: StoredSegment) -> SegmentReply:
    return SegmentReply(
        id=segment.id,
        start=_seconds(segment.start_ms),
        end=_seconds(segment.end_ms),
        text=segment.text,
        language=segment.language,
        language_probability=_rounded(segment.language_probability),
        confidence=_rounded(segment.confidence),
        repeats_cut=segment.repeats_cut,
        speaker=segment.speaker,
        speaker_label=segment.speaker_label,
        words=tuple(
            WordReply(
                start=word.start_ms / 1000,
                end=word.end_ms / 1000,
                word=word.text,
                probability=round(word.confidence, 3),
                correction=word.correction,
            )
            for word in segment.words
        ),
        original=segment.original,
    )


def _correction_reply(correction: Correction) -> CorrectionReply:
    return CorrectionReply(
        id=correction.id,
        start=correction.anchor.start_ms / 1000,
        end=correction.anchor.end_ms / 1000,
        original=correction.anchor.original,
        replacement=correction.replacement,
        author_id=correction.author_id,
        author_name=correction.author_name,
        made_at=correction.made_at,
    )


def _paragraphs(segments: Sequence[StoredSegment]) -> list[list[StoredSegment]]:
    """Return the segments in groups: a new speaker, a pause or a full paragraph begins the next."""
    groups: list[list[StoredSegment]] = []
    for segment in segments:
        if not segment.text.strip():
            continue
        if groups and not _begins_paragraph(groups[-1], segment):
            groups[-1].append(segment)
        else:
            groups.append([segment])
    return groups


def _begins_paragraph(group: Sequence[StoredSegment], segment: StoredSegment) -> bool:
    last = group[-1]
    if last.speaker != segment.speaker:
        return True
    if not SENTENCE_END.search(last.text.rstrip()):
        return False
    pause_ms = (segment.start_ms or 0) - (last.end_ms or 0)
    if pause_ms >= PARAGRAPH_PAUSE_MS:
        return True
    return sum(len(earlier.text) for earlier in group) >= PARAGRAPH_CHARACTERS


def _joined(segments: Sequence[StoredSegment]) -> str:
    return " ".join(" ".join(segment.text.split()) for segment in segments if segment.text.strip())


def _rounded(share: float | None) -> float | None:
    """Say no more than is known: the engine's third decimal is already noise."""
    return None if share is None else round(share, 3)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _short_time(milliseconds: int) -> str:
    """Return 1:05 or 1:02:05, as people write it."""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def _clock(milliseconds: int, mark: str) -> str:
    """Return 00:01:05.250 with the decimal mark the format wants."""
    seconds, thousandths = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{mark}{thousandths:03d}"


def _vtt_text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _markdown(text: str) -> str:
    """Return text that Markdown shows as it was said."""
    escaped = _MARKDOWN_SPECIAL.sub(r"\\\1", " ".join(text.split()))
    return _MARKDOWN_LIST_START.sub(
        lambda match: f"{match[1]}\\{match[2]}" if match[1] else f"\\{match[3]}", escaped
    )
