"""What every engine has to keep, against the double of OpenAI's Realtime API."""

from __future__ import annotations

from collections.abc import AsyncIterator

import attrs
import pytest

from patter_openai import OpenAIRealtime
from patter_openai.double import OpenAIDouble
from patter_openai.double.realtime_script import RealtimeScript
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.suites.engine import EngineSuite


async def served(faults: VendorFaults | None = None) -> AsyncIterator[OpenAIDouble]:
    async with OpenAIDouble(faults=faults or VendorFaults()).running() as double:
        yield double


def engine(double: OpenAIDouble) -> OpenAIRealtime:
    return double.pointed(OpenAIRealtime(api_key="k"))


class TestRealtime(EngineSuite):
    @pytest.fixture
    async def double(self) -> AsyncIterator[OpenAIDouble]:
        async for double in served():
            yield double

    @pytest.fixture
    def vendor(self, double: OpenAIDouble) -> RealtimeScript:
        return double.realtime

    @pytest.fixture
    def provider(self, double: OpenAIDouble) -> OpenAIRealtime:
        return engine(double)

    @pytest.fixture
    async def refused(self) -> AsyncIterator[OpenAIRealtime]:
        async for double in served(VendorFaults(status=401)):
            yield engine(double)

    @pytest.fixture
    async def cut_off(self) -> AsyncIterator[OpenAIRealtime]:
        async for double in served(VendorFaults(close_code=1011, after=6)):
            yield engine(double)

    @pytest.fixture
    async def garbage(self) -> AsyncIterator[OpenAIRealtime]:
        async for double in served(VendorFaults(garbage="not json", after=4)):
            yield engine(double)

    @pytest.fixture
    async def mute(self) -> AsyncIterator[OpenAIRealtime]:
        async for double in served(VendorFaults(stalls=True, after=2)):
            yield engine(double)


class TestRealtimeOnTelephoneAudio(EngineSuite):
    """The same with mu-law both ways."""

    @pytest.fixture
    async def double(self) -> AsyncIterator[OpenAIDouble]:
        async for double in served():
            yield double

    @pytest.fixture
    def vendor(self, double: OpenAIDouble) -> RealtimeScript:
        return double.realtime

    @pytest.fixture
    def provider(self, double: OpenAIDouble) -> OpenAIRealtime:
        return double.pointed(
            OpenAIRealtime(api_key="k", input_format="pcmu", output_format="pcmu")
        )

    @pytest.fixture
    async def refused(self) -> AsyncIterator[OpenAIRealtime]:
        async for double in served():
            yield OpenAIRealtime(base_url=f"{double.url}/v1", api_key="another")

    @pytest.fixture
    async def cut_off(self) -> AsyncIterator[OpenAIRealtime]:
        async for double in served(VendorFaults(over=True, after=3)):
            yield engine(double)

    @pytest.fixture
    async def garbage(self) -> AsyncIterator[OpenAIRealtime]:
        async for double in served(VendorFaults(oversize=5 << 20, after=3)):
            yield engine(double)

    @pytest.fixture
    async def mute(self) -> AsyncIterator[OpenAIRealtime]:
        async for double in served(VendorFaults(silent=True)):
            yield attrs.evolve(engine(double), open_s=0.3)
