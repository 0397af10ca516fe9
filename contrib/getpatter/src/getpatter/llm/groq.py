"""GroqLLM, with its key by position or from the environment."""

from __future__ import annotations

from typing import Any

from getpatter.missing import distribution
from getpatter.options import plain

with distribution("patter-groq"):
    from patter_groq import GroqLLM as _GroqLLM

__all__ = ["LLM", "GroqLLM"]


class GroqLLM(_GroqLLM):
    """As `patter_groq.GroqLLM`, with its options; None leaves one out."""

    def __init__(self, api_key: str | None = None, **options: Any) -> None:
        super().__init__(**plain(options, api_key=api_key))


LLM = GroqLLM
