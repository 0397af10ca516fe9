"""LMNTTTS, with its key by position or from the environment."""

from __future__ import annotations

from typing import Any

from getpatter.missing import distribution
from getpatter.options import plain

with distribution("patter-lmnt"):
    from patter_lmnt import LMNTTTS as _LMNTTTS

__all__ = ["LMNTTTS", "TTS"]


class LMNTTTS(_LMNTTTS):
    """As `patter_lmnt.LMNTTTS`, with its options; None leaves one out."""

    def __init__(self, api_key: str | None = None, **options: Any) -> None:
        super().__init__(**plain(options, api_key=api_key))


TTS = LMNTTTS
