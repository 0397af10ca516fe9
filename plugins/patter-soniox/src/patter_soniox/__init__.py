"""Soniox: speech to text in 60 languages, which judges by itself when the caller has finished."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter_soniox.stt import SonioxSTT

__version__ = "0.1.0"
__all__ = ["SonioxSTT"]


def __getattr__(name: str) -> object:
    if name == "SonioxSTT":
        from patter_soniox.stt import SonioxSTT

        return SonioxSTT
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
