"""What only the bus itself counts; the names every service shares are in `shared.telemetry`."""

from typing import Final

from prometheus_client import Counter, Gauge

from shared.telemetry import REGISTRY

CONNECTED: Final = Gauge(
    "tidings_bus_connected", "1 while the bus answers.", ("service",), registry=REGISTRY
)
PUBLISH_FAILURES: Final = Counter(
    "tidings_bus_publish_failures",
    "Times the relay had to wait because the bus or the database did not answer.",
    ("service",),
    registry=REGISTRY,
)
RUNNING: Final = Gauge(
    "tidings_bus_running", "Deliveries being worked on.", ("consumer",), registry=REGISTRY
)
