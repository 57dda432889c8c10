"""Routes of delivery. The workspace checked who asks; its signed token says what they may read."""

import asyncio
import json
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from services.delivery import usecases
from services.delivery.domain import ClaimsBrokenError, Reader, credential_of, team_of
from services.delivery.usecases import Delivery
from shared.bus.events import (
    Event,
    EventsExpiredError,
    PositionUnknownError,
    ReaderElsewhereError,
)
from shared.errors import InvalidError, UnauthenticatedError, UnavailableError
from shared.http.routes import QUERY, STOPPING, Access, Route, json_reply, no_content, path_id
from shared.http.tokens import TokenVerifier

DELIVERY: web.AppKey[Delivery] = web.AppKey("delivery", Delivery)
VERIFIER: web.AppKey[TokenVerifier] = web.AppKey("verifier", TokenVerifier)
MAX_POSITION = 1 << 53
RETRY_MS = 2000
_BEARER = "Bearer "
_EVENT_STREAM = "text/event-stream"


class PositionInvalidError(InvalidError):
    """Last-Event-ID must be the number of an event."""

    code = "position-invalid"


class EventsQuery(BaseModel):
    """Which events."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: Annotated[int, Field(ge=0, lt=MAX_POSITION)] | Literal["newest"] = Field(
        0, description="Number of the last event seen; `newest`: all that has happened so far."
    )
    limit: int = Field(100, ge=1, le=1000, description="JSON only: at most so many.")
    follow: bool = Field(default=False, description="True: a stream, whatever Accept says.")


class EventBody(BaseModel):
    """One event."""

    seq: int = Field(description="Its number; pass it as `after` to go on behind it.")
    event: dict[str, Any] = Field(description="The CloudEvents envelope; see the event reference.")


class EventPageBody(BaseModel):
    """Events in order. Ask again with ``after=next_after``."""

    items: list[EventBody]
    next_after: int


class IntegratorBody(BaseModel):
    """What a program needs to read a team's events from NATS."""

    credential_id: UUID
    expires_at: datetime
    nats_url: str
    stream: str
    consumer: str = Field(description="The durable pull consumer to bind to; it exists already.")
    subject: str
    inbox_prefix: str = Field(description="The client's inbox prefix; no other is allowed.")
    credentials: str = Field(description="Content of a NATS .creds file. Shown once.")


async def list_events(request: web.Request) -> web.StreamResponse:
    """Read events after a number: JSON, or Server-Sent Events by Accept."""
    query = cast("EventsQuery", request[QUERY])
    reader = Reader.from_claims(_claims(request, "events"))
    delivery = request.app[DELIVERY]
    after = await usecases.newest(delivery) if query.after == "newest" else query.after
    if query.follow or _EVENT_STREAM in request.headers.get("Accept", ""):
        return await _stream_events(request, reader, _position(request, after))
    page = await usecases.read_page(delivery, reader, after=after, limit=query.limit)
    return json_reply(
        EventPageBody(
            items=[EventBody(seq=event.seq, event=event.envelope) for event in page.events],
            next_after=page.next_after,
        )
    )


async def create_event_credentials(request: web.Request) -> web.StreamResponse:
    """Make NATS credentials for the team the token names."""
    claims = _claims(request, "event-credentials")
    if credential_of(claims) is not None:
        raise ClaimsBrokenError
    team_id = team_of(claims)
    made = await usecases.let_in(request.app[DELIVERY], team_id)
    return json_reply(
        IntegratorBody(
            credential_id=made.credential_id,
            expires_at=made.expires_at,
            nats_url=made.nats_url,
            stream=made.stream,
            consumer=made.consumer,
            subject=made.subject,
            inbox_prefix=f"_INBOX_{made.consumer}",
            credentials=made.credentials,
        ),
        status=201,
        headers={"Cache-Control": "no-store"},
    )


async def put_event_credential(request: web.Request) -> web.StreamResponse:
    """See that the credential the token names reads."""
    await usecases.keep_in(request.app[DELIVERY], *_named_credential(request))
    return no_content()


async def delete_event_credential(request: web.Request) -> web.StreamResponse:
    """End the credential the token names."""
    await usecases.shut_out(request.app[DELIVERY], *_named_credential(request))
    return no_content()


