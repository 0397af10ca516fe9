"""What every provider of its kind has to keep, against the double."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from patter.audio.formats import MULAW_8K, PCM16_8K, PCM16_24K, AudioFormat
from patter.providers.context import CallContext
from patter.testing import GuardrailSuite, LLMSuite, STTSuite, TTSSuite
from patter_openai import (
    OpenAICompatibleLLM,
    OpenAILLM,
    OpenAIModeration,
    OpenAITranscribeSTT,
    OpenAITTS,
    WhisperSTT,
)
from patter_openai.double import OpenAIDouble
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.fakes.tts import spoken

CUT_OFF = VendorFaults(after=3, close_code=1011)
GARBAGE = VendorFaults(garbage="{nonsense")
MUTE = VendorFaults(silent=True)
WORDS = "a table for two please"


@asynccontextmanager
async def at_double(provider: Any, key: str = "", **options: Any) -> AsyncIterator[Any]:
    """*provider* at a double with *options*; with *key*, one that the double does not know."""
    async with OpenAIDouble(**options).running() as double:
        pointed = double.pointed(provider)
        yield attrs.evolve(pointed, api_key=key) if key else pointed


class Vendor:
    """The fixtures of the vendor's bad days, for what is in `settings`."""

    settings: Any
    lines: Iterable[str] = ()

    @pytest.fixture
    async def provider(self) -> AsyncIterator[Any]:
        async with at_double(self.settings, lines=self.lines) as provider:
            yield provider

    @pytest.fixture
    async def refused(self) -> AsyncIterator[Any]:
        async with at_double(self.settings, key="wrong") as provider:
            yield provider

    @pytest.fixture
    async def cut_off(self) -> AsyncIterator[Any]:
        async with at_double(self.settings, faults=CUT_OFF) as provider:
            yield provider

    @pytest.fixture
    async def garbage(self) -> AsyncIterator[Any]:
        async with at_double(self.settings, faults=GARBAGE) as provider:
            yield provider

    @pytest.fixture
    async def mute(self) -> AsyncIterator[Any]:
        async with at_double(self.settings, faults=MUTE) as provider:
            yield provider


class TestChat(Vendor, LLMSuite):
    settings = OpenAILLM(api_key="k")


class TestResponses(Vendor, LLMSuite):
    settings = OpenAILLM(api="responses", api_key="k")


class TestCompatible(Vendor, LLMSuite):
    settings = OpenAICompatibleLLM(base_url="http://127.0.0.1:1", model="gpt-4o-mini", api_key="k")


class TestVoice(Vendor, TTSSuite):
    settings = OpenAITTS(api_key="k")


class TestTranscribe(Vendor, STTSuite):
    settings = OpenAITranscribeSTT(timeout=1, api_key="k")
    lines = [WORDS] * 20

    @pytest.fixture
    def speech(self, provider: OpenAITranscribeSTT) -> tuple[AudioFormat, bytes, str]:
        return MULAW_8K, spoken("table for two" * 2, MULAW_8K), WORDS


class TestTranscribeServerVAD(TestTranscribe):
    settings = OpenAITranscribeSTT(
        turn_detection="server_vad", native_audio=False, timeout=1, api_key="k"
    )

    @pytest.fixture
    def speech(self, provider: OpenAITranscribeSTT) -> tuple[AudioFormat, bytes, str]:
        return PCM16_24K, spoken("table for two" * 2, PCM16_24K), WORDS


class TestWhisper(Vendor, STTSuite):
    settings = WhisperSTT(word_times=True, api_key="k")
    lines = [WORDS] * 20

    async def use(self, provider: Any, call: CallContext) -> None:
        """Silence is not sent, so somebody has to speak."""
        async with provider.open(call, PCM16_8K) as session:
            await session.send(spoken("a table", PCM16_8K))
            await session.finalize()
            async for _ in session:
                return

    @pytest.fixture
    def speech(self, provider: WhisperSTT) -> tuple[AudioFormat, bytes, str]:
        return PCM16_8K, spoken("table for two" * 2, PCM16_8K), WORDS


class TestModeration(Vendor, GuardrailSuite):
    settings = OpenAIModeration(replacement="Let us talk about something else.", api_key="k")

    @pytest.fixture
    def bad(self) -> str:
        return "You are an idiot."
