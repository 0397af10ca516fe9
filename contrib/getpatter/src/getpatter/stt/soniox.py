"""SonioxSTT, with its key by position or from the environment."""

from __future__ import annotations

from typing import Any

from getpatter.missing import distribution
from getpatter.options import plain

with distribution("patter-soniox"):
    from patter_soniox import SonioxSTT as _SonioxSTT

__all__ = ["STT", "SonioxSTT"]


class SonioxSTT(_SonioxSTT):
    """As `patter_soniox.SonioxSTT`, with its options; None leaves one out."""

    def __init__(self, api_key: str | None = None, **options: Any) -> None:
        super().__init__(**plain(options, "sample_rate", "num_channels", api_key=api_key))


STT = SonioxSTT
