"""Deepgram: speech to text with Nova and Flux, text to speech with Aura and Flux."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter_deepgram.flux_stt import DeepgramFluxSTT
    from patter_deepgram.stt import DeepgramSTT
    from patter_deepgram.tts import DeepgramFluxTTS, DeepgramTTS

__version__ = "0.1.0"
__all__ = ["DeepgramFluxSTT", "DeepgramFluxTTS", "DeepgramSTT", "DeepgramTTS"]

_HOME = {
    "DeepgramFluxSTT": "flux_stt",
    "DeepgramFluxTTS": "tts",
    "DeepgramSTT": "stt",
    "DeepgramTTS": "tts",
}


def __getattr__(name: str) -> object:
    if home := _HOME.get(name):
        from importlib import import_module

        return getattr(import_module(f"patter_deepgram.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
