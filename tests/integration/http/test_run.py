"""A process stops cleanly when told, and says once why it died."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

START = """
import asyncio
from shared import log
from shared.errors import UnavailableError
from shared.run import run
from shared.settings import CommonSettings

log.configure("sample", CommonSettings(database_url="x", nats_url="x", blob_url="x"))

async def main():
    try:
        print("started", flush=True)
        {work}
    finally:
        print("stopped", flush=True)

run(main())
"""


async def started(work: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        START.format(work=work),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[3],
        env={"PATH": os.environ["PATH"]},
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_the_process_cleanly(number: signal.Signals) -> None:
    process = await started("await asyncio.sleep(60)")
    assert process.stdout is not None
    assert await process.stdout.readline() == b"started\n"
    process.send_signal(number)
    async with asyncio.timeout(10):
        out, err = await process.communicate()
    assert (process.returncode, out, err) == (0, b"stopped\n", b"")


async def test_a_bug_is_logged_once_with_an_id_and_without_what_was_said() -> None:
    process = await started("raise ValueError('the secret plan')")
    out, err = await process.communicate()
    assert process.returncode == 1
    assert b"stopped" in out
    (line,) = err.splitlines()
    assert json.loads(line)["error_id"]
    assert b"secret plan" not in err


async def test_expected_trouble_is_a_sentence() -> None:
    process = await started("raise UnavailableError('The database does not answer.')")
    _, err = await process.communicate()
    assert process.returncode == 1
    (line,) = err.splitlines()
    assert json.loads(line)["detail"] == "The database does not answer."


async def test_a_finished_process_ends_well() -> None:
    process = await started("await asyncio.sleep(0)")
    await process.communicate()
    assert process.returncode == 0
