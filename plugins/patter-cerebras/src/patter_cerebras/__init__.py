"""Cerebras: open language models on a chip of the size of a wafer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter_cerebras.llm import CerebrasLLM

__version__ = "0.1.0"
__all__ = ["CerebrasLLM"]

_HOME = {"CerebrasLLM": "llm"}


def __getattr__(name: str) -> object:
    if home := _HOME.get(name):
        from importlib import import_module

        return getattr(import_module(f"patter_cerebras.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
