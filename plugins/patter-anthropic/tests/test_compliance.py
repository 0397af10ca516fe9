"""What every language model has to keep, against Anthropic's double."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anthropic  # noqa: F401 - which takes seconds, and a rule has five
import pytest

from patter_anthropic import AnthropicLLM
from patter_anthropic.double import AnthropicDouble
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.suites.llm import LLMSuite


async def _with(faults: VendorFaults, key: str = "double-key") -> AsyncIterator[AnthropicLLM]:
    async with AnthropicDouble(faults=faults).running() as vendor:
        yield AnthropicLLM(base_url=vendor.url, api_key=key)


class TestAnthropic(LLMSuite):
    @pytest.fixture
    async def provider(self) -> AsyncIterator[AnthropicLLM]:
        async for each in _with(VendorFaults()):
            yield each

    @pytest.fixture
    async def refused(self) -> AsyncIterator[AnthropicLLM]:
        async for each in _with(VendorFaults(), key="another"):
            yield each

    @pytest.fixture
    async def cut_off(self) -> AsyncIterator[AnthropicLLM]:
        async for each in _with(VendorFaults(after=5, close_code=1000)):
            yield each

    @pytest.fixture
    async def garbage(self) -> AsyncIterator[AnthropicLLM]:
        async for each in _with(VendorFaults(after=4, garbage="not { json")):
            yield each

    @pytest.fixture
    async def mute(self) -> AsyncIterator[AnthropicLLM]:
        async for each in _with(VendorFaults(silent=True)):
            yield each
