"""Spans of a call. Nothing is traced without patter-otel, and nothing fails for that."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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

SPAN_CALL = "patter.call"
SPAN_STT = "patter.stt"
SPAN_LLM = "patter.llm"
SPAN_TTS = "patter.tts"
SPAN_TOOL = "patter.tool"
SPAN_ENDPOINT = "patter.endpoint"
SPAN_BARGEIN = "patter.bargein"


def init_tracing(*_: Any, **__: Any) -> bool:
    """Is tracing on from now on? Not without patter-otel, of which a RuntimeWarning speaks."""
    warnings.warn(
        "nothing is traced without patter-otel: pip install patter-otel",
        RuntimeWarning,
        stacklevel=2,
    )
    return False


def is_tracing_enabled() -> bool:
    """Are spans exported?"""
    return False


@contextmanager
def start_span(
    name: str,  # noqa: ARG001
    attributes: Mapping[str, Any] | None = None,  # noqa: ARG001
) -> Iterator[None]:
    """Do what is inside; there is no span, and None in its place."""
    yield None
