"""Spans of a call, by patter-otel where it is installed. Nothing fails where it is not."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from typing import Any

__all__ = [
    "SPAN_BARGEIN",
    "SPAN_CALL",
    "SPAN_ENDPOINT",
    "SPAN_LLM",
    "SPAN_STT",
    "SPAN_TOOL",
    "SPAN_TTS",
    "init_tracing",
    "is_tracing_enabled",
    "start_span",
]

SPAN_CALL = "getpatter.call"
SPAN_STT = "getpatter.stt"
SPAN_LLM = "getpatter.llm"
SPAN_TTS = "getpatter.tts"
SPAN_TOOL = "getpatter.tool"
SPAN_ENDPOINT = "getpatter.endpoint"
SPAN_BARGEIN = "getpatter.bargein"


def init_tracing(
    service_name: str = "patter",
    otlp_endpoint: str | None = None,
    resource_attributes: Mapping[str, str] | None = None,
) -> bool:
    """Trace calls from now on, if PATTER_OTEL_ENABLED says so; is it?

    Without patter-otel it is not, of which a RuntimeWarning speaks. Raises PatterConfigError.
    """
    if (otel := _otel()) is None:
        warnings.warn(
            "nothing is traced without patter-otel: pip install patter-otel",
            RuntimeWarning,
            stacklevel=2,
        )
        return False
    return bool(otel.init_tracing(service_name, otlp_endpoint, resource_attributes))


def is_tracing_enabled() -> bool:
    """Are spans exported?"""
    otel = _otel()
    return otel is not None and bool(otel.is_tracing_enabled())


def start_span(
    name: str, attributes: Mapping[str, Any] | None = None
) -> AbstractContextManager[Any]:
    """A span around what is inside; None in its place while nothing is traced."""
    if (otel := _otel()) is None:
        return _no_span()
    span: AbstractContextManager[Any] = otel.start_span(name, attributes)
    return span


@contextmanager
def _no_span() -> Iterator[None]:
    yield None


def _otel() -> Any:
    """The module patter_otel; None where it is not installed."""
    try:
        return import_module("patter_otel")
    except ModuleNotFoundError as missing:
        if missing.name != "patter_otel":
            raise
        return None
