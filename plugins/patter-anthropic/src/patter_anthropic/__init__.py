"""Anthropic's language models, over the Messages API."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter_anthropic.llm import AnthropicLLM

__version__ = "0.1.0"
__all__ = ["AnthropicLLM"]

_HOME = {"AnthropicLLM": "llm"}


def __getattr__(name: str) -> object:
    if home := _HOME.get(name):
        from importlib import import_module

        return getattr(import_module(f"patter_anthropic.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
