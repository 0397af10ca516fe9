"""Google's Gemini, as a model and as Gemini Live, with a key or over Vertex AI."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter_google.engine import GeminiLive
    from patter_google.llm import GoogleLLM

__version__ = "0.1.0"
__all__ = ["GeminiLive", "GoogleLLM"]

_HOME = {"GeminiLive": "engine", "GoogleLLM": "llm"}


def __getattr__(name: str) -> object:
    if home := _HOME.get(name):
        from importlib import import_module

        return getattr(import_module(f"patter_google.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
