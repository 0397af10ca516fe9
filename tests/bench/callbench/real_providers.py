"""The plugins of Deepgram, OpenAI and ElevenLabs, as their users make them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from patter_deepgram import DeepgramFluxSTT
from patter_elevenlabs import ElevenLabsTTS
from patter_openai import OpenAILLM

KEY = "a-key-of-the-benchmark"


@asynccontextmanager
async def plugins(vendors: str) -> AsyncIterator[dict[str, Any]]:
    """The three of them."""
    yield {
        "stt": DeepgramFluxSTT(api_key=KEY, base_url=vendors),
        "llm": OpenAILLM(api_key=KEY, base_url=f"{vendors}/v1"),
        "tts": ElevenLabsTTS(api_key=KEY, base_url=vendors),
    }
