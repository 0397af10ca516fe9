"""OpenAILLM, with its key by position or from the environment."""

from __future__ import annotations

from typing import Any

from getpatter.missing import distribution
from getpatter.options import plain

with distribution("patter-openai"):
    from patter_openai import OpenAILLM as _OpenAILLM

__all__ = ["LLM", "OpenAILLM"]


class OpenAILLM(_OpenAILLM):
    """As `patter_openai.OpenAILLM`, with its options; None leaves one out."""

    def __init__(self, api_key: str | None = None, **options: Any) -> None:
        super().__init__(**plain(options, api_key=api_key))


LLM = OpenAILLM
