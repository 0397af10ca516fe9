"""AnthropicLLM, with its key by position or from the environment."""

from __future__ import annotations

from typing import Any

from getpatter.missing import distribution
from getpatter.options import plain

with distribution("patter-anthropic"):
    from patter_anthropic import AnthropicLLM as _AnthropicLLM

__all__ = ["LLM", "AnthropicLLM"]


class AnthropicLLM(_AnthropicLLM):
    """As `patter_anthropic.AnthropicLLM`, with its options; None leaves one out."""

    def __init__(self, api_key: str | None = None, **options: Any) -> None:
        super().__init__(**plain(options, api_key=api_key))


LLM = AnthropicLLM
