"""The CloudEvents 1.0 envelope: structured JSON, strict when written, tolerant when read.

The id is also the ``Nats-Msg-Id``; the trace travels in a header beside the envelope, not in it.
"""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from shared.contracts import registry
from shared.contracts.messages import Message
from shared.errors import InvalidError

CONTENT_TYPE = "application/cloudevents+json"
MAX_ENVELOPE_BYTES = 900_000
"""Below the 1 MiB a NATS server allows unless told otherwise; media never rides the bus."""

_TYPE_PREFIX = "tidings."
_SOURCE_PREFIX = "tidings/"


class Envelope(BaseModel):
    """One message as it travels, its data not yet looked into."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: str = Field(pattern=r"^1\.0$")
    id: UUID
    source: str = Field(min_length=1, description="`tidings/` and the service that sent it.")
    type: str = Field(pattern=r"^tidings\.[a-z]+\.[a-z]+\.v[0-9]+$")
    subject: str | None = Field(default=None, description="The thing it is about, `update/<id>`.")
    time: AwareDatetime
    datacontenttype: str = Field(default="application/json", pattern=r"^application/json$")
    data: dict[str, Any]


class UnreadableMessageError(InvalidError):
    """The message is not an envelope with the data its type promises."""

    code = "message-unreadable"


class UnknownMessageError(InvalidError):
    """No message of this type and version is known here."""

    code = "message-unknown"


class UnfitMessageError(InvalidError):
    """The message breaks its own contract and was not sent."""

    code = "message-unfit"


def pack(message: Message, *, message_id: UUID, time: datetime) -> bytes:
    """Return the envelope as JSON, in the name of the message's producer.

    Raises UnfitMessageError when the message is not registered, breaks its own fields (it was made
    with ``model_construct`` or carries too much) or is too large to travel.
    """
    contract = registry.BY_MESSAGE.get(type(message))
    if contract is None:
        raise UnfitMessageError(f"{type(message).__name__} is not in the registry")
    envelope = {
        "specversion": "1.0",
        "id": str(message_id),
        "source": _SOURCE_PREFIX + contract.producer,
        "type": _TYPE_PREFIX + contract.type,
        "subject": _about(message),
        "time": time.isoformat(),
        "datacontenttype": "application/json",
        "data": _checked_data(message),
    }
    payload = json.dumps(
        {name: value for name, value in envelope.items() if value is not None},
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()
    if len(payload) > MAX_ENVELOPE_BYTES:
        raise UnfitMessageError(type=contract.type, size_bytes=len(payload))
    return payload


def open_envelope(payload: bytes) -> Envelope:
    """Read the outer layer, or raise UnreadableMessageError."""
    try:
        return Envelope.model_validate_json(payload)
    except ValidationError as exc:
        raise UnreadableMessageError(errors=_faults(exc)) from None


def unpack(payload: bytes) -> tuple[Envelope, Message]:
    """Read a message, ignoring unknown fields; unknown types and broken data are InvalidErrors."""
    envelope = open_envelope(payload)
    contract = registry.BY_TYPE.get(envelope.type.removeprefix(_TYPE_PREFIX))
    if contract is None:
        raise UnknownMessageError(type=envelope.type)
    try:
        return envelope, contract.message.model_validate(envelope.data)
    except ValidationError as exc:
        raise UnreadableMessageError(errors=_faults(exc), type=envelope.type) from None


def _checked_data(message: Message) -> Any:
    """Validate what is about to leave: frozen models can still be built past their checks."""
    try:
        data = json.loads(message.model_dump_json(warnings="error"))
        type(message).model_validate(data, extra="forbid")
    except ValueError as exc:  # pydantic's validation and serialisation errors are both ValueErrors
        faults = _faults(exc) if isinstance(exc, ValidationError) else ()
        raise UnfitMessageError(errors=faults, type=type(message).__name__) from None
    return data


def _faults(exc: ValidationError) -> tuple[tuple[str, str], ...]:
    """Name fields and rules only: the values may be what people said."""
    return tuple(
        (".".join(map(str, fault["loc"])), fault["type"])
        for fault in exc.errors(include_url=False, include_context=False, include_input=False)
    )


def _about(message: Message) -> str | None:
    """Return the narrowest thing the message names, for those who route by CloudEvents subject."""
    noun = message.noun
    for field in (f"{noun}_id", "comment_id", "update_id", "thread_id", "member_id", "team_id"):
        value = getattr(message, field, None)
        if value is not None:
            return f"{field.removesuffix('_id')}/{value}"
    return None
