"""SpeechmaticsSTT, with its key by position or from the environment."""

from __future__ import annotations

from typing import Any

from getpatter.missing import distribution
from getpatter.options import plain

with distribution("patter-speechmatics"):
    from patter_speechmatics import SpeechmaticsSTT as _SpeechmaticsSTT

__all__ = ["STT", "SpeechmaticsSTT"]


class SpeechmaticsSTT(_SpeechmaticsSTT):
    """As `patter_speechmatics.SpeechmaticsSTT`, with its options; None leaves one out."""

    def __init__(self, api_key: str | None = None, **options: Any) -> None:
        super().__init__(**plain(options, "sample_rate", api_key=api_key))


STT = SpeechmaticsSTT
