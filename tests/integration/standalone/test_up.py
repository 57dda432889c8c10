"""`tidings up` from outside: starts, deaths of its parts, and what stands in the way."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from services.standalone.home import Home
from services.standalone.household import MEMBERS
from shared.settings import EXIT_CONFIG
from tests.support.stack import Stack, as_user, free_ports_from, stack_home, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

EVERYONE = {member.name for member in MEMBERS} | {"nats", "postgres"}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Give one Tidings to all tests here; each leaves it running."""
    with stack_home() as home:
        stack = Stack(home)
        try:
            stack.start()
            yield stack
        finally:
            stack.stop()


def _run(home: Path, *arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "services.cli", *arguments],
        env={**os.environ, "TIDINGS_HOME": str(home), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _refusal(home: Path, **env: str) -> str:
    """Return the one sentence with which a start was refused."""
    done = _run(home, "up", **env)
    assert done.returncode in {1, EXIT_CONFIG}
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stdout
    return done.stderr


def test_the_first_start_gives_a_link_and_a_token(stack: Stack) -> None:
    assert stack.sign_in_url.startswith(f"http://localhost:{stack.port}/")
    assert stack.token
    assert stack.home.owner_token.stat().st_mode & 0o777 == 0o600
    assert stack.token not in stack.log
    assert set(stack.pids()) == EVERYONE


def test_nothing_in_the_home_is_open_to_others(stack: Stack) -> None:
    for path in stack.home.path.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path


def test_no_password_can_be_seen_among_the_processes(stack: Stack) -> None:
    for pid in (*stack.pids().values(), stack.supervisor_pid):
        process = psutil.Process(pid)
        seen = " ".join((*process.cmdline(), *process.environ().values()))
        for secret in stack.home.secrets.glob("database-*"):
            assert secret.read_text(encoding="ascii").strip() not in seen


@pytest.mark.parametrize("name", ["workspace", "nats", "postgres"])
def test_a_killed_part_comes_back_and_all_get_ready_again(stack: Stack, name: str) -> None:
    old = stack.kill(name)
    stack.wait_restarted(name, old)
    stack.wait_ready()
    assert set(stack.pids()) == EVERYONE


def test_a_second_tidings_in_the_same_home_is_refused(stack: Stack) -> None:
    assert "Another Tidings already runs in" in _refusal(stack.home.path)


def test_a_home_that_was_only_half_restored_is_refused() -> None:
    with stack_home() as home:
        home.mkdir()
        (home / "restoring").touch()
        assert "did not come to its end" in _refusal(home)


def test_a_second_tidings_on_the_same_ports_is_refused(stack: Stack) -> None:
    with stack_home() as other:
        sentence = _refusal(other, TIDINGS_PORT=str(stack.port))
    assert f"Port {stack.port} is taken by another program" in sentence
    assert "TIDINGS_PORT" in sentence


def test_doctor_finds_a_healthy_house_healthy(stack: Stack) -> None:
    done = _run(stack.home.path, "doctor", TIDINGS_PORT=str(stack.port))
    assert done.returncode == 0, done.stdout
    assert "FAIL" not in done.stdout
    assert done.stdout.count("\n") == 13


def test_doctor_names_the_process_that_hangs(stack: Stack) -> None:
    stack.kill("delivery", signal.SIGSTOP)
    try:
        done = _run(stack.home.path, "doctor", TIDINGS_PORT=str(stack.port))
    finally:
        stack.kill("delivery", signal.SIGCONT)
    assert done.returncode == 1
    assert "Not ready: delivery." in done.stdout


def test_doctor_finds_a_bus_that_does_not_answer(stack: Stack) -> None:
    stack.kill("nats", signal.SIGSTOP)
    try:
        done = _run(stack.home.path, "doctor", TIDINGS_PORT=str(stack.port))
    finally:
        stack.kill("nats", signal.SIGCONT)
    assert done.returncode == 1
    assert "FAIL  The bus does not answer" in done.stdout
    stack.wait_ready()


def test_a_running_house_is_copied_and_built_again_elsewhere(stack: Stack) -> None:
    copy = stack.home.path.parent / "copy.tar"
    assert _run(stack.home.path, "backup", str(copy)).returncode == 0
    with tarfile.open(copy) as tar:
        assert "database.dump" in tar.getnames()
    with stack_home() as home:
        restored = Stack(home)
        assert _run(home, "restore", str(copy)).returncode == 0
        try:
            restored.start()
            assert restored.token == stack.token
            assert "sign in, once" not in restored.log
        finally:
            restored.stop()
    copy.unlink()


def test_stopping_ends_everybody_and_the_second_start_keeps_the_owner(stack: Stack) -> None:
    token = stack.token
    processes = [psutil.Process(pid) for pid in stack.pids().values()]
    assert stack.stop() == 0
    assert not any(process.is_running() for process in processes)
    assert stack.pids() == {}
    stack.start()
    assert stack.token == token
    assert set(stack.pids()) == EVERYONE


def test_after_the_supervisor_was_killed_nothing_runs_on_and_a_start_works(stack: Stack) -> None:
    processes = [psutil.Process(pid) for pid in stack.pids().values()]
    stack.kill_supervisor()
    wait_until(lambda: not any(map(_runs, processes)), 30)
    stack.start()
    assert set(stack.pids()) == EVERYONE


def _runs(process: psutil.Process) -> bool:
    """Return whether it does anything yet; its new parent may take its time to notice the end."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_full_disk_is_told_in_one_sentence() -> None:
    with stack_home() as home:
        sentence = _refusal(home, TIDINGS_MINIMUM_FREE_MB="999999999")
    assert "MB left and 999999999 MB are needed: free some space" in sentence


def test_a_wrong_setting_is_told_in_one_sentence() -> None:
    with stack_home() as home:
        assert "TIDINGS_PORT is wrong" in _refusal(home, TIDINGS_PORT="eighty")


def test_a_taken_port_of_another_service_is_named() -> None:
    port = free_ports_from(30_000)
    with stack_home() as home, socket.create_server(("127.0.0.1", port + 3)):
        assert f"Port {port + 3} is taken" in _refusal(home, TIDINGS_PORT=str(port))


def test_an_address_of_another_machine_is_told() -> None:
    with stack_home() as home:
        sentence = _refusal(home, TIDINGS_HTTP_HOST="192.0.2.1")
    assert "cannot listen on port 8080 of 192.0.2.1" in sentence
    assert "TIDINGS_HTTP_HOST" in sentence


def test_a_home_one_may_not_write_is_told_in_one_sentence() -> None:
    with stack_home() as home:
        home.mkdir(mode=0o555)
        command = [sys.executable, "-m", "services.standalone"]
        done = subprocess.run(
            as_user("nobody", *command) if os.geteuid() == 0 else command,
            env={**os.environ, "TIDINGS_HOME": str(home)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert "Tidings cannot write to its home" in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="every other test here shows it")
def test_an_ordinary_user_can_run_it() -> None:
    with stack_home() as home:
        shutil.chown(home.parent, "nobody")
        stack = Stack(home, user="nobody")
        try:
            stack.start()
            assert set(stack.pids()) == EVERYONE
            owners = {psutil.Process(pid).username() for pid in stack.pids().values()}
            assert owners == {"nobody"}
            assert Home(home).owner_token.owner() == "nobody"
        finally:
            stack.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a folder like /root")
def test_root_can_run_it_in_an_odd_folder_closed_to_everyone_else() -> None:
    with stack_home() as home:
        home.parent.chmod(0o700)
        stack = Stack(home.with_name("Zu Hause für alle"))
        try:
            stack.start()
            postgres = psutil.Process(stack.pids()["postgres"])
            assert postgres.username() == "nobody"
        finally:
            stack.stop()
