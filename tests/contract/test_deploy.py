"""The compose file, the registry, the settings and the images must tell the same story."""

import json
import os
import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.registry import CONSUMERS, SERVICES
from shared.settings import CommonSettings

pytestmark = pytest.mark.contract

TOP = Path(__file__).resolve().parents[2]
COMPOSE = Path(sys.executable).with_name("docker-compose")


@pytest.fixture(scope="module")
def house() -> dict[str, Any]:
    """Return the compose file as the real program understands it."""
    told = subprocess.run(
        [COMPOSE, "--file", TOP / "docker-compose.yml", "config", "--format", "json"],
        check=True,
        capture_output=True,
        env={**os.environ, "DOCKER_HOST": "tcp://127.0.0.1:1"},
    )
    services: dict[str, Any] = json.loads(told.stdout)["services"]
    return services


def modules_run(house: dict[str, Any]) -> dict[str, str]:
    """Return which Python package each of our containers runs."""
    return {
        name: service["command"][2].removeprefix("services.")
        for name, service in house.items()
        if (service.get("command") or [])[:2] == ["python", "-m"]
        and service["command"][2].startswith("services.")
        and service["command"][2].removeprefix("services.") in SERVICES
    }


def settings_of(service: str) -> type[CommonSettings]:
    module = import_module(f"services.{service}.settings")
    settings: type[CommonSettings] = module.Settings
    return settings


def names_known(settings: type[CommonSettings]) -> set[str]:
    aliases = {str(field.validation_alias) for field in settings.model_fields.values()}
    return aliases | {f"{alias}_FILE" for alias in aliases}


def test_every_service_runs_in_compose(house: dict[str, Any]) -> None:
    assert set(modules_run(house).values()) == set(SERVICES)


def test_every_consumer_has_a_running_service(house: dict[str, Any]) -> None:
    assert {consumer.service for consumer in CONSUMERS} <= set(modules_run(house).values())


def test_compose_sets_nothing_a_service_does_not_know(house: dict[str, Any]) -> None:
    unknown = {
        f"{name}: {variable}"
        for name, service in modules_run(house).items()
        for variable in house[name].get("environment", {})
        if variable.startswith("TIDINGS_") and variable not in names_known(settings_of(service))
    }
    assert not unknown


def test_compose_sets_everything_a_service_requires(house: dict[str, Any]) -> None:
    missing = {
        f"{name}: {field.validation_alias}"
        for name, service in modules_run(house).items()
        for field in settings_of(service).model_fields.values()
        if field.is_required()
        and not {str(field.validation_alias), f"{field.validation_alias}_FILE"}
        & set(house[name].get("environment", {}))
    }
    assert not missing


def test_what_the_readme_runs_inside_is_there(house: dict[str, Any]) -> None:
    """Without the first of these commands nobody could ever sign in."""
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"docker compose (?:exec|run --rm) (\S+) python -m (\S+)", readme)
    assert ("workspace", "services.workspace.bootstrap") in commands
    for container, module in commands:
        assert "target" in house[container]["build"]
        assert find_spec(module) is not None


def test_recognisers_scale_with_one_option(house: dict[str, Any]) -> None:
    assert not house["recogniser"].get("container_name")
    assert not house["recogniser"].get("ports")


def test_containers_of_ours_run_as_an_ordinary_user() -> None:
    stages = (TOP / "deploy/Dockerfile").read_text().split("\nFROM ")
    final = [stage for stage in stages if " AS house" in stage or " AS speech" in stage]
    assert len(final) == 2
    assert all("\nUSER 10001" in stage for stage in final)


def test_nobody_outside_reads_health_and_metrics() -> None:
    text = (TOP / "deploy" / "Caddyfile").read_text(encoding="utf-8")
    matcher, rest = text.split("@inside path ", 1)[1].split("\n", 1)
    assert {"/metrics", "/readyz", "/healthz"} <= set(matcher.split())
    assert rest.split()[:5] == ["handle", "@inside", "{", "respond", "404"]
    assert "@inside" not in text.split("reverse_proxy", 1)[1]


@pytest.mark.parametrize("name", ["media", "follower"])
def test_whole_recordings_are_copied_to_a_disk_and_not_to_memory(
    house: dict[str, Any], name: str
) -> None:
    assert "/tmp" not in (house[name].get("tmpfs") or [])  # noqa: S108 - in the container
    places = {volume["target"]: volume["source"] for volume in house[name]["volumes"]}
    assert places["/tmp"] == "scratch"  # noqa: S108
