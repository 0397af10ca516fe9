"""A collector that speaks OTLP over HTTP on this machine, and tracing that ends with its test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from patter_otel import init_tracing, shutdown_tracing
from patter_otel.switch import ENABLED, current


@attrs.frozen(kw_only=True)
class Received:
    """A span as it arrived; times in nanoseconds since 1970."""

    name: str
    trace: bytes
    id: bytes
    parent: bytes
    begin: int
    end: int
    attributes: dict[str, Any]
    failed: bool
    events: tuple[tuple[str, dict[str, Any]], ...]
    resource: dict[str, Any]

    @property
    def ms(self) -> float:
        return (self.end - self.begin) / 1e6


@attrs.define(eq=False)
class Collector:
    """Takes spans at *url*; *open* cleared, it takes a request and does not answer it."""

    url: str = ""
    spans: list[Received] = attrs.field(factory=list)
    bodies: list[bytes] = attrs.field(factory=list)
    paths: list[str] = attrs.field(factory=list)
    status: int = 200
    open: threading.Event = attrs.field(factory=threading.Event)

    def named(self, name: str) -> list[Received]:
        return [span for span in self.spans if span.name == name]

    def below(self, parent: Received) -> list[Received]:
        return [span for span in self.spans if span.parent == parent.id]

    def take(self, path: str, body: bytes) -> bytes:
        self.paths.append(path)
        self.bodies.append(body)
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            about = _attributes(resource.resource.attributes)
            for scope in resource.scope_spans:
                self.spans += [_received(span, about) for span in scope.spans]
        return bytes(ExportTraceServiceResponse().SerializeToString())


def _received(span: Any, resource: dict[str, Any]) -> Received:
    return Received(
        name=span.name,
        trace=span.trace_id,
        id=span.span_id,
        parent=span.parent_span_id,
        begin=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        attributes=_attributes(span.attributes),
        failed=span.status.code == 2,
        events=tuple((each.name, _attributes(each.attributes)) for each in span.events),
        resource=resource,
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    found: Any = getattr(value, kind) if kind else None
    return [_value(each) for each in found.values] if kind == "array_value" else found


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that runs while inside."""
    taking = Collector()
    taking.open.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taking.open.wait(10)
            answer = taking.take(self.path, body) if taking.status == 200 else b""
            self.send_response(taking.status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    taking.url = f"http://127.0.0.1:{server.server_address[1]}"
    serving = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    serving.start()
    try:
        yield taking
    finally:
        taking.open.set()
        server.shutdown()
        server.server_close()
        serving.join()


@contextmanager
def tracing_to(collector: Collector) -> Iterator[Callable[..., None]]:
    """Switches tracing on, towards *collector*; called again, off, so that all is sent."""

    def toggle(**fields: Any) -> None:
        if current() is not None:
            shutdown_tracing()
        else:
            assert init_tracing(**{"otlp_endpoint": collector.url, **fields})

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(ENABLED, "1")
        try:
            yield toggle
        finally:
            shutdown_tracing()


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as taking:
        yield taking


@pytest.fixture
def tracing(collector: Collector) -> Iterator[Callable[..., None]]:
    with tracing_to(collector) as toggle:
        yield toggle
