"""WhisperSTT, with its key by position or from the environment."""

from __future__ import annotations

from typing import Any

from getpatter.missing import distribution
from getpatter.options import plain

with distribution("patter-openai"):
    from patter_openai import WhisperSTT as _WhisperSTT

__all__ = ["STT", "WhisperSTT"]


class WhisperSTT(_WhisperSTT):
    """As `patter_openai.WhisperSTT`, with its options; None leaves one out."""

    def __init__(self, api_key: str | None = None, **options: Any) -> None:
        super().__init__(**plain(options, "encoding", "sample_rate", api_key=api_key))


STT = WhisperSTT
