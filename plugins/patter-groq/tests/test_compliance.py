"""What every provider of its kind has to keep, against the double."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from patter.audio.formats import PCM16_8K, AudioFormat
from patter.providers.context import CallContext
from patter.testing import LLMSuite, STTSuite
from patter_groq import GroqLLM, GroqWhisperSTT
from patter_groq.double import GroqDouble
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.fakes.tts import spoken

CUT_OFF = VendorFaults(after=3, close_code=1011)
GARBAGE = VendorFaults(garbage="{nonsense")
MUTE = VendorFaults(silent=True)
WORDS = "a table for two please"


@asynccontextmanager
async def at_double(provider: Any, key: str = "", **options: Any) -> AsyncIterator[Any]:
    """*provider* at a double with *options*; with *key*, one that the double does not know."""
    async with GroqDouble(**options).running() as double:
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


class TestGroqLLM(Vendor, LLMSuite):
    settings = GroqLLM(api_key="k")


class TestGroqLLMThatReasons(Vendor, LLMSuite):
    settings = GroqLLM(model="openai/gpt-oss-120b", api_key="k")


class TestGroqWhisper(Vendor, STTSuite):
    settings = GroqWhisperSTT(word_times=True, api_key="k")
    lines = [WORDS] * 20

    async def use(self, provider: Any, call: CallContext) -> None:
        """Silence is not sent, so somebody has to speak."""
        async with provider.open(call, PCM16_8K) as session:
            await session.send(spoken("a table", PCM16_8K))
            await session.finalize()
            async for _ in session:
                return

    @pytest.fixture
    def speech(self, provider: GroqWhisperSTT) -> tuple[AudioFormat, bytes, str]:
        return PCM16_8K, spoken("table for two" * 2, PCM16_8K), WORDS