async def _stream_events(request: web.Request, reader: Reader, after: int) -> web.StreamResponse:
    delivery = request.app[DELIVERY]
    await usecases.require_position(delivery, after)
    response = web.StreamResponse(
        headers={
            "Content-Type": _EVENT_STREAM,
            "Cache-Control": "no-store",
            # Proxies would otherwise wait for more before they pass anything on.
            "X-Accel-Buffering": "no",
        }
    )
    await response.prepare(request)
    await response.write(f"retry: {RETRY_MS}\n\n".encode())
    sending = asyncio.create_task(_send(response, delivery, reader, after))
    stopping = asyncio.create_task(request.app[STOPPING].wait())
    try:
        # Nobody reads on a check of long ago: the reader comes back with Last-Event-ID.
        await asyncio.wait(
            {sending, stopping}, timeout=delivery.stream_s, return_when=asyncio.FIRST_COMPLETED
        )
        if sending.done():
            sending.result()
    finally:
        for task in (sending, stopping):
            task.cancel()
        await asyncio.gather(sending, stopping, return_exceptions=True)
    return response


async def _send(
    response: web.StreamResponse, delivery: Delivery, reader: Reader, after: int
) -> None:
    events = usecases.follow(delivery, reader, after=after)
    async with aclosing(events):
        async for event in events:
            await response.write(_framed(event))


def _framed(event: Event | None) -> bytes:
    """Return a frame without a name, so that a browser's ``onmessage`` hears every kind."""
    if event is None:
        return b": still here\n\n"
    return f"id: {event.seq}\ndata: {json.dumps(event.envelope, ensure_ascii=False)}\n\n".encode()


def _position(request: web.Request, after: int) -> int:
    """Return where a stream goes on: a browser that reconnects says so by header."""
    last = request.headers.get("Last-Event-ID", "")
    if not last:
        return after
    if not (last.isascii() and last.isdigit() and int(last) < MAX_POSITION):
        raise PositionInvalidError(errors=(("Last-Event-ID", "position-invalid"),))
    return int(last)


def _claims(request: web.Request, audience: str) -> dict[str, Any]:
    header = request.headers.get("Authorization", "")
    if not header.startswith(_BEARER):
        raise UnauthenticatedError
    return request.app[VERIFIER].verify(header.removeprefix(_BEARER), audience)


def _named_credential(request: web.Request) -> tuple[UUID, UUID]:
    """Return team and credential; the token must name the one the path does."""
    claims = _claims(request, "event-credentials")
    credential_id = path_id(request, "credential_id")
    if credential_of(claims) != credential_id:
        raise ClaimsBrokenError
    return team_of(claims), credential_id


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/events",
        handler=list_events,
        summary="Read events of a team, as JSON or as a stream",
        tag="events",
        operation_id="listEvents",
        access=Access.SIGNED,
        query=EventsQuery,
        responses={200: (EventPageBody, _EVENT_STREAM)},
        errors=(
            EventsExpiredError,
            PositionUnknownError,
            PositionInvalidError,
            UnauthenticatedError,
            UnavailableError,
        ),
        headers={"Last-Event-ID": "Where a broken stream goes on."},
    ),
    Route(
        method="POST",
        path="/api/v1/event-credentials",
        handler=create_event_credentials,
        summary="Make NATS credentials that read a team's events",
        tag="events",
        operation_id="createEventCredentials",
        access=Access.SIGNED,
        responses={201: IntegratorBody},
        errors=(UnauthenticatedError, UnavailableError),
    ),
    Route(
        method="PUT",
        path="/api/v1/event-credentials/{credential_id}",
        handler=put_event_credential,
        summary="Make what NATS credentials read, where the bus has lost it",
        tag="events",
        operation_id="putEventCredential",
        access=Access.SIGNED,
        responses={204: None},
        errors=(UnauthenticatedError, UnavailableError),
    ),
    Route(
        method="DELETE",
        path="/api/v1/event-credentials/{credential_id}",
        handler=delete_event_credential,
        summary="End NATS credentials at once",
        tag="events",
        operation_id="deleteEventCredential",
        access=Access.SIGNED,
        responses={204: None},
        errors=(ReaderElsewhereError, UnauthenticatedError, UnavailableError),
    ),
)
