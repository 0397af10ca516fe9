"""How each model is kept from thinking aloud: a caller hears thought as silence.

No one setting is taken by all models, and on the newer ones thinking is on unless it is set. As
the vendor's pages on thinking and its migration guides tell it in November 2026.
"""

from __future__ import annotations

EFFORTS = ("low", "medium", "high", "xhigh", "max")
MODES = ("off", "default", "adaptive", "between_tools", "disabled")

_LEAST = ("", "low")
_OFF: dict[str, tuple[str, str]] = {
    "claude-haiku-5": ("disabled", ""),
    "claude-sonnet-5": ("disabled", ""),
    "claude-sonnet-5-5": ("between_tools", ""),
    # These always think, and refuse to be told not to.
    "claude-opus-5": _LEAST,
    "claude-fable": _LEAST,
    "claude-mythos": _LEAST,
}
"""Thinking and effort for models whose names begin so, the longest first; others are off."""


def without_thinking(model: str, effort: str) -> tuple[str, str]:
    """The thinking mode and the effort for *model* to think as little as it can.

    An *effort* that was chosen stays; with one above high these models must think.

    >>> without_thinking("claude-haiku-4-5-20251001", ""), without_thinking("claude-opus-5-5", "")
    (('', ''), ('', 'low'))
    """
    prefixes = sorted(filter(model.startswith, _OFF), key=len)
    mode, least = _OFF[prefixes[-1]] if prefixes else ("", "")
    if mode == "disabled" and effort in ("xhigh", "max"):
        mode = ""
    return mode, effort or least
