"""AssemblyAI: speech to text over Universal-Streaming, version 3."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter_assemblyai.stt import AssemblyAISTT

__version__ = "0.1.0"
__all__ = ["AssemblyAISTT"]


def __getattr__(name: str) -> object:
    if name == "AssemblyAISTT":
        from patter_assemblyai.stt import AssemblyAISTT

        return AssemblyAISTT
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
