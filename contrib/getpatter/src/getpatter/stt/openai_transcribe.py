"""OpenAITranscribeSTT, with its key by position or from the environment."""

from __future__ import annotations

from typing import Any

from getpatter.missing import distribution
from getpatter.options import plain

with distribution("patter-openai"):
    from patter_openai import OpenAITranscribeSTT as _OpenAITranscribeSTT

__all__ = ["STT", "OpenAITranscribeSTT"]


class OpenAITranscribeSTT(_OpenAITranscribeSTT):
    """As `patter_openai.OpenAITranscribeSTT`, with its options; None leaves one out."""

    def __init__(self, api_key: str | None = None, **options: Any) -> None:
        super().__init__(
            **plain(options, "encoding", "sample_rate", "response_format", api_key=api_key)
        )


STT = OpenAITranscribeSTT
