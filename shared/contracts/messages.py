"""Every message, as data. Facts say what happened, wishes ask for work.

The registry says who sends and who reads them.

A field may be added as optional; anything else is a new class with the next ``version``.
"""

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.contracts.summary import Statement
from shared.contracts.transcript import Segment


class Message(BaseModel):
    """Data of one envelope. Unknown fields are ignored when read: a newer producer may add some."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    noun: ClassVar[str]
    verb: ClassVar[str]
    version: ClassVar[int] = 1

    team_id: UUID


class Fact(Message):
    """Something that happened in a team."""


class Wish(Message):
    """Work to be done once, by whichever replica takes it."""


# --- workspace -------------------------------------------------------------


class TeamFounded(Fact):
    """A team came into being."""

    noun, verb = "team", "founded"

    name: str


class TeamChanged(Fact):
    """A team was renamed, or it said what it speaks and which names to expect."""

    noun, verb = "team", "changed"

    name: str
    languages: tuple[str, ...] = Field(
        default=(), description="ISO 639-1 of what is spoken; empty: anything."
    )
    glossary: tuple[str, ...] = Field(
        default=(), description="Names, products and jargon that recognition should expect."
    )
    revision: int = Field(ge=1, description="Grows with every change; an older one is outdated.")


class MemberJoined(Fact):
    """A person joined the team."""

    noun, verb = "member", "joined"

    member_id: UUID
    name: str
    role: str


class MemberLeft(Fact):
    """A person left the team or was removed."""

    noun, verb = "member", "left"

    member_id: UUID


class ThreadOpened(Fact):
    """A topic was opened."""

    noun, verb = "thread", "opened"

    thread_id: UUID
    title: str
    member_id: UUID


class ThreadChanged(Fact):
    """A topic was renamed, concluded or reopened."""

    noun, verb = "thread", "changed"

    thread_id: UUID
    title: str
    concluded: bool
    conclusion: str | None = None


class UpdateFact(Fact):
    """Something that happened to one update."""

    thread_id: UUID
    update_id: UUID


class UpdateKind(StrEnum):
    """How an update is told."""

    RECORDING = "recording"
    """Spoken: audio or video."""
    TEXT = "text"
    """Written."""


class UpdatePosted(UpdateFact):
    """Someone posted an update. A recording's bytes may still be on their way."""

    noun, verb = "update", "posted"

    member_id: UUID
    kind: UpdateKind
    recording_id: UUID | None = None
    reply_to: UUID | None = Field(default=None, description="The update this one answers.")
    language: str | None = Field(default=None, description="ISO 639-1 where the author fixed it.")
    sentences: tuple[str, ...] = Field(
        default=(), description="A written update's text, sentence by sentence."
    )
    posted_at: AwareDatetime


class UpdateChanged(UpdateFact):
    """The author gave an update another title, or lets its summary find one."""

    noun, verb = "update", "changed"

    title: str | None = Field(default=None, description="None: there is none yet.")


class UpdateRemoved(UpdateFact):
    """An update was removed by its author or an owner; whoever holds parts of it forgets them."""

    noun, verb = "update", "removed"

    recording_id: UUID | None = None


class CommentPosted(UpdateFact):
    """Someone commented on an update, perhaps at a moment of it."""

    noun, verb = "comment", "posted"

    comment_id: UUID
    member_id: UUID
    parent_id: UUID | None = None
    at_ms: int | None = Field(default=None, ge=0)
    text: str


class CommentChanged(UpdateFact):
    """The author reworded a comment."""

    noun, verb = "comment", "changed"

    comment_id: UUID
    text: str


class CommentRemoved(UpdateFact):
    """A comment was removed."""

    noun, verb = "comment", "removed"

    comment_id: UUID


class CorrectionMade(UpdateFact):
    """Someone corrected words of a transcript; every format shows the new ones from now on."""

    noun, verb = "correction", "made"

    correction_id: UUID
    member_id: UUID
    start_ms: int = Field(ge=0)
    end_ms: int = Field(ge=0)
    original: str = Field(description="The words that stood there.")
    replacement: str


class CorrectionWithdrawn(UpdateFact):
    """Someone took a correction back; what was heard, or corrected before, stands again."""

    noun, verb = "correction", "withdrawn"

    correction_id: UUID
    member_id: UUID = Field(description="Who took it back.")


class SpeakerNamed(UpdateFact):
    """Someone said who a speaker of this update is, or took that back. Holds for it alone."""

    noun, verb = "speaker", "named"

    label: str
    name: str | None
    member_id: UUID


class RetranscriptionRequest(Wish):
    """Hear a recording anew from its stored bytes; the earlier transcript stays until then."""

    noun, verb = "retranscription", "request"

    recording_id: UUID
    language: str | None = Field(
        default=None, description="ISO 639-1 if it is known now; None: found by listening."
    )


# --- upload ----------------------------------------------------------------


class RecordingStarted(UpdateFact):
    """An upload was opened; bytes will follow."""

    noun, verb = "recording", "started"

    recording_id: UUID
    language: str | None = None
    is_live: bool = Field(description="True while the length is unknown: someone is speaking.")


