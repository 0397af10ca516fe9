"""How each model is kept from thinking aloud: a caller hears thought as silence.

Gemini 2.5 has a budget, later ones a level, and few can be told not to think at all. As Google's
pages on thinking tell it in November 2026.
"""

from __future__ import annotations

from typing import Any

LEVELS = ("minimal", "low", "medium", "high", "xhigh")
MODES = ("off", "default", *LEVELS)

_OFF: dict[str, dict[str, Any]] = {
    "gemini-2.5-flash": {"thinkingBudget": 0},
    "gemini-2.5-pro": {"thinkingBudget": 128},
    "gemini-3": {"thinkingLevel": "LOW"},
    "gemini-3-flash": {"thinkingLevel": "MINIMAL"},
    "gemini-3.1-flash-lite": {"thinkingLevel": "MINIMAL"},
    "gemini-4": {"thinkingLevel": "LOW"},
}
"""The least of models whose names begin so, the longest first; others do not think."""


def thinking_config(model: str, mode: str, budget: int | None) -> dict[str, Any] | None:
    """What a request says of thinking: *budget* in tokens if there is one, else *mode*.

    >>> thinking_config("gemini-2.5-flash", "off", None)
    {'thinkingBudget': 0}
    >>> thinking_config("gemini-3.8-flash", "high", None)
    {'thinkingLevel': 'HIGH'}
    """
    if budget is not None:
        return {"thinkingBudget": budget}
    if mode in LEVELS:
        return {"thinkingLevel": mode.upper()}
    prefixes = sorted(filter(model.startswith, _OFF), key=len) if mode in ("off", "") else []
    return dict(_OFF[prefixes[-1]]) if prefixes else None
