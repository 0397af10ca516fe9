"""Is tracing on? The one thing that a call without tracing asks, so nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from patter.env import read

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from patter_otel.traced_calls import Tracing

ENABLED = "PATTER_OTEL_ENABLED"
WORDS = "PATTER_OTEL_WORDS"
_ON = frozenset({"1", "true", "yes"})
_tracing: Tracing | None = None


def is_set(variable: str) -> bool:
    """Does *variable* say ``1``, ``true`` or ``yes``?"""
    return read(variable).strip().lower() in _ON


def current() -> Tracing | None:
    """What traces calls now; None when tracing is off."""
    return _tracing


def switch(tracing: Tracing | None) -> None:
    """Trace with *tracing* from now on; None switches tracing off."""
    global _tracing
    _tracing = tracing


def is_tracing_enabled() -> bool:
    """Are spans exported?"""
    return _tracing is not None


@contextmanager
def start_span(name: str, attributes: Mapping[str, Any] | None = None) -> Iterator[Span | None]:
    """A span around what is inside, below that of the call it runs in; None without tracing.

    An exception that passes through is noted in the span.
    """
    if _tracing is None:
        yield None
        return
    with _tracing.tracer.start_as_current_span(name, attributes=dict(attributes or {})) as span:
        yield span
