"""What every recogniser has to keep, against a Speechmatics of our own, in every mode."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.testing import STTSuite
from patter_speechmatics import SpeechmaticsSTT
from patter_speechmatics.double import SpeechmaticsDouble
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.doubles.vendor_sound import sounded

WORDS = "a table for two"
BEGUN = 3
"""So many messages are sent until a session has begun."""


class _Ears(STTSuite):
    """A mode; a pause that goes unanswered is short here."""

    mode: str
    more: dict[str, Any] = {}

    def at(self, double: SpeechmaticsDouble) -> Any:
        settings = SpeechmaticsSTT(
            api_key="k", turn_detection_mode=self.mode, finalize_ms=300, **self.more
        )
        return double.pointed(settings)

    @pytest.fixture
    async def provider(self) -> AsyncIterator[Any]:
        async with SpeechmaticsDouble(otherwise=lambda _: WORDS).running() as double:
            yield self.at(double)

    @pytest.fixture
    def speech(self) -> tuple[AudioFormat, bytes, str]:
        return MULAW_8K, sounded(WORDS, MULAW_8K), WORDS

    @pytest.fixture
    async def refused(self) -> AsyncIterator[Any]:
        async with SpeechmaticsDouble(faults=VendorFaults(status=401)).running() as double:
            yield self.at(double)

    @pytest.fixture
    async def cut_off(self) -> AsyncIterator[Any]:
        faults = VendorFaults(close_code=1011, after=BEGUN)
        async with SpeechmaticsDouble(faults=faults).running() as double:
            yield self.at(double)

    @pytest.fixture
    async def garbage(self) -> AsyncIterator[Any]:
        faults = VendorFaults(garbage="{]", after=BEGUN)
        async with SpeechmaticsDouble(faults=faults).running() as double:
            yield self.at(double)

    @pytest.fixture
    async def mute(self) -> AsyncIterator[Any]:
        faults = VendorFaults(stalls=True, after=BEGUN)
        async with SpeechmaticsDouble(faults=faults).running() as double:
            yield self.at(double)


class TestExternal(_Ears):
    mode = "external"


class TestFixed(_Ears):
    mode = "fixed"
    more = {"end_of_utterance_silence_trigger": 0.1}


class TestAdaptive(_Ears):
    mode = "adaptive"
