"""Traces of calls, by OpenTelemetry; nothing of its SDK is imported before tracing is on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patter_otel.names import (
    SPAN_BARGEIN,
    SPAN_BILLABLE,
    SPAN_CALL,
    SPAN_ENDPOINT,
    SPAN_LLM,
    SPAN_STAGE,
    SPAN_STT,
    SPAN_TOOL,
    SPAN_TTS,
    SPAN_TURN,
)
from patter_otel.switch import is_tracing_enabled, start_span

if TYPE_CHECKING:
    from patter_otel.tracing import init_tracing, shutdown_tracing

__version__ = "0.1.0"

__all__ = [
    "SPAN_BARGEIN",
    "SPAN_BILLABLE",
    "SPAN_CALL",
    "SPAN_ENDPOINT",
    "SPAN_LLM",
    "SPAN_STAGE",
    "SPAN_STT",
    "SPAN_TOOL",
    "SPAN_TTS",
    "SPAN_TURN",
    "init_tracing",
    "is_tracing_enabled",
    "shutdown_tracing",
    "start_span",
]


def __getattr__(name: str) -> object:
    if name in ("init_tracing", "shutdown_tracing"):
        from patter_otel import tracing

        return getattr(tracing, name)
    raise AttributeError(f"module 'patter_otel' has no attribute {name!r}")
