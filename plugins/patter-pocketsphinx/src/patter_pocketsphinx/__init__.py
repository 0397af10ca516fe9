"""Offline speech recognition with a grammar; nothing is imported until a name is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from patter_pocketsphinx.grammar import Grammar
    from patter_pocketsphinx.stt import PocketsphinxSTT

_HOME = {
    "Grammar": "patter_pocketsphinx.grammar",
    "PocketsphinxSTT": "patter_pocketsphinx.stt",
}

__all__ = ["Grammar", "PocketsphinxSTT"]


def __getattr__(name: str) -> object:
    if home := _HOME.get(name):
        from importlib import import_module

        return getattr(import_module(home), name)
    raise AttributeError(f"module 'patter_pocketsphinx' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
