"""What the tests share: a double, a provider of it, and what was said or heard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.providers.context import CallContext
from patter_elevenlabs import ElevenLabsScribeSTT, ElevenLabsWebSocketTTS
from patter_elevenlabs.double import ElevenLabsDouble
from patter_elevenlabs.stt import ElevenLabsScribeSession
from patter_elevenlabs.tts import ElevenLabsVoiceSession
from patter_testing.talking import CALL

VOICE = b"\x10\x90" * 80
"""20 ms of a voice, in mu-law."""

SILENCE = MULAW_8K.silence * 160


@asynccontextmanager
async def voice(
    double: ElevenLabsDouble,
    call: CallContext = CALL,
    audio: AudioFormat = MULAW_8K,
    **options: Any,
) -> AsyncIterator[ElevenLabsVoiceSession]:
    """A session of the voice with *options*, whose vendor is *double*."""
    settings = ElevenLabsWebSocketTTS(base_url=double.url, api_key=double.key, **options)
    async with settings.open(call, audio) as session:
        yield session


@asynccontextmanager
async def ear(
    double: ElevenLabsDouble,
    call: CallContext = CALL,
    audio: AudioFormat = MULAW_8K,
    **options: Any,
) -> AsyncIterator[ElevenLabsScribeSession]:
    """A session of Scribe with *options*, whose vendor is *double*."""
    # A busy machine may take longer than a call would wait.
    patient = {"answer_s": 10, **options}
    settings = ElevenLabsScribeSTT(base_url=double.url, api_key=double.key, **patient)
    async with settings.open(call, audio) as session:
        yield session
