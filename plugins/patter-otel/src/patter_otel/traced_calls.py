"""What traces the calls of a process while tracing is on, and how it comes to an end."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

import attrs
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.trace import Tracer

from patter.observe.redact import Redactor
from patter.providers.context import CallContext
from patter_otel.call_trace import LISTENED, CallTrace, in_call
from patter_otel.export import SpanCounts, log

FLUSH_S, ABORT_S = 5.0, 1.0
"""How long the last spans may take at the end, and how long giving up on them may."""
CALLS = 10_000
"""Traces that are open at once; more than any process has calls."""


@attrs.define(eq=False, repr=False)
class Tracing:
    """What traces calls: spans by *tracer*, numbers as *redactor* writes them, *words* if asked.

    *provider*, *exporter* and *counts* are ours to end, and None where the application's
    provider is used.
    """

    tracer: Tracer
    redactor: Redactor = attrs.field(factory=Redactor)
    words: bool = False
    provider: TracerProvider | None = None
    exporter: SpanExporter | None = None
    counts: SpanCounts | None = None
    _calls: dict[str, CallTrace] = attrs.field(factory=dict, init=False)
    _closed: bool = attrs.field(default=False, init=False)

    def listeners(self, call: CallContext) -> Mapping[type | str, Callable[..., object]]:
        """Open the trace of *call*; what it listens to."""
        traced = CallTrace(
            call,
            self.tracer,
            self.redactor,
            words=self.words,
            on_end=lambda: self._calls.pop(call.call_id, None),
        )
        self._calls[call.call_id] = traced
        while len(self._calls) > CALLS:
            self._calls.pop(next(iter(self._calls)))
        return dict.fromkeys(LISTENED, traced)

    def scope(self, call: CallContext) -> AbstractAsyncContextManager[object] | None:
        """Inside, what the application starts is below the span of *call*."""
        traced = self._calls.get(call.call_id)
        return None if traced is None else in_call(traced.root)

    def close(self) -> None:
        """Send what waits, within bounds; twice is fine. Blocks, so never on the event loop."""
        if self._closed or self.provider is None:
            return
        self._closed = True
        atexit.unregister(self.close)
        ending = threading.Thread(target=self.provider.shutdown, name="patter-otel", daemon=True)
        ending.start()
        ending.join(FLUSH_S)
        if ending.is_alive() and self.exporter is not None:
            self.exporter.shutdown()
            ending.join(ABORT_S)
        if self.counts is not None and (lost := self._lost(self.counts)):
            log.warning("%d spans never reached the collector", lost)

    @staticmethod
    def _lost(counts: SpanCounts) -> int:
        return counts.dropped + counts.failed + counts.waiting
