"""CerebrasLLM, with its key by position or from the environment."""

from __future__ import annotations

from typing import Any

from getpatter.missing import distribution
from getpatter.options import plain

with distribution("patter-cerebras"):
    from patter_cerebras import CerebrasLLM as _CerebrasLLM

__all__ = ["LLM", "CerebrasLLM"]


class CerebrasLLM(_CerebrasLLM):
    """As `patter_cerebras.CerebrasLLM`, with its options; None leaves one out."""

    def __init__(self, api_key: str | None = None, **options: Any) -> None:
        super().__init__(**plain(options, api_key=api_key))


LLM = CerebrasLLM
