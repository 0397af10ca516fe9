"""What every recogniser and every voice has to keep, against a Cartesia of our own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.testing import STTSuite, TTSSuite
from patter_cartesia import CartesiaSTT, CartesiaTTS, CartesiaTurnsSTT
from patter_cartesia.double import CartesiaDouble
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.doubles.vendor_sound import sounded

WORDS = "a table for two"


class _Ears(STTSuite):
    """Both recognisers; a pause that goes unanswered is short here."""

    ears: Any
    patience_ms = 1_000

    def at(self, double: CartesiaDouble) -> Any:
        return double.pointed(self.ears(api_key="k", finalize_ms=self.patience_ms))

    @pytest.fixture
    async def provider(self) -> AsyncIterator[Any]:
        async with CartesiaDouble(otherwise=lambda _: WORDS).running() as double:
            yield self.at(double)

    @pytest.fixture
    def speech(self) -> tuple[AudioFormat, bytes, str]:
        return MULAW_8K, sounded(WORDS, MULAW_8K), WORDS

    @pytest.fixture
    async def refused(self) -> AsyncIterator[Any]:
        async with CartesiaDouble(faults=VendorFaults(status=401)).running() as double:
            yield self.at(double)

    @pytest.fixture
    async def cut_off(self) -> AsyncIterator[Any]:
        async with CartesiaDouble(faults=VendorFaults(close_code=1011)).running() as double:
            yield self.at(double)

    @pytest.fixture
    async def garbage(self) -> AsyncIterator[Any]:
        async with CartesiaDouble(faults=VendorFaults(garbage="{]")).running() as double:
            yield self.at(double)

    @pytest.fixture
    async def mute(self) -> AsyncIterator[Any]:
        async with CartesiaDouble(faults=VendorFaults(stalls=True)).running() as double:
            yield self.at(double)


class TestInk(_Ears):
    ears = CartesiaSTT


class TestTurns(_Ears):
    ears = CartesiaTurnsSTT
    patience_ms = 250


class TestSonic(TTSSuite):
    def at(self, double: CartesiaDouble) -> Any:
        return double.pointed(CartesiaTTS(api_key="k"))

    @pytest.fixture
    async def provider(self) -> AsyncIterator[Any]:
        async with CartesiaDouble().running() as double:
            yield self.at(double)

    @pytest.fixture
    async def refused(self) -> AsyncIterator[Any]:
        async with CartesiaDouble(faults=VendorFaults(status=401)).running() as double:
            yield self.at(double)

    @pytest.fixture
    async def cut_off(self) -> AsyncIterator[Any]:
        faults = VendorFaults(close_code=1011, after=5)
        async with CartesiaDouble(faults=faults).running() as double:
            yield self.at(double)

    @pytest.fixture
    async def garbage(self) -> AsyncIterator[Any]:
        async with CartesiaDouble(faults=VendorFaults(garbage="{]", after=1)).running() as double:
            yield self.at(double)

    @pytest.fixture
    async def mute(self) -> AsyncIterator[Any]:
        async with CartesiaDouble(faults=VendorFaults(stalls=True)).running() as double:
            yield self.at(double)
