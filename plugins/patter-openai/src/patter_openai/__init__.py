"""OpenAI: language models, voices, recognisers, moderation, and the Realtime engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter_openai.compatible import OpenAICompatibleLLM
    from patter_openai.engine import OpenAIRealtime
    from patter_openai.llm import OpenAILLM
    from patter_openai.moderation import OpenAIModeration
    from patter_openai.transcribe import OpenAITranscribeSTT
    from patter_openai.tts import OpenAITTS
    from patter_openai.whisper import WhisperSTT

__version__ = "0.1.0"
__all__ = [
    "OpenAICompatibleLLM",
    "OpenAILLM",
    "OpenAIModeration",
    "OpenAIRealtime",
    "OpenAITTS",
    "OpenAITranscribeSTT",
    "WhisperSTT",
]

_HOME = {
    "OpenAICompatibleLLM": "compatible",
    "OpenAILLM": "llm",
    "OpenAIModeration": "moderation",
    "OpenAIRealtime": "engine",
    "OpenAITTS": "tts",
    "OpenAITranscribeSTT": "transcribe",
    "WhisperSTT": "whisper",
}


def __getattr__(name: str) -> object:
    if home := _HOME.get(name):
        from importlib import import_module

        return getattr(import_module(f"patter_openai.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
