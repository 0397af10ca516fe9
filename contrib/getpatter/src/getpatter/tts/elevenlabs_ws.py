"""ElevenLabsWebSocketTTS, with its key by position or from the environment."""

from __future__ import annotations

from typing import Any

from getpatter.missing import distribution
from getpatter.options import plain

with distribution("patter-elevenlabs"):
    from patter_elevenlabs import ElevenLabsWebSocketTTS as _ElevenLabsWebSocketTTS

__all__ = ["TTS", "ElevenLabsWebSocketTTS"]


class ElevenLabsWebSocketTTS(_ElevenLabsWebSocketTTS):
    """As `patter_elevenlabs.ElevenLabsWebSocketTTS`, with its options; None leaves one out."""

    def __init__(self, api_key: str | None = None, **options: Any) -> None:
        super().__init__(**plain(options, "chunk_size", api_key=api_key))


TTS = ElevenLabsWebSocketTTS
