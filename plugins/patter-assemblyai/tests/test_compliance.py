"""What every recogniser has to keep, against an AssemblyAI of our own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.testing import STTSuite
from patter_assemblyai import AssemblyAISTT
from patter_assemblyai.double import AssemblyAIDouble
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.doubles.vendor_sound import sounded

WORDS = "a table for two"


class _Ears(STTSuite):
    """One way to listen; a pause that goes unanswered is short here."""

    options: dict[str, Any]
    words = WORDS

    def at(self, double: AssemblyAIDouble) -> AssemblyAISTT:
        return double.pointed(AssemblyAISTT(api_key="k", finalize_ms=250, **self.options))

    @pytest.fixture
    async def provider(self) -> AsyncIterator[AssemblyAISTT]:
        async with AssemblyAIDouble(otherwise=lambda _: WORDS).running() as double:
            yield self.at(double)

    @pytest.fixture
    def speech(self) -> tuple[AudioFormat, bytes, str]:
        return MULAW_8K, sounded(WORDS, MULAW_8K), self.words

    @pytest.fixture
    async def refused(self) -> AsyncIterator[AssemblyAISTT]:
        refusal = (1008, "Unauthorized Connection: Missing Authorization header")
        async with AssemblyAIDouble(refuses=refusal).running() as double:
            yield self.at(double)

    @pytest.fixture
    async def cut_off(self) -> AsyncIterator[AssemblyAISTT]:
        faults = VendorFaults(close_code=3005, after=1)
        async with AssemblyAIDouble(faults=faults).running() as double:
            yield self.at(double)

    @pytest.fixture
    async def garbage(self) -> AsyncIterator[AssemblyAISTT]:
        async with AssemblyAIDouble(faults=VendorFaults(garbage="{]")).running() as double:
            yield self.at(double)

    @pytest.fixture
    async def mute(self) -> AsyncIterator[AssemblyAISTT]:
        async with AssemblyAIDouble(faults=VendorFaults(stalls=True)).running() as double:
            yield self.at(double)


class TestJudging(_Ears):
    options: dict[str, Any] = {}


class TestAsked(_Ears):
    options = {"turn_detection": False}


class TestFormatted(_Ears):
    options = {"turn_detection": False, "format_turns": True}
    words = "A table for two."


class TestUniversal3(_Ears):
    options = {"model": "u3-rt-pro"}
    words = "A table for two."


class TestWithAToken(_Ears):
    options = {"use_query_token": True}
