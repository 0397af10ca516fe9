"""What every engine has to keep, against Google's double: by each family of models, and by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from patter_google import GeminiLive
from patter_google.double import GoogleDouble, LiveScript
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.suites.engine import EngineSuite

from .live_lab import CLOUD, MIDDLE, OLD, engine


async def served(faults: VendorFaults | None = None) -> AsyncIterator[GoogleDouble]:
    double = GoogleDouble(live=LiveScript(), faults=faults or VendorFaults())
    async with double.running():
        yield double


class TestGeminiLive(EngineSuite):
    settings: dict[str, Any] = {}

    @pytest.fixture
    async def double(self) -> AsyncIterator[GoogleDouble]:
        async for double in served():
            yield double

    @pytest.fixture
    def vendor(self, double: GoogleDouble) -> LiveScript:
        return double.live

    @pytest.fixture
    def provider(self, double: GoogleDouble) -> GeminiLive:
        return engine(double, **self.settings)

    @pytest.fixture
    async def refused(self) -> AsyncIterator[GeminiLive]:
        async for double in served():
            provider = engine(double, **self.settings)
            double.key = "another"
            yield provider

    @pytest.fixture
    async def cut_off(self) -> AsyncIterator[GeminiLive]:
        async for double in served(VendorFaults(close_code=1011, after=4)):
            yield engine(double, **self.settings)

    @pytest.fixture
    async def garbage(self) -> AsyncIterator[GeminiLive]:
        async for double in served(VendorFaults(garbage="not json", after=2)):
            yield engine(double, **self.settings)

    @pytest.fixture
    async def mute(self) -> AsyncIterator[GeminiLive]:
        async for double in served(VendorFaults(stalls=True, after=1)):
            yield engine(double, **self.settings)


class TestGemini25(TestGeminiLive):
    settings = {"model": OLD}


class TestGemini31(TestGeminiLive):
    settings = {"model": MIDDLE}

    @pytest.fixture
    async def cut_off(self) -> AsyncIterator[GeminiLive]:
        async for double in served(VendorFaults(over=True, after=3)):
            yield engine(double, **self.settings)

    @pytest.fixture
    async def mute(self) -> AsyncIterator[GeminiLive]:
        async for double in served(VendorFaults(silent=True)):
            yield engine(double, open_s=0.5, **self.settings)


class TestBlockingTools(TestGeminiLive):
    settings = {"tool_behavior": "BLOCKING", "vendor_interrupts": False}

    @pytest.fixture
    async def garbage(self) -> AsyncIterator[GeminiLive]:
        async for double in served(VendorFaults(oversize=5 << 20, after=2)):
            yield engine(double, **self.settings)


class TestVertexAI(TestGeminiLive):
    settings = {**CLOUD, "explicit_vad": True}
