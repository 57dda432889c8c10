"""Who says what to whom: message, subject, stream, producer and consumers in one place.

Streams, permissions, the event reference and the AsyncAPI document are all made from this page.
"""

from dataclasses import dataclass
from uuid import UUID

from shared.contracts import messages as m

FACTS_STREAM = "FACTS"
WISHES_STREAM = "WISHES"
DEAD_STREAM = "DEAD"


@dataclass(frozen=True, kw_only=True)
class Contract:
    """One message class and the service that alone may publish it. Its docstring is its meaning."""

    message: type[m.Message]
    producer: str
    kept_s: int | None = None
    """Seconds until the log forgets it; None: as long as all facts."""

    @property
    def is_fact(self) -> bool:
        """True for what happened, False for work to do."""
        return issubclass(self.message, m.Fact)

    @property
    def stream(self) -> str:
        """Name of the JetStream stream that keeps it."""
        return FACTS_STREAM if self.is_fact else WISHES_STREAM

    @property
    def type(self) -> str:
        """CloudEvents type, e.g. ``recording.completed.v1``."""
        return f"{self.message.noun}.{self.message.verb}.v{self.message.version}"

    def subject(self, team_id: UUID | str = "*") -> str:
        """Return the subject for one team, or all with ``*``; a wish has no team in its own."""
        return (
            f"tidings.fact.{team_id}.{self.type}" if self.is_fact else f"tidings.wish.{self.type}"
        )


@dataclass(frozen=True, kw_only=True)
class Consumer:
    """A durable reader.

    ``max_attempts`` is ours, counted before the work; the server's own limit is higher.
    """

    durable: str
    service: str
    messages: tuple[type[m.Message], ...]
    ack_wait_s: float = 30.0
    max_attempts: int = 8
    concurrency: int = 8
    retry_base_s: float = 0.5
    retry_cap_s: float = 60.0
    deadline_s: float = 300.0
    """An attempt that takes longer has failed, however alive it looks."""

    @property
    def stream(self) -> str:
        """Name of the stream it reads; one consumer reads facts or wishes, never both."""
        return BY_MESSAGE[self.messages[0]].stream

    @property
    def confirms(self) -> bool:
        """True where doing it again is so dear that the acknowledgement itself is waited for."""
        return self.stream == WISHES_STREAM

    @property
    def dead_subject(self) -> str:
        """Where its dead letters go."""
        return f"tidings.dead.{self.durable}"

    @property
    def replay_subject(self) -> str:
        """Where it, and nobody else, hears dead letters again. Part of the stream it reads."""
        return f"tidings.replay.{self.stream.lower()}.{self.durable}"

    @property
    def filter_subjects(self) -> tuple[str, ...]:
        """All subjects it listens to."""
        return (*(BY_MESSAGE[message].subject() for message in self.messages), self.replay_subject)


CONTRACTS: tuple[Contract, ...] = (
    *(
        Contract(message=message, producer="workspace")
        for message in (
            m.TeamFounded,
            m.TeamChanged,
            m.MemberJoined,
            m.MemberLeft,
            m.ThreadOpened,
            m.ThreadChanged,
            m.UpdatePosted,
            m.UpdateChanged,
            m.UpdateRemoved,
            m.CommentPosted,
            m.CommentChanged,
            m.CommentRemoved,
            m.CorrectionMade,
            m.CorrectionWithdrawn,
            m.SpeakerNamed,
            m.RetranscriptionRequest,
        )
    ),
    *(
        Contract(message=message, producer="upload")
        for message in (
            m.RecordingStarted,
            m.RecordingGrew,
            m.RecordingCompleted,
            m.RecordingReady,
            m.RecordingRefused,
            m.RecordingExpired,
            m.RenditionRequest,
            m.TranscodeRequest,
        )
    ),
    *(
        Contract(message=message, producer="transcription")
        for message in (
            m.TranscriptionRequest,
            m.SpeakersRequest,
            m.TranscriptGrew,
            m.TranscriptCompleted,
            m.TranscriptFailed,
        )
    ),
    Contract(message=m.TranscriptHeard, producer="transcription", kept_s=60),
    Contract(message=m.SummaryCompleted, producer="summary"),
)

CONSUMERS: tuple[Consumer, ...] = (
    Consumer(
        durable="workspace-follow-recordings",
        service="workspace",
        messages=(
            m.RecordingStarted,
            m.RecordingCompleted,
            m.RecordingReady,
            m.RecordingRefused,
            m.RecordingExpired,
        ),
    ),
    Consumer(
        durable="workspace-keep-transcripts",
        service="workspace",
        messages=(m.TranscriptGrew, m.TranscriptCompleted, m.TranscriptFailed),
    ),
    Consumer(
        durable="workspace-keep-summaries", service="workspace", messages=(m.SummaryCompleted,)
    ),
    Consumer(
        durable="upload-make-renditions",
        service="upload",
        messages=(m.RenditionRequest,),
        ack_wait_s=10.0,
        max_attempts=6,
        concurrency=4,
        retry_cap_s=15.0,
        deadline_s=3600.0,
    ),
    Consumer(
        durable="upload-transcode",
        service="upload",
        messages=(m.TranscodeRequest,),
        ack_wait_s=10.0,
        max_attempts=4,
        concurrency=1,
        deadline_s=6 * 3600.0,
    ),
    Consumer(durable="upload-forget", service="upload", messages=(m.UpdateRemoved,)),
    Consumer(
        durable="transcription-follow",
        service="transcription",
        messages=(
            m.RecordingStarted,
            m.RecordingGrew,
            m.RecordingCompleted,
            m.RecordingRefused,
            m.RecordingExpired,
        ),
        concurrency=32,
    ),
    Consumer(
        durable="transcription-recognise",
        service="transcription",
        messages=(m.TranscriptionRequest,),
        ack_wait_s=8.0,
        max_attempts=8,
        concurrency=16,
    ),
    Consumer(
        durable="transcription-know-teams", service="transcription", messages=(m.TeamChanged,)
    ),
    Consumer(
        durable="transcription-renew",
        service="transcription",
        messages=(m.RetranscriptionRequest,),
    ),
    Consumer(
        durable="transcription-tell-speakers",
        service="transcription",
        messages=(m.SpeakersRequest,),
        ack_wait_s=10.0,
        max_attempts=10,
        concurrency=1,
        deadline_s=3600.0,
    ),
    Consumer(durable="transcription-forget", service="transcription", messages=(m.UpdateRemoved,)),
    Consumer(
        durable="summary-write", service="summary", messages=(m.TranscriptCompleted, m.UpdatePosted)
    ),
    Consumer(durable="summary-forget", service="summary", messages=(m.UpdateRemoved,)),
)

SERVICES: tuple[str, ...] = ("workspace", "upload", "transcription", "summary", "delivery")

BY_TYPE: dict[str, Contract] = {contract.type: contract for contract in CONTRACTS}
BY_MESSAGE: dict[type[m.Message], Contract] = {contract.message: contract for contract in CONTRACTS}
CONSUMER_BY_DURABLE: dict[str, Consumer] = {consumer.durable: consumer for consumer in CONSUMERS}
