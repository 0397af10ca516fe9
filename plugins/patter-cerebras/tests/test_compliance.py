"""What every language model has to keep, against the double."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from patter.testing import LLMSuite
from patter_cerebras import CerebrasLLM
from patter_cerebras.double import CerebrasDouble
from patter_testing.doubles.vendor_double import VendorFaults

CUT_OFF = VendorFaults(after=3, close_code=1011)
GARBAGE = VendorFaults(garbage="{nonsense")
MUTE = VendorFaults(silent=True)


@asynccontextmanager
async def at_double(provider: Any, key: str = "", **options: Any) -> AsyncIterator[Any]:
    """*provider* at a double with *options*; with *key*, one that the double does not know."""
    async with CerebrasDouble(**options).running() as double:
        pointed = double.pointed(provider)
        yield attrs.evolve(pointed, api_key=key) if key else pointed


class TestCerebrasLLM(LLMSuite):
    settings = CerebrasLLM(api_key="k")

    @pytest.fixture
    async def provider(self) -> AsyncIterator[Any]:
        async with at_double(self.settings) as provider:
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


class TestPlainJSON(TestCerebrasLLM):
    settings = CerebrasLLM(model="qwen-3.8-27b", gzip=False, msgpack=False, api_key="k")
