"""Smart Turn's end-of-turn detection for Patter; the class is imported when it is first named."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter_smart_turn.detector import SmartTurnDetector

__version__ = "0.1.0"
__all__ = ["SmartTurnDetector"]


def __getattr__(name: str) -> object:
    if name == "SmartTurnDetector":
        from patter_smart_turn.detector import SmartTurnDetector

        return SmartTurnDetector
    raise AttributeError(f"module 'patter_smart_turn' has no attribute {name!r}")
