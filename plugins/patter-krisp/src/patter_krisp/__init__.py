"""Krisp VIVA for Patter; the class is imported when it is first named."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter_krisp.audio_filter import KrispVivaFilter

__version__ = "0.1.0"
__all__ = ["KrispVivaFilter"]


def __getattr__(name: str) -> object:
    if name == "KrispVivaFilter":
        from patter_krisp.audio_filter import KrispVivaFilter

        return KrispVivaFilter
    raise AttributeError(f"module 'patter_krisp' has no attribute {name!r}")
