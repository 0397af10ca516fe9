"""OpenAICompatibleLLM, with its key by position or from the environment."""

from __future__ import annotations

from typing import Any

from getpatter.missing import distribution
from getpatter.options import plain

with distribution("patter-openai"):
    from patter_openai import OpenAICompatibleLLM as _OpenAICompatibleLLM

__all__ = ["LLM", "OpenAICompatibleLLM"]


class OpenAICompatibleLLM(_OpenAICompatibleLLM):
    """As `patter_openai.OpenAICompatibleLLM`, with its options; None leaves one out."""

    def __init__(self, api_key: str | None = None, **options: Any) -> None:
        super().__init__(**plain(options, api_key=api_key))


LLM = OpenAICompatibleLLM
