"""GoogleLLM, with its key by position or from the environment."""

from __future__ import annotations

from typing import Any

from getpatter.missing import distribution
from getpatter.options import plain

with distribution("patter-google"):
    from patter_google import GoogleLLM as _GoogleLLM

__all__ = ["LLM", "GoogleLLM"]


class GoogleLLM(_GoogleLLM):
    """As `patter_google.GoogleLLM`, with its options; None leaves one out."""

    def __init__(self, api_key: str | None = None, **options: Any) -> None:
        super().__init__(**plain(options, api_key=api_key))


LLM = GoogleLLM
