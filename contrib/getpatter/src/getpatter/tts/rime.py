"""RimeTTS, with its key by position or from the environment."""

from __future__ import annotations

from typing import Any

from getpatter.missing import distribution
from getpatter.options import plain

with distribution("patter-rime"):
    from patter_rime import RimeTTS as _RimeTTS

__all__ = ["TTS", "RimeTTS"]


class RimeTTS(_RimeTTS):
    """As `patter_rime.RimeTTS`, with its options; None leaves one out."""

    def __init__(self, api_key: str | None = None, **options: Any) -> None:
        super().__init__(**plain(options, api_key=api_key))


TTS = RimeTTS
