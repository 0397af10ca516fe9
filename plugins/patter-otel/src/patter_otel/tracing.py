"""Switches tracing on and off: the provider of spans, and where they go.

The collector, its headers, the service's name, sampling and the queue come from the environment,
under the names that OpenTelemetry gives them (``OTEL_*``).
"""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SpanExporter,
)

from patter.env import read
from patter.errors import NotInstalled, PatterConfigError
from patter.observe.redact import Redactor
from patter.observe.root_secret import redactor_for
from patter_otel.export import BoundedProcessor, ReportingExporter, SpanCounts
from patter_otel.switch import ENABLED, WORDS, current, is_set, switch
from patter_otel.traced_calls import Tracing

SERVICE = "patter"
QUEUE = 2_048
"""Spans that wait for the collector, unless OTEL_BSP_MAX_QUEUE_SIZE says otherwise."""


def init_tracing(
    service_name: str = SERVICE,
    otlp_endpoint: str | None = None,
    resource_attributes: Mapping[str, str] | None = None,
) -> bool:
    """Trace calls from now on, if PATTER_OTEL_ENABLED is ``1``, ``true`` or ``yes``; is it?

    Spans go to ``{otlp_endpoint}/v1/traces``, by default where OTEL_EXPORTER_OTLP_ENDPOINT says.
    OTEL_SERVICE_NAME goes before the default of *service_name*. An application that has set a
    tracer provider of its own, and passes no *otlp_endpoint*, gets the spans from that one. Once
    it is on, a second call changes nothing. Raises PatterConfigError.
    """
    if current() is not None:
        return True
    if not is_set(ENABLED):
        return False
    redactor = redactor_for(None)
    theirs = trace.get_tracer_provider()
    if isinstance(theirs, TracerProvider) and otlp_endpoint is None:
        switch(Tracing(theirs.get_tracer("patter"), redactor, words=is_set(WORDS)))
        return True
    tracing = _own(service_name, otlp_endpoint, resource_attributes or {}, redactor)
    switch(tracing)
    # Only for who does not serve: `serve` ends tracing by itself, and this then does nothing.
    atexit.register(tracing.close)
    return True


def shutdown_tracing() -> None:
    """Send what waits, for at most `FLUSH_S` seconds, and trace no more. Blocks."""
    if (tracing := current()) is not None:
        switch(None)
        tracing.close()


def _own(
    service_name: str,
    otlp_endpoint: str | None,
    attributes: Mapping[str, str],
    redactor: Redactor,
) -> Tracing:
    in_environment = read("OTEL_SERVICE_NAME") or SERVICE_NAME in read("OTEL_RESOURCE_ATTRIBUTES")
    own = {} if service_name == SERVICE and in_environment else {SERVICE_NAME: service_name}
    provider = TracerProvider(
        resource=Resource.create({**own, **attributes}), shutdown_on_exit=False
    )
    counts = SpanCounts(_queue_size())
    exporter = _exporter(otlp_endpoint)
    if exporter is not None:
        exporter = ReportingExporter(exporter, counts)
        batches = BatchSpanProcessor(exporter, max_queue_size=counts.capacity)
        provider.add_span_processor(BoundedProcessor(batches, counts))
    return Tracing(
        provider.get_tracer("patter"),
        redactor,
        words=is_set(WORDS),
        provider=provider,
        exporter=exporter,
        counts=counts,
    )


def _queue_size() -> int:
    """OTEL_BSP_MAX_QUEUE_SIZE, or the standard's default. Raises PatterConfigError."""
    text = read("OTEL_BSP_MAX_QUEUE_SIZE") or str(QUEUE)
    batch = read("OTEL_BSP_MAX_EXPORT_BATCH_SIZE") or "1"
    if not text.isdecimal() or not batch.isdecimal() or int(text) < max(1, int(batch)):
        raise PatterConfigError(
            f"OTEL_BSP_MAX_QUEUE_SIZE cannot be {text!r}",
            fix="a whole number, not below OTEL_BSP_MAX_EXPORT_BATCH_SIZE, such as 2048",
        )
    return int(text)


def _exporter(otlp_endpoint: str | None) -> SpanExporter | None:
    """What OTEL_TRACES_EXPORTER names. Raises PatterConfigError."""
    name = "otlp" if otlp_endpoint else read("OTEL_TRACES_EXPORTER", "otlp").strip()
    if name == "none":
        return None
    if name == "console":
        return ConsoleSpanExporter()
    if name != "otlp":
        raise PatterConfigError(
            f"OTEL_TRACES_EXPORTER cannot be {name!r}",
            fix="export OTEL_TRACES_EXPORTER=otlp, console or none",
        )
    protocol = read("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or read("OTEL_EXPORTER_OTLP_PROTOCOL")
    if otlp_endpoint is None and protocol == "grpc":
        return _grpc_exporter()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    if otlp_endpoint is None:
        return OTLPSpanExporter()
    if not otlp_endpoint.startswith(("http://", "https://")):
        raise PatterConfigError(
            f"otlp_endpoint cannot be {otlp_endpoint!r}",
            fix="pass a URL such as http://127.0.0.1:4318",
        )
    return OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces")


def _grpc_exporter() -> SpanExporter:
    try:
        module: Any = import_module("opentelemetry.exporter.otlp.proto.grpc.trace_exporter")
    except ImportError as missing:
        raise NotInstalled(
            "OTEL_EXPORTER_OTLP_PROTOCOL=grpc needs an exporter that is not installed",
            fix="pip install opentelemetry-exporter-otlp-proto-grpc, or leave it at http/protobuf",
        ) from missing
    exporter: SpanExporter = module.OTLPSpanExporter()
    return exporter
