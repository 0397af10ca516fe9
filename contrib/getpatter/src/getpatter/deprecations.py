"""Warnings of older forms, which name the line of the application that wrote one."""

from __future__ import annotations

import sys
import warnings

OURS = frozenset({"getpatter", "patter"})


def deprecate(message: str) -> None:
    """Warn whoever called into these packages."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _top(frame.f_globals) in OURS:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, DeprecationWarning, stacklevel=level)


def _top(names: dict[str, object]) -> str:
    return str(names.get("__name__")).partition(".")[0]
