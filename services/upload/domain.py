"""Decides what an upload may do next, and reads the headers that ask for it. Pure.

Bytes and locks live in receiving.py, rows in store.py. Everything a client can get wrong has its
own error here.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.errors import (
    ConflictError,
    GoneError,
    InvalidError,
    MalformedError,
    MissingError,
    TidingsError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
)

TUS_VERSION = "1.0.0"
TUS_EXTENSIONS = (
    "creation",
    "creation-with-upload",
    "creation-defer-length",
    "expiration",
    "checksum",
    "termination",
)
CHECKSUM_ALGORITHMS = ("sha1", "sha256", "md5")
DIGEST_BYTES = {"sha1": 20, "sha256": 32, "md5": 16}
MAX_METADATA_BYTES = 4096
MAX_NUMBER = 2**63 - 1
"""Sizes are kept as bigint."""

_NUMBER = re.compile(r"[0-9]{1,19}\Z")
_METADATA_KEY = re.compile(r"[!-+\--~]+\Z")


# --- what can be wrong ------------------------------------------------------------


class TokenMissingError(UnauthenticatedError):
    """Send the token that was given for this."""

    code = "token-missing"


class UploadNotFoundError(MissingError):
    """There is no such upload, or it is not yours."""

    code = "upload-not-found"


class UploadTerminatedError(GoneError):
    """This upload was removed."""

    code = "upload-terminated"


class UploadExpiredError(GoneError):
    """This upload was left unfinished for too long and has been removed."""

    code = "upload-expired"


class OffsetMismatchError(ConflictError):
    """The upload does not stand at that offset; ask for it with HEAD and go on from there."""

    code = "offset-mismatch"


class UploadTakenOverError(ConflictError):
    """A newer request continues this upload; ask for the offset with HEAD."""

    code = "upload-taken-over"


class UploadCompleteError(ConflictError):
    """All bytes of this upload have already arrived."""

    code = "upload-already-complete"


class UploadDiffersError(ConflictError):
    """An upload with another length was already opened with this token."""

    code = "upload-differs"


class LengthFixedError(ConflictError):
    """The length of this upload is already known and cannot change."""

    code = "upload-length-fixed"


class UploadTooLargeError(TooLargeError):
    """That is more than this upload may hold."""

    code = "upload-too-large"


class HeaderError(MalformedError):
    """A header is missing or malformed."""

    code = "header-malformed"


class ChecksumUnsupportedError(MalformedError):
    """The checksum's algorithm is not one of sha1, sha256, md5."""

    code = "checksum-unsupported"


class ChecksumMismatchError(InvalidError):
    """The bytes do not match their checksum; nothing of this request was kept."""

    code = "checksum-mismatch"
    status = 460
    retryable = True


class VersionUnsupportedError(InvalidError):
    """This server speaks tus 1.0.0; say so in Tus-Resumable."""

    code = "tus-version-unsupported"
    status = 412


class BodyCutError(TidingsError):
    """The connection ended in the middle of the request."""

    code = "body-cut"
    status = 400


class BodyIdleError(TidingsError):
    """Nothing arrived for too long; what came before is kept. Ask for the offset and go on."""

    code = "upload-idle"
    status = 408


class StoppingError(UnavailableError):
    """The server is stopping; what came so far is kept. Ask for the offset and go on."""

    code = "upload-server-stopping"


class MediaNotFoundError(MissingError):
    """There is no such media, or it is not ready yet."""

    code = "media-not-found"


# --- values ------------------------------------------------------------


class UploadState(StrEnum):
    """Where an upload stands."""

    ARRIVING = "arriving"
    """Bytes may be appended."""
    COMPLETE = "complete"
    """All bytes are stored."""
    TERMINATED = "terminated"
    """Removed by the sender; its parts are being deleted."""
    EXPIRED = "expired"
    """Left unfinished; its parts are being deleted."""


@dataclass(frozen=True, kw_only=True)
class Permit:
    """What a token allows: one upload, so and so large."""

    team_id: UUID
    thread_id: UUID
    update_id: UUID
    recording_id: UUID
    member_id: UUID
    language: str | None
    max_bytes: int
    max_seconds: int


@dataclass(frozen=True, kw_only=True)
class Upload:
    """The head of one upload's ledger."""

    recording_id: UUID
    team_id: UUID
    thread_id: UUID
    update_id: UUID
    language: str | None
    length_bytes: int | None
    offset_bytes: int
    part_count: int
    metadata: str
    state: UploadState
    writer: UUID | None
    max_bytes: int
    expires_at: datetime

    @property
    def is_whole(self) -> bool:
        """True when every byte of the declared length is stored."""
        return self.offset_bytes == self.length_bytes

    @property
    def limit_bytes(self) -> int:
        """Return how many bytes it may hold at most, by declaration or by token."""
        return self.max_bytes if self.length_bytes is None else self.length_bytes


@dataclass(frozen=True, kw_only=True)
class Part:
    """A stretch of the upload, stored as one blob."""

    number: int
    offset_bytes: int
    size_bytes: int
    sha256: str
    key: str

    @property
    def end_bytes(self) -> int:
        """Return the offset just behind it."""
        return self.offset_bytes + self.size_bytes


@dataclass(frozen=True, kw_only=True)
class StoredMedia:
    """Something to play or draw, stored as one blob."""

    key: str
    media_type: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Checksum:
    """What the bytes of one request must hash to."""

    algorithm: str
    digest: bytes


