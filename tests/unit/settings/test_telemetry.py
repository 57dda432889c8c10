import re
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from shared import telemetry
from shared.settings import CommonSettings

pytestmark = pytest.mark.unit

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
HOUSE = Path(__file__).parents[3]


def test_outside_any_span_there_is_no_traceparent() -> None:
    assert telemetry.traceparent() is None


def test_a_span_continues_the_trace_it_is_given() -> None:
    with telemetry.continued(PARENT, "work"):
        current = telemetry.traceparent()
    assert current is not None
    assert current.split("-")[1] == PARENT.split("-")[1]
    assert current.split("-")[2] != PARENT.split("-")[2]


@pytest.mark.parametrize("parent", [None, "", "rubbish", "00-0-0-0"])
def test_without_a_valid_parent_a_new_trace_begins(parent: str | None) -> None:
    with telemetry.continued(parent, "work"):
        current = telemetry.traceparent()
    assert current is not None
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", current)


def test_an_error_leaves_the_span_and_goes_on() -> None:
    with pytest.raises(ValueError, match="oops"), telemetry.continued(None, "work"):
        raise ValueError("oops")
    assert telemetry.traceparent() is None


def test_without_an_endpoint_nothing_is_exported() -> None:
    settings = CommonSettings(database_url="x", nats_url="x", blob_url="x")
    telemetry.configure("workspace", settings)
    with telemetry.continued(None, "work"):
        pass
    telemetry.stop()


def declared() -> dict[str, MetricWrapperBase]:
    return {
        name: value
        for name, value in vars(telemetry.Metrics).items()
        if isinstance(value, MetricWrapperBase)
    }


@pytest.mark.parametrize("name", sorted(declared()))
def test_every_metric_has_a_description_and_the_prefix(name: str) -> None:
    described = declared()[name].describe()
    assert all(family.documentation.endswith(".") for family in described)
    assert all(family.name.startswith("tidings_") for family in described)


@pytest.mark.parametrize("name", sorted(declared()))
def test_every_metric_is_counted_somewhere(name: str) -> None:
    folders = [HOUSE / "shared", HOUSE / "services"]
    sources = [path for folder in folders for path in folder.rglob("*.py")]
    uses = [path for path in sources if f"metrics.{name}" in path.read_text("utf-8")]
    assert uses


def test_all_metrics_are_exposed() -> None:
    exposed = telemetry.exposition().decode()
    assert "tidings_http_requests_total" in exposed
    assert "process_resident_memory_bytes" in exposed
