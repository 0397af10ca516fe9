"""Times as people write them on a command line: ``1d`` and ``1500ms``. Pure."""

from __future__ import annotations

import re

from patter.errors import InputError

_UNITS_MS = {
    "ms": 1,
    "s": 1_000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
}
_AMOUNT = re.compile(rf"(\d+(?:\.\d+)?)({'|'.join(_UNITS_MS)})")


def milliseconds(text: str) -> float:
    """*text* in milliseconds. Raises InputError.

    >>> milliseconds("1.5s"), milliseconds("1d")
    (1500.0, 86400000.0)
    """
    amount = _AMOUNT.fullmatch(text.strip())
    if amount is None:
        raise InputError(f"{text!r} is not a valid time", fix="write 1500ms, 2s, 10m, 6h, 1d or 1w")
    return float(amount[1]) * _UNITS_MS[amount[2]]
