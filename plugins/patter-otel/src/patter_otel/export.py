"""On the way to the collector: what a slow or a dead one costs is spans, counted, never a call.

Spans wait in the queue of the SDK's batch processor, which a thread of its own empties. What it
has no room for is dropped here, before it, and counted; each trouble is logged once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

import attrs
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

log = logging.getLogger("patter_otel")
SDK_EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"


@attrs.define(eq=False)
class SpanCounts:
    """How many spans wait for the collector, and how many it never got; used from two threads."""

    capacity: int
    waiting: int = attrs.field(default=0, init=False)
    dropped: int = attrs.field(default=0, init=False)
    failed: int = attrs.field(default=0, init=False)
    exported: int = attrs.field(default=0, init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    def admit(self) -> bool:
        """Is there room for one more? Counts it as waiting, else as dropped."""
        with self._lock:
            if self.waiting >= self.capacity:
                self.dropped += 1
                return False
            self.waiting += 1
            return True

    def settle(self, count: int, *, ok: bool) -> None:
        """*count* spans that waited were exported, or could not be."""
        with self._lock:
            self.waiting -= count
            if ok:
                self.exported += count
            else:
                self.failed += count


@attrs.define(eq=False)
class BoundedProcessor(SpanProcessor):
    """Passes ended spans to *inner* while there is room; the call never waits."""

    inner: SpanProcessor
    counts: SpanCounts

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self.inner.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is None or not span.context.trace_flags.sampled:
            return
        if self.counts.admit():
            self.inner.on_end(span)
        elif self.counts.dropped == 1:
            log.warning(
                "the collector is too slow: %d spans wait, and more are dropped (logged once; "
                "the count follows at the end)",
                self.counts.capacity,
            )

    def shutdown(self) -> None:
        self.inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self.inner.force_flush(timeout_millis)


@attrs.define(eq=False)
class ReportingExporter(SpanExporter):
    """Exports with *inner*, and says once when spans are lost, and once when they no longer are.

    The SDK's own exporter logs every attempt, so its words become the reason in ours.
    """

    inner: SpanExporter
    counts: SpanCounts
    _lost: int = attrs.field(default=0, init=False)
    _reason: str = attrs.field(default="", init=False)

    def __attrs_post_init__(self) -> None:
        logging.getLogger(SDK_EXPORTER).addFilter(self._overhear)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = SpanExportResult.FAILURE
        try:
            result = self.inner.export(spans)
        except Exception as raised:
            self._reason = f"{type(raised).__name__}: {raised}"
        finally:
            ok = result is SpanExportResult.SUCCESS
            self.counts.settle(len(spans), ok=ok)
        self._report(len(spans), ok=ok)
        return result

    def shutdown(self) -> None:
        logging.getLogger(SDK_EXPORTER).removeFilter(self._overhear)
        self.inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self.inner.force_flush(timeout_millis)

    def _report(self, count: int, *, ok: bool) -> None:
        if ok and self._lost:
            log.warning("the collector takes spans again; it never got %d", self._lost)
            self._lost = 0
        elif not ok:
            if not self._lost:
                log.warning("the collector takes no spans (logged once): %s", self._reason)
            self._lost += count

    def _overhear(self, record: logging.LogRecord) -> bool:
        self._reason = record.getMessage()
        return False
