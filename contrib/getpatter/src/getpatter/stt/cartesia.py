"""CartesiaSTT, with its key by position or from the environment."""

from __future__ import annotations

from typing import Any

from getpatter.missing import distribution
from getpatter.options import plain

with distribution("patter-cartesia"):
    from patter_cartesia import CartesiaSTT as _CartesiaSTT

__all__ = ["STT", "CartesiaSTT"]


class CartesiaSTT(_CartesiaSTT):
    """As `patter_cartesia.CartesiaSTT`, with its options; None leaves one out."""

    def __init__(self, api_key: str | None = None, **options: Any) -> None:
        super().__init__(**plain(options, api_key=api_key))


STT = CartesiaSTT
