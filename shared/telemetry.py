"""Metrics and traces. Every metric of the house is declared here once, with its meaning.

Trace context crosses HTTP and NATS as a W3C ``traceparent``; spans leave the process only when an
OTLP endpoint is set.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from shared.settings import CommonSettings

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

QUICK_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SLOW_S = (0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 900)


class Metrics:
    """All names, each with its meaning and labels: ``telemetry.metrics.http_requests``."""

    http_requests = Counter(
        "tidings_http_requests",
        "HTTP requests answered, by route template.",
        ("method", "route", "status"),
        registry=REGISTRY,
    )
    http_duration = Histogram(
        "tidings_http_request_duration_seconds",
        "Time from request to the end of its answer.",
        ("method", "route"),
        buckets=QUICK_S,
        registry=REGISTRY,
    )
    http_limited = Counter(
        "tidings_http_rate_limited",
        "HTTP requests refused because the caller made too many.",
        ("limit",),
        registry=REGISTRY,
    )
    bus_published = Counter(
        "tidings_bus_published",
        "Messages the server has confirmed, by type.",
        ("type",),
        registry=REGISTRY,
    )
    bus_outbox_waiting = Gauge(
        "tidings_bus_outbox_waiting",
        "Messages committed here and not yet confirmed by the server.",
        registry=REGISTRY,
    )
    bus_handled = Counter(
        "tidings_bus_handled",
        "Messages answered, by consumer and outcome.",
        ("consumer", "outcome"),
        registry=REGISTRY,
    )
    bus_duration = Histogram(
        "tidings_bus_handling_duration_seconds",
        "Time one message took to handle.",
        ("consumer",),
        buckets=SLOW_S,
        registry=REGISTRY,
    )
    bus_dead = Counter(
        "tidings_bus_dead",
        "Messages given up and kept as dead letters.",
        ("consumer",),
        registry=REGISTRY,
    )
    upload_received_bytes = Counter(
        "tidings_upload_received_bytes",
        "Bytes of recordings acknowledged to clients.",
        registry=REGISTRY,
    )
    recognised_audio_seconds = Counter(
        "tidings_transcription_audio_seconds",
        "Seconds of speech recognised.",
        registry=REGISTRY,
    )
    recognition_busy_seconds = Counter(
        "tidings_transcription_busy_seconds",
        "Seconds the recognition engine was computing.",
        registry=REGISTRY,
    )
    recognition_batch = Histogram(
        "tidings_transcription_batch_chunks",
        "Chunks recognised together.",
        buckets=(1, 2, 4, 8, 16, 32),
        registry=REGISTRY,
    )
    second_looks = Counter(
        "tidings_transcription_second_looks",
        "Doubtful chunks the second model has looked at, by outcome: better, same or failed.",
        ("outcome",),
        registry=REGISTRY,
    )
    transcript_delay = Histogram(
        "tidings_transcription_delay_seconds",
        "Time from the last byte of a recording to its complete transcript.",
        buckets=SLOW_S,
        registry=REGISTRY,
    )


metrics = Metrics

_PROPAGATOR = TraceContextTextMapPropagator()


class _Traces:
    """The process's tracer; without ``configure`` spans exist and go nowhere."""

    provider = TracerProvider()


def configure(service: str, settings: CommonSettings) -> None:
    """Name the service in traces, and send spans to the OTLP endpoint if there is one."""
    resource = Resource.create({"service.name": service, "service.instance.id": settings.instance})
    _Traces.provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    if settings.otlp_endpoint:
        # Imported only where it is used: it costs every process time to start and memory.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )

        exporter = OTLPSpanExporter(endpoint=f"{settings.otlp_endpoint.rstrip('/')}/v1/traces")
        _Traces.provider.add_span_processor(BatchSpanProcessor(exporter))


def stop() -> None:
    """Send what is left of the spans; blocks for a moment at most."""
    _Traces.provider.shutdown()


def traceparent() -> str | None:
    """Return the current W3C traceparent, None outside any span."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent")


@contextmanager
def continued(parent: str | None, name: str, kind: SpanKind = SpanKind.CONSUMER) -> Iterator[Span]:
    """Open a span below ``parent``, wherever that ran; without a valid one start a new trace."""
    above = _PROPAGATOR.extract(
        {"traceparent": parent} if parent else {}, context=context.Context()
    )
    tracer = _Traces.provider.get_tracer("tidings")
    # An exception's text may quote speech: the span gets the status only.
    with tracer.start_as_current_span(
        name, context=above, kind=kind, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except BaseException:
            span.set_status(trace.StatusCode.ERROR)
            raise


def exposition() -> bytes:
    """Return all metrics in the Prometheus text format."""
    return generate_latest(REGISTRY)
