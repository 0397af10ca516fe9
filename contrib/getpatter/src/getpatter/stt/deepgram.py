"""DeepgramSTT, with its key by position or from the environment."""

from __future__ import annotations

from typing import Any

from getpatter.missing import distribution
from getpatter.options import plain

with distribution("patter-deepgram"):
    from patter_deepgram import DeepgramSTT as _DeepgramSTT

__all__ = ["STT", "DeepgramSTT"]


class DeepgramSTT(_DeepgramSTT):
    """As `patter_deepgram.DeepgramSTT`, with its options; None leaves one out."""

    def __init__(self, api_key: str | None = None, **options: Any) -> None:
        super().__init__(**plain(options, "encoding", "sample_rate", api_key=api_key))


STT = DeepgramSTT
