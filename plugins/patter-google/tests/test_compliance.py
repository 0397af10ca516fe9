"""What every language model has to keep, against Google's double: with a key, and in the cloud."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from patter_google import GoogleLLM
from patter_google.double import GoogleDouble
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.suites.llm import LLMSuite


class TestGoogle(LLMSuite):
    settings: dict[str, Any] = {}

    async def _with(
        self, faults: VendorFaults, key: str = "double-key"
    ) -> AsyncIterator[GoogleLLM]:
        async with GoogleDouble(faults=faults).running() as vendor:
            shown, vendor.key = vendor.key, key
            pointed = vendor.pointed(GoogleLLM(api_key="k", **self.settings))
            vendor.key = shown
            yield pointed

    @pytest.fixture
    async def provider(self) -> AsyncIterator[GoogleLLM]:
        async for each in self._with(VendorFaults()):
            yield each

    @pytest.fixture
    async def refused(self) -> AsyncIterator[GoogleLLM]:
        async for each in self._with(VendorFaults(), key="another"):
            yield each

    @pytest.fixture
    async def cut_off(self) -> AsyncIterator[GoogleLLM]:
        async for each in self._with(VendorFaults(after=2, close_code=1000)):
            yield each

    @pytest.fixture
    async def garbage(self) -> AsyncIterator[GoogleLLM]:
        async for each in self._with(VendorFaults(after=2, garbage="not { json")):
            yield each

    @pytest.fixture
    async def mute(self) -> AsyncIterator[GoogleLLM]:
        async for each in self._with(VendorFaults(silent=True)):
            yield each


class TestGemini3(TestGoogle):
    settings = {"model": "gemini-3.8-flash"}


class TestVertexAI(TestGoogle):
    settings = {"vertexai": True, "project": "bistro"}
