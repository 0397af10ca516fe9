"""ElevenLabs: voices over WebSocket and HTTP, Scribe, and agents (ConvAI)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter_elevenlabs.engine import ElevenLabsConvAI
    from patter_elevenlabs.rest_tts import ElevenLabsRestTTS
    from patter_elevenlabs.stt import ElevenLabsScribeSTT, ElevenLabsSTT
    from patter_elevenlabs.tts import ElevenLabsTTS, ElevenLabsWebSocketTTS

__version__ = "0.1.0"
__all__ = [
    "ElevenLabsConvAI",
    "ElevenLabsRestTTS",
    "ElevenLabsSTT",
    "ElevenLabsScribeSTT",
    "ElevenLabsTTS",
    "ElevenLabsWebSocketTTS",
]

_HOME = {
    "ElevenLabsConvAI": "engine",
    "ElevenLabsRestTTS": "rest_tts",
    "ElevenLabsSTT": "stt",
    "ElevenLabsScribeSTT": "stt",
    "ElevenLabsTTS": "tts",
    "ElevenLabsWebSocketTTS": "tts",
}


def __getattr__(name: str) -> object:
    if home := _HOME.get(name):
        from importlib import import_module

        return getattr(import_module(f"patter_elevenlabs.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
