"""``tidings events tail``: the team's facts as they happen, without a gap over cut connections."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field

import aiohttp

from services.cli.api import Api, refuse_error
from services.cli.exits import CommandError, Exit, unreachable
from services.cli.output import Output

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
#: The server says something every 15 s; a longer silence is a dead connection.
SILENCE_S = 45.0
#: No message on the bus is longer.
LONGEST_LINE_BYTES = 1 << 20


@dataclass(kw_only=True)
class SseEvent:
    """One event of a Server-Sent Events stream."""

    id: str | None = None
    event: str = "message"
    data: list[str] = field(default_factory=list)


async def parse_sse(lines: AsyncIterable[bytes]) -> AsyncIterator[SseEvent]:
    """Read events as the HTML standard says; an event cut off in the middle is not given."""
    current = SseEvent()
    async for raw in lines:
        line = raw.decode("utf-8", errors="replace").rstrip("\r\n")
        if not line:
            if current.data:
                yield current
            current = SseEvent()
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            current.data.append(value)
        elif name == "id" and "\0" not in value:
            current.id = value
        elif name == "event":
            current.event = value


async def tail(
    api: Api,
    output: Output,
    *,
    team_id: str | None,
    since: int,
    limit: int | None,
    patience_s: float,
) -> None:
    """Print events for ever, or ``limit`` of them; after a cut go on behind the last one.

    Patience is counted from the first attempt that reaches nobody.
    """
    last_id: str | None = None
    printed = 0
    pause_s = FIRST_PAUSE_S
    loop = asyncio.get_running_loop()
    patient_until: float | None = None
    while limit is None or printed < limit:
        try:
            async with aclosing(_connect(api, team_id, since, last_id)) as connected:
                async for event in connected:
                    pause_s, patient_until = FIRST_PAUSE_S, None
                    if event is None:
                        continue
                    _show(output, event)
                    last_id = event.id or last_id
                    printed += 1
                    if printed == limit:
                        return
        except CommandError as refusal:
            patient_until = patient_until or loop.time() + patience_s
            if refusal.status is not Exit.UNREACHABLE or loop.time() > patient_until:
                raise
        await asyncio.sleep(pause_s)
        pause_s = min(LONGEST_PAUSE_S, pause_s * 2)


async def _connect(
    api: Api, team_id: str | None, since: int, last_id: str | None
) -> AsyncGenerator[SseEvent | None, None]:
    """Give None once the server has answered, then the events."""
    headers = {"Accept": "text/event-stream"}
    if last_id is not None:
        headers["Last-Event-ID"] = last_id
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=SILENCE_S)
    query = {"after": str(since) if last_id is None else last_id}
    if team_id is not None:
        query["team_id"] = team_id
    try:
        async with api.session.get(
            f"{api.url}/api/v1/events",
            params=query,
            headers=headers,
            timeout=timeout,
            read_bufsize=LONGEST_LINE_BYTES,
        ) as response:
            await refuse_error(response)
            yield None
            async for event in parse_sse(response.content):
                yield event
    except (aiohttp.ClientError, TimeoutError) as exc:
        raise unreachable(api.url) from exc


def _show(output: Output, event: SseEvent) -> None:
    text = "\n".join(event.data)
    try:
        envelope = json.loads(text)
    except ValueError as exc:
        raise CommandError("The server sent an event that is not JSON.") from exc
    if not isinstance(envelope, dict):
        raise CommandError("The server sent an event that is not an object.")
    moment, kind = envelope.get("time", ""), envelope.get("type", event.event)
    # Numbered as in the JSON of the API, so that a program can go on behind what it has read.
    document = {"seq": int(event.id) if event.id else None, "event": envelope}
    output.result(document, f"{event.id or '-':>8}  {moment}  {kind}")
