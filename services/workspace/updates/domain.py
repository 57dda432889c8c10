"""Rules of updates: the states they begin in, and how written text falls into sentences. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime

from shared.errors import ConflictError, InvalidError, TooLargeError

TEXT_MAX = 20_000
TITLE_MAX = 200
# A sentence ends at . ! ? … (with closing marks) before a blank; abbreviations do not end one.
_END = re.compile(
    r"(?<=[.!?\u2026])[\"'\u201d\u2019\u00bb)\]]*\s+(?=[\"'\u201c\u2018\u201e\u00ab(\[]*[^\s\d])"
)
_SHORT = re.compile(
    r"(?:\b(?:[A-Za-z]|[A-Za-z]\.\s?[A-Za-z]|Dr|Mr|Mrs|Ms|Prof|St|No|Nr|vs|etc|ca|bzw|usw|evtl|ggf|"
    r"inkl|bijv|mevr|dhr|approx|e\.g|i\.e)|\d)\.$"
)


class ReplyElsewhereError(InvalidError):
    """An update answers another one of the same thread."""

    code = "reply-elsewhere"


class RecordingTooLargeError(TooLargeError):
    """The recording is larger than allowed here."""

    code = "recording-too-large"


class RecordingEmptyError(InvalidError):
    """The file is empty: there is nothing to send."""

    code = "recording-empty"


class NothingToUploadError(ConflictError):
    """This update expects no recording any more."""

    code = "nothing-to-upload"


class NothingToTranscribeError(ConflictError):
    """There is no complete recording whose words could be heard again."""

    code = "nothing-to-transcribe"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why an update is not what it should be."""

    code: str
    detail: str | None


NEVER_SENT = Problem(
    code="never-sent",
    detail="The recording was never sent. Its author may ask for a new upload and send it.",
)


def problem_now(
    stored: Problem | None,
    *,
    recording_state: str,
    upload_expires_at: datetime | None,
    now: datetime,
) -> Problem | None:
    """Return what is wrong: as others told, or that nothing came while it was allowed to.

    The latter is kept nowhere, so it passes when the author renews the upload.
    """
    if stored is None and recording_state == "waiting" and upload_expires_at is not None:
        return NEVER_SENT if upload_expires_at <= now else None
    return stored


def require_size(size_bytes: int | None, limit: int) -> None:
    """Refuse a recording that is known to be empty or too large before a byte was sent."""
    if size_bytes == 0:
        raise RecordingEmptyError
    if size_bytes is not None and size_bytes > limit:
        raise RecordingTooLargeError(
            f"The recording is larger than {limit >> 20} MiB.", limit_bytes=limit
        )


def sentences_of(text: str) -> tuple[str, ...]:
    """Split written text into sentences; every line ends one. No words are lost or changed."""
    return tuple(
        sentence for line in text.splitlines() for sentence in _sentences_of_line(line.strip())
    )


def _sentences_of_line(line: str) -> list[str]:
    if not line:
        return []
    sentences: list[str] = []
    start = 0
    for end in _END.finditer(line):
        before = line[start : end.start()]
        if _SHORT.search(before):
            continue
        sentences.append(line[start : end.end()].strip())
        start = end.end()
    sentences.append(line[start:])
    return sentences
