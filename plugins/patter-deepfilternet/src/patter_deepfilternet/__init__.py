"""DeepFilterNet for Patter; the class is imported when it is first named."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter_deepfilternet.audio_filter import DeepFilterNetFilter

__version__ = "0.1.0"
__all__ = ["DeepFilterNetFilter"]


def __getattr__(name: str) -> object:
    if name == "DeepFilterNetFilter":
        from patter_deepfilternet.audio_filter import DeepFilterNetFilter

        return DeepFilterNetFilter
    raise AttributeError(f"module 'patter_deepfilternet' has no attribute {name!r}")
