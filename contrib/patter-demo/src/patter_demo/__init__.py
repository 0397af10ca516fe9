"""A whole phone call without a network, and the small model that answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from patter_demo.rule import Rule
    from patter_demo.rules import RulesLLM

_HOME = {"Rule": "patter_demo.rule", "RulesLLM": "patter_demo.rules"}

__all__ = ["Rule", "RulesLLM"]


def __getattr__(name: str) -> object:
    if home := _HOME.get(name):
        from importlib import import_module

        return getattr(import_module(home), name)
    raise AttributeError(f"module 'patter_demo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
