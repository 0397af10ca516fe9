"""What every voice has to keep, over a socket and over HTTP, against a Rime of our own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from patter.testing import TTSSuite
from patter_rime import RimeRestTTS, RimeTTS
from patter_rime.double import RimeDouble
from patter_testing.doubles.vendor_double import VendorFaults


class _Voice(TTSSuite):
    """Both voices."""

    settings: Any

    def at(self, double: RimeDouble) -> Any:
        return double.pointed(self.settings)

    @pytest.fixture
    async def provider(self) -> AsyncIterator[Any]:
        async with RimeDouble().running() as double:
            yield self.at(double)

    @pytest.fixture
    async def refused(self) -> AsyncIterator[Any]:
        async with RimeDouble(faults=VendorFaults(status=401)).running() as double:
            yield self.at(double)

    @pytest.fixture
    async def cut_off(self) -> AsyncIterator[Any]:
        faults = VendorFaults(close_code=1011, after=3)
        async with RimeDouble(faults=faults).running() as double:
            yield self.at(double)

    @pytest.fixture
    async def garbage(self) -> AsyncIterator[Any]:
        async with RimeDouble(faults=VendorFaults(garbage="{]", after=1)).running() as double:
            yield self.at(double)

    @pytest.fixture
    async def mute(self) -> AsyncIterator[Any]:
        async with RimeDouble(faults=VendorFaults(stalls=True)).running() as double:
            yield self.at(double)


class TestSocket(_Voice):
    settings = RimeTTS(api_key="k")


class TestMist(_Voice):
    settings = RimeTTS(model="mistv2", api_key="k")


class TestRest(_Voice):
    settings = RimeRestTTS(api_key="k")
