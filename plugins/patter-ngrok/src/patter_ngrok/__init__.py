"""A tunnel of ngrok's for Patter; the class is imported when it is first named."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter_ngrok.tunnel import Ngrok

__version__ = "0.1.0"
__all__ = ["Ngrok"]


def __getattr__(name: str) -> object:
    if name == "Ngrok":
        from patter_ngrok.tunnel import Ngrok

        return Ngrok
    raise AttributeError(f"module 'patter_ngrok' has no attribute {name!r}")
