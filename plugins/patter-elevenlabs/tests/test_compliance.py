"""The voices and the recogniser keep what all of their kinds have to keep, against the double."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from patter.audio.formats import MULAW_8K, AudioFormat
from patter_elevenlabs import ElevenLabsRestTTS, ElevenLabsScribeSTT, ElevenLabsWebSocketTTS
from patter_elevenlabs.double import ElevenLabsDouble
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.suites.stt import STTSuite
from patter_testing.suites.tts import TTSSuite

SPEECH = b"\x10\x90" * 3_200
"""A voice of 800 ms."""


class Doubles:
    """What the suites ask for: a provider with a double that is as bad as they want it."""

    settings: Any

    @pytest.fixture
    async def stack(self) -> AsyncIterator[AsyncExitStack]:
        async with AsyncExitStack() as stack:
            yield stack

    async def pointed(self, stack: AsyncExitStack, **faults: Any) -> Any:
        double = ElevenLabsDouble(faults=VendorFaults(**faults))
        await stack.enter_async_context(double.running())
        return double.pointed(self.settings)

    @pytest.fixture
    async def provider(self, stack: AsyncExitStack) -> Any:
        return await self.pointed(stack)

    @pytest.fixture
    async def refused(self, stack: AsyncExitStack) -> Any:
        double = await stack.enter_async_context(ElevenLabsDouble(key="another").running())
        double.key = "sk_wrong"
        pointed = double.pointed(self.settings)
        double.key = "another"
        return pointed

    @pytest.fixture
    async def cut_off(self, stack: AsyncExitStack) -> Any:
        return await self.pointed(stack, close_code=1011, after=2)

    @pytest.fixture
    async def garbage(self, stack: AsyncExitStack) -> Any:
        return await self.pointed(stack, garbage="{not json", after=1)

    @pytest.fixture
    async def mute(self, stack: AsyncExitStack) -> Any:
        return await self.pointed(stack, stalls=True)


class TestVoice(Doubles, TTSSuite):
    settings = ElevenLabsWebSocketTTS(api_key="k")


class TestRestVoice(Doubles, TTSSuite):
    settings = ElevenLabsRestTTS(api_key="k")


class TestScribe(Doubles, STTSuite):
    settings = ElevenLabsScribeSTT(api_key="k", answer_s=0.5)

    @pytest.fixture
    def speech(self) -> tuple[AudioFormat, bytes, str]:
        return MULAW_8K, SPEECH, "800 ms"
