"""What every engine has to keep, against the double of ElevenLabs' agents."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from patter_elevenlabs.double import ElevenLabsDouble
from patter_elevenlabs.double.convai import HostedAgent
from patter_elevenlabs.engine import ElevenLabsConvAI
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.suites.engine import EngineSuite

from .convai_lab import engine, quick


class TestConvAI(EngineSuite):
    @pytest.fixture
    async def double(self) -> AsyncIterator[ElevenLabsDouble]:
        async with quick().running() as double:
            yield double

    @pytest.fixture
    def vendor(self, double: ElevenLabsDouble) -> HostedAgent:
        return double.agent

    @pytest.fixture
    def provider(self, double: ElevenLabsDouble) -> ElevenLabsConvAI:
        return engine(double)

    @pytest.fixture
    async def refused(self) -> AsyncIterator[ElevenLabsConvAI]:
        async with quick().running() as double:
            provider = engine(double)
            double.key = "another"
            yield provider

    @pytest.fixture
    async def cut_off(self) -> AsyncIterator[ElevenLabsConvAI]:
        async with quick(VendorFaults(after=3, close_code=1011)).running() as double:
            yield engine(double)

    @pytest.fixture
    async def garbage(self) -> AsyncIterator[ElevenLabsConvAI]:
        async with quick(VendorFaults(after=2, garbage="not json")).running() as double:
            yield engine(double)

    @pytest.fixture
    async def mute(self) -> AsyncIterator[ElevenLabsConvAI]:
        async with quick(VendorFaults(stalls=True)).running() as double:
            yield engine(double, open_s=0.5)
