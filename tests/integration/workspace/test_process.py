"""The workspace as the process that is deployed: it starts, welcomes the owner, takes anything."""

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.standalone.programs import Program, free_port
from tests.support.nats_server import TestNats
from tests.support.postgres import TestPostgres
from tests.support.processes import end_process, start_program
from tests.support.workspace_house import Keys

pytestmark = pytest.mark.integration

READY_TIMEOUT_S = 30.0


@pytest.fixture(scope="module")
def environment(
    postgres_server: TestPostgres,
    nats_server: TestNats,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    folder: Path = tmp_path_factory.mktemp("process")
    port = str(free_port())
    database = asyncio.run(postgres_server.clone())
    return {
        "TIDINGS_DATABASE_URL": postgres_server.service_url(database, "workspace"),
        "TIDINGS_NATS_URL": nats_server.url,
        "TIDINGS_NATS_CREDENTIALS_FILE": str(nats_server.credentials("workspace")),
        "TIDINGS_BLOB_URL": f"file://{folder}/blobs",
        "TIDINGS_TOKEN_PRIVATE_KEY_FILE": str(Keys(folder).private_file),
        "TIDINGS_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "TIDINGS_HTTP_PORT": port,
        "TIDINGS_RATE_LIMIT_PER_MINUTE": "1000000",
        "TIDINGS_SIGN_IN_LIMIT_PER_MINUTE": "1000000",
    }


@pytest.fixture(scope="module")
def process_url(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    program = Program(
        name="workspace",
        argv=(sys.executable, "-m", "services.workspace"),
        env=environment,
        stop_timeout_s=15.0,
    )
    log = tmp_path_factory.mktemp("log") / "workspace.log"
    process = start_program(program, log, cwd=Path.cwd())
    url = environment["TIDINGS_PUBLIC_URL"]
    try:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not is_ready(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(log.read_text(encoding="utf-8"))
            time.sleep(0.05)
        yield url
    finally:
        end_process(process, program)
    assert process.returncode == 0, log.read_text(encoding="utf-8")


def is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=2):  # noqa: S310 - our own address
            return True
    except (urllib.error.URLError, OSError):
        return False


def bootstrap(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.workspace.bootstrap", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_the_first_start_prints_one_line_of_json(
    environment: dict[str, str], process_url: str
) -> None:
    made = bootstrap(environment)

    assert made.returncode == 0, made.stderr
    welcome = json.loads(made.stdout)
    assert set(welcome) == {"sign_in_url", "token", "team_id", "thread_id"}
    assert welcome["sign_in_url"].startswith(f"{process_url}/sign-in/link/")
    assert bootstrap(environment, "--link-for", "owner@localhost").returncode == 0


def test_a_link_for_nobody_is_one_sentence(environment: dict[str, str]) -> None:
    refused = bootstrap(environment, "--link-for", "nobody@example.org")

    assert refused.returncode == 1
    assert refused.stderr == "tidings: Nobody here has this e-mail address.\n"


@pytest.mark.timeout(300)
def test_nothing_that_fits_the_document_or_not_makes_the_server_err(
    environment: dict[str, str], process_url: str, tmp_path: Path
) -> None:
    welcome = json.loads(bootstrap(environment).stdout)
    known = {
        "team_id": welcome["team_id"],
        "thread_id": welcome["thread_id"],
        **things_in(process_url, welcome),
    }
    config = tmp_path / "schemathesis.toml"
    lines = [f'"path.{name}" = "{value}"' for name, value in known.items()]
    config.write_text("\n".join(["[parameters]", *lines]), encoding="utf-8")
    # Events need another service; what is removed could not be asked for again.
    left_out = ("listEvents", "createEventCredentials", "deleteUpdate", "deleteComment")

    tried = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
            *("run", f"{process_url}/openapi.json", "--checks", "not_a_server_error"),
            *("--max-examples", "12", "--seed", "1", "--phases", "examples,coverage,fuzzing"),
            *(part for name in left_out for part in ("--exclude-operation-id", name)),
            *("--header", f"Authorization: Bearer {welcome['token']}", "--no-color"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )

    assert tried.returncode == 0, tried.stdout[-8000:]


def things_in(url: str, welcome: dict[str, str]) -> dict[str, str]:
    """Post an update and a comment; return their ids and their author's."""
    update = ask(
        f"{url}/api/v1/threads/{welcome['thread_id']}/updates",
        welcome["token"],
        {"kind": "text", "text": "A crane is repaired."},
    )["update"]
    path = f"{url}/api/v1/updates/{update['id']}/comments"
    comment = ask(path, welcome["token"], {"text": "Good."})
    return {
        "update_id": update["id"],
        "comment_id": comment["id"],
        "person_id": update["author"]["id"],
    }


def ask(url: str, token: str, body: dict[str, str]) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310 - our own address
        url,
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310 - likewise
        return dict(json.load(reply))