class RecordingGrew(UpdateFact):
    """A part of the recording is safely stored."""

    noun, verb = "recording", "grew"

    recording_id: UUID
    part_number: int = Field(ge=0)
    offset: int = Field(ge=0)
    key: str
    size_bytes: int = Field(gt=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class RecordingCompleted(UpdateFact):
    """All bytes of the recording are safely stored."""

    noun, verb = "recording", "completed"

    recording_id: UUID
    part_count: int = Field(ge=0)
    size_bytes: int = Field(ge=0)


class RenditionKind(StrEnum):
    """What a rendition is for."""

    VIDEO = "video"
    """Plays in every browser, picture and sound."""
    AUDIO = "audio"
    """Sound only (AAC in MP4)."""
    POSTER = "poster"
    """A still picture (JPEG)."""
    PEAKS = "peaks"
    """The waveform (JSON)."""


class Rendition(BaseModel):
    """One playable or drawable form of a recording."""

    model_config = ConfigDict(frozen=True)

    kind: RenditionKind
    key: str
    media_type: str
    size_bytes: int = Field(ge=0)
    sha256: str
    width: int | None = None
    height: int | None = None


class RecordingReady(UpdateFact):
    """The recording can be played. Sent again when a better rendition replaced one."""

    noun, verb = "recording", "ready"

    recording_id: UUID
    duration_ms: int = Field(ge=0)
    has_video: bool
    renditions: tuple[Rendition, ...]


class RecordingRefused(UpdateFact):
    """The bytes are not a recording we can use; the code says why."""

    noun, verb = "recording", "refused"

    recording_id: UUID
    code: str
    detail: str


class RecordingExpired(UpdateFact):
    """The upload was abandoned and its bytes removed."""

    noun, verb = "recording", "expired"

    recording_id: UUID


class RenditionRequest(Wish):
    """Probe a complete recording and make it playable."""

    noun, verb = "rendition", "request"

    recording_id: UUID


class TranscodeRequest(Wish):
    """Re-encode a recording that browsers cannot play as it is; low priority."""

    noun, verb = "transcode", "request"

    recording_id: UUID


# --- transcription ---------------------------------------------------------


class TranscriptionRequest(Wish):
    """Recognise one chunk of speech."""

    noun, verb = "transcription", "request"

    recording_id: UUID
    chunk_id: UUID
    chunk_index: int = Field(ge=0)
    key: str = Field(description="Blob of 16 kHz mono signed 16-bit little-endian samples.")
    start_ms: int = Field(ge=0)
    end_ms: int = Field(ge=0)
    language: str | None = Field(default=None, description="None: detect.")


class TranscriptHeard(UpdateFact):
    """What is being said at this moment, provisionally, while somebody speaks.

    Each replaces the one before, and `transcript.grew` replaces them all. The log forgets it after
    a minute, so it may be missing when read later.
    """

    noun, verb = "transcript", "heard"

    recording_id: UUID
    segments: tuple[Segment, ...]
    from_ms: int = Field(ge=0, description="What is said here begins no earlier.")
    heard_ms: int = Field(ge=0, description="The sound up to this time was listened to.")


class SpeakersRequest(Wish):
    """Tell apart who speaks in a recording whose words are known; low priority."""

    noun, verb = "speakers", "request"

    recording_id: UUID


class TranscriptGrew(UpdateFact):
    """More of what was said is known. Segments come in order and without gaps."""

    noun, verb = "transcript", "grew"

    recording_id: UUID
    segments: tuple[Segment, ...]
    known_ms: int = Field(ge=0, description="Everything before this time is settled.")
    arrived_ms: int = Field(ge=0, description="How much of the recording has been heard so far.")


class TranscriptCompleted(UpdateFact):
    """The transcript is whole; read it from the blob. A later revision replaces an earlier one."""

    noun, verb = "transcript", "completed"

    recording_id: UUID
    revision: int = Field(
        default=0, ge=0, description="Grows with every better transcript of the same recording."
    )
    request_id: UUID | None = Field(
        default=None, description="Message id of the `RetranscriptionRequest` it answers."
    )
    language: str
    duration_ms: int = Field(ge=0)
    segment_count: int = Field(ge=1)
    word_count: int = Field(ge=0)
    key: str = Field(description="Blob of a `Transcript` as JSON.")
    size_bytes: int = Field(gt=0)
    sha256: str


class TranscriptFailed(UpdateFact):
    """There will be no transcript, or no better one; the code says why, e.g. `no-speech-found`."""

    noun, verb = "transcript", "failed"

    recording_id: UUID
    request_id: UUID | None = Field(
        default=None, description="Message id of the `RetranscriptionRequest` it answers."
    )
    code: str
    detail: str


# --- summary ---------------------------------------------------------------


class SummaryCompleted(UpdateFact):
    """The update is summarised; every statement carries its evidence."""

    noun, verb = "summary", "completed"

    language: str
    statements: tuple[Statement, ...]
