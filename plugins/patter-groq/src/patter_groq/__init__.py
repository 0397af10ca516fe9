"""Groq: open language models on its own processors, and Whisper."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter_groq.llm import GroqLLM
    from patter_groq.whisper import GroqWhisperSTT

__version__ = "0.1.0"
__all__ = ["GroqLLM", "GroqWhisperSTT"]

_HOME = {"GroqLLM": "llm", "GroqWhisperSTT": "whisper"}


def __getattr__(name: str) -> object:
    if home := _HOME.get(name):
        from importlib import import_module

        return getattr(import_module(f"patter_groq.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
