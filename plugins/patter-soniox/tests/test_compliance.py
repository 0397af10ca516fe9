"""What every recogniser has to keep, against a Soniox of our own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.testing import STTSuite
from patter_soniox import SonioxSTT
from patter_soniox.double import SonioxDouble
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.doubles.vendor_sound import sounded

WORDS = "a table for two"


class _Ears(STTSuite):
    """Both ways of ending a pause; one that goes unanswered is short here."""

    judges: bool

    def at(self, double: SonioxDouble) -> SonioxSTT:
        ears = SonioxSTT(api_key="k", enable_endpoint_detection=self.judges, finalize_ms=250)
        return double.pointed(ears)

    @pytest.fixture
    async def provider(self) -> AsyncIterator[Any]:
        async with SonioxDouble(otherwise=lambda _: WORDS).running() as double:
            yield self.at(double)

    @pytest.fixture
    def speech(self) -> tuple[AudioFormat, bytes, str]:
        return MULAW_8K, sounded(WORDS, MULAW_8K), WORDS

    @pytest.fixture
    async def refused(self) -> AsyncIterator[Any]:
        async with SonioxDouble().running() as double:
            yield attrs.evolve(self.at(double), api_key="of somebody else")

    @pytest.fixture
    async def cut_off(self) -> AsyncIterator[Any]:
        async with SonioxDouble(faults=VendorFaults(close_code=1011)).running() as double:
            yield self.at(double)

    @pytest.fixture
    async def garbage(self) -> AsyncIterator[Any]:
        async with SonioxDouble(faults=VendorFaults(garbage="{]")).running() as double:
            yield self.at(double)

    @pytest.fixture
    async def mute(self) -> AsyncIterator[Any]:
        async with SonioxDouble(faults=VendorFaults(stalls=True)).running() as double:
            yield self.at(double)


class TestEndpoints(_Ears):
    judges = True


class TestFinalize(_Ears):
    judges = False
