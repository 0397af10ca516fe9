"""Silero's neural voice detection for Patter; the class is imported when it is first named."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter_silero.vad import SileroVAD

__version__ = "0.1.0"
__all__ = ["SileroVAD"]


def __getattr__(name: str) -> object:
    if name == "SileroVAD":
        from patter_silero.vad import SileroVAD

        return SileroVAD
    raise AttributeError(f"module 'patter_silero' has no attribute {name!r}")
