"""Prints a team's events as they happen. Needs only `pip install "nats-py[nkeys]"`.

    python consume_events.py event-credentials.json

The file is the answer of `POST /api/v1/teams/{team_id}/event-credentials`. NATS remembers how far
this consumer has come: stop the program and start it again, and it goes on behind the last
acknowledged event. An event may come twice; its `id` tells.
"""

import asyncio
import contextlib
import json
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import nats
import nats.errors
from nats.aio.msg import Msg
from nats.js.client import JetStreamContext

BATCH = 50
WAIT_S = 5.0


def handle(event: dict[str, Any]) -> None:
    """Do your work here; raise, and the event comes again."""
    sys.stdout.write(json.dumps(event, ensure_ascii=False) + "\n")
    sys.stdout.flush()


async def consume(access: dict[str, Any], credentials: Path) -> None:
    """Read until told to stop, through restarts of the server."""
    connection = await nats.connect(
        access["nats_url"],
        user_credentials=str(credentials),
        # Replies may only come to the consumer's own inbox.
        inbox_prefix=access["inbox_prefix"],
        max_reconnect_attempts=-1,
    )
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    try:
        subscription = await connection.jetstream().pull_subscribe_bind(
            access["consumer"], access["stream"]
        )
        while not stopping.is_set():
            for message in await fetch(subscription):
                await take(message)
    finally:
        await connection.close()


async def fetch(subscription: JetStreamContext.PullSubscription) -> list[Msg]:
    """Return what has come; nothing if nothing has, or while the server is away."""
    try:
        return await subscription.fetch(BATCH, timeout=WAIT_S)
    except TimeoutError:
        return []
    except nats.errors.Error as error:
        sys.stderr.write(f"waiting: {error!r}\n")
        await asyncio.sleep(1)
        return []


async def take(message: Msg) -> None:
    """Acknowledge what was handled; what failed comes again in ten seconds."""
    try:
        handle(json.loads(message.data))
    except Exception as error:  # noqa: BLE001 - one bad event must not stop the others
        sys.stderr.write(f"will try again: {error!r}\n")
        await message.nak(delay=10)
        return
    # Wait for the server's word: then the event is ours to forget. Without it, it comes again.
    with contextlib.suppress(nats.errors.Error):
        await message.ack_sync()


def main() -> None:
    """Read the file, give NATS its credentials as a file of their own, consume."""
    access = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        credentials = Path(folder) / "team.creds"
        credentials.touch(mode=0o600)
        credentials.write_text(access["credentials"], encoding="utf-8")
        asyncio.run(consume(access, credentials))


if __name__ == "__main__":
    main()
