"""Tell Patter what this package offers. Imported only when a spec says ``smart-turn``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter_smart_turn.detector import SmartTurnDetector

PATTER_API = 1


@hookimpl
def patter_turn_detector(spec: ProviderSpec) -> SmartTurnDetector:
    from patter_smart_turn.detector import SmartTurnDetector

    return spec.build(SmartTurnDetector)
