"""Smart Turn's end of turn: the name of patter-smart-turn."""

from getpatter.missing import distribution

with distribution("patter-smart-turn"):
    from patter_smart_turn import SmartTurnDetector

__all__ = ["SmartTurnDetector"]
