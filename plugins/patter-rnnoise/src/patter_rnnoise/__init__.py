"""RNNoise for Patter; the class is imported when it is first named."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter_rnnoise.audio_filter import RNNoiseFilter

__version__ = "0.1.0"
__all__ = ["RNNoiseFilter"]


def __getattr__(name: str) -> object:
    if name == "RNNoiseFilter":
        from patter_rnnoise.audio_filter import RNNoiseFilter

        return RNNoiseFilter
    raise AttributeError(f"module 'patter_rnnoise' has no attribute {name!r}")