# --- keys ------------------------------------------------------------


def recording_prefix(recording_id: UUID) -> str:
    """Return what the keys of all blobs of a recording begin with."""
    return f"recordings/{recording_id}/"


def part_key(recording_id: UUID, number: int, writer: UUID) -> str:
    """Return the key of a part.

    The writer is in it because two requests may race for the same part, and whoever loses deletes
    its own blob: were the key made of the content, that would be the winner's blob too.
    """
    return f"{recording_prefix(recording_id)}parts/{number:06d}-{writer.hex[-16:]}"


# --- decisions ------------------------------------------------------------


def check_present(upload: Upload) -> None:
    """Raise unless the upload still exists: arriving or complete."""
    match upload.state:
        case UploadState.TERMINATED:
            raise UploadTerminatedError
        case UploadState.EXPIRED:
            raise UploadExpiredError
        case UploadState.ARRIVING | UploadState.COMPLETE:
            return


def check_length(length: int | None, permit: Permit) -> None:
    """Raise when the declared length is more than the token allows."""
    if length is not None and length > permit.max_bytes:
        raise UploadTooLargeError(length_bytes=length, max_bytes=permit.max_bytes)


def check_same_upload(upload: Upload, length: int | None, metadata: str) -> None:
    """Decide whether asking again for an upload means this one, so that a lost reply does no harm.

    Raises UploadDiffersError for another length and, once it is complete, UploadCompleteError
    unless the metadata agree too: otherwise it could be a second recording, silently dropped.
    """
    check_present(upload)
    if upload.state is UploadState.COMPLETE:
        if upload.length_bytes != length or upload.metadata != metadata:
            raise UploadCompleteError
    elif length is not None and upload.length_bytes not in (None, length):
        raise UploadDiffersError(length_bytes=upload.length_bytes)


def check_append(
    upload: Upload, *, offset: int, length: int | None, body_bytes: int | None
) -> None:
    """Raise unless a request may append ``body_bytes`` (None: not known yet) at ``offset``.

    ``length`` is the length it declares: allowed while deferred, or when it repeats what is known.
    """
    check_present(upload)
    if upload.offset_bytes != offset:
        raise OffsetMismatchError(offset_bytes=upload.offset_bytes)
    if length is not None:
        _check_declared(upload, length)
    limit = upload.limit_bytes if length is None else length
    if body_bytes is not None and offset + body_bytes > limit:
        raise UploadTooLargeError(max_bytes=limit)
    if upload.state is UploadState.COMPLETE and body_bytes != 0:
        raise UploadCompleteError


def _check_declared(upload: Upload, length: int) -> None:
    if upload.length_bytes is not None:
        if upload.length_bytes != length:
            raise LengthFixedError(length_bytes=upload.length_bytes)
        return
    if length > upload.max_bytes:
        raise UploadTooLargeError(length_bytes=length, max_bytes=upload.max_bytes)
    if length < upload.offset_bytes:
        raise LengthFixedError(
            "More bytes than that have already arrived.", offset_bytes=upload.offset_bytes
        )


# --- headers ------------------------------------------------------------


def parse_number(name: str, value: str) -> int:
    """Return a non-negative whole number, or raise HeaderError naming the header."""
    if not _NUMBER.match(value) or int(value) > MAX_NUMBER:
        raise HeaderError(f"{name} must be a whole number of bytes.", header=name)
    return int(value)


def parse_length(length: str | None, deferred: str | None) -> int | None:
    """Return the declared length, or None while deferred; exactly one of both must be there."""
    if (length is None) == (deferred is None):
        raise HeaderError(
            "Send either Upload-Length or Upload-Defer-Length: 1.", header="Upload-Length"
        )
    if length is not None:
        return parse_number("Upload-Length", length)
    if deferred != "1":
        raise HeaderError("Upload-Defer-Length can only be 1.", header="Upload-Defer-Length")
    return None


def parse_metadata(header: str) -> dict[str, bytes]:
    """Return the pairs of Upload-Metadata; raise HeaderError for what the protocol forbids."""
    if len(header) > MAX_METADATA_BYTES:
        raise HeaderError("Upload-Metadata is too long.", header="Upload-Metadata")
    pairs: dict[str, bytes] = {}
    for element in header.split(",") if header.strip() else ():
        key, _, value = element.strip(" ").partition(" ")
        if not _METADATA_KEY.match(key) or key in pairs:
            raise HeaderError(
                "A key in Upload-Metadata is malformed or repeated.", header="Upload-Metadata"
            )
        pairs[key] = _decode_base64("Upload-Metadata", value)
    return pairs


def parse_checksum(header: str) -> Checksum:
    """Return the algorithm and digest; raise ChecksumUnsupportedError or HeaderError."""
    algorithm, _, value = header.partition(" ")
    if algorithm not in DIGEST_BYTES:
        raise ChecksumUnsupportedError
    digest = _decode_base64("Upload-Checksum", value)
    if len(digest) != DIGEST_BYTES[algorithm]:
        raise HeaderError(
            "The digest in Upload-Checksum has the wrong size.", header="Upload-Checksum"
        )
    return Checksum(algorithm, digest)


def _decode_base64(name: str, value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise HeaderError(f"A value in {name} is not base64.", header=name) from exc
