"""ElevenLabsRestTTS, with its key by position or from the environment."""

from __future__ import annotations

from typing import Any

from getpatter.missing import distribution
from getpatter.options import plain

with distribution("patter-elevenlabs"):
    from patter_elevenlabs import ElevenLabsRestTTS as _ElevenLabsRestTTS

__all__ = ["TTS", "ElevenLabsRestTTS"]


class ElevenLabsRestTTS(_ElevenLabsRestTTS):
    """As `patter_elevenlabs.ElevenLabsRestTTS`, with its options; None leaves one out."""

    def __init__(self, api_key: str | None = None, **options: Any) -> None:
        super().__init__(**plain(options, api_key=api_key))


TTS = ElevenLabsRestTTS
