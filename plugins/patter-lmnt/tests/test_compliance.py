"""Both voices keep what every voice has to keep, against an LMNT of our own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from patter.testing import TTSSuite
from patter_lmnt import LMNTTTS, LMNTRestTTS
from patter_lmnt.double import LMNTDouble
from patter_testing.doubles.vendor_double import VendorFaults


class _Voice(TTSSuite):
    """A voice with a double that is as bad as the suite wants it."""

    settings: Any
    cut_after = 4

    @pytest.fixture
    async def stack(self) -> AsyncIterator[AsyncExitStack]:
        async with AsyncExitStack() as stack:
            yield stack

    async def pointed(self, stack: AsyncExitStack, **faults: Any) -> Any:
        double = LMNTDouble(faults=VendorFaults(**faults))
        await stack.enter_async_context(double.running())
        return double.pointed(self.settings)

    @pytest.fixture
    async def provider(self, stack: AsyncExitStack) -> Any:
        return await self.pointed(stack)

    @pytest.fixture
    async def refused(self, stack: AsyncExitStack) -> Any:
        """A key that is refused by LMNT's own means: in a message, or with a status."""
        double = await stack.enter_async_context(LMNTDouble(key="another").running())
        double.key = "wrong"
        pointed = double.pointed(self.settings)
        double.key = "another"
        return pointed

    @pytest.fixture
    async def cut_off(self, stack: AsyncExitStack) -> Any:
        return await self.pointed(stack, close_code=1011, after=self.cut_after)

    @pytest.fixture
    async def garbage(self, stack: AsyncExitStack) -> Any:
        return await self.pointed(stack, garbage="{]", after=1)

    @pytest.fixture
    async def mute(self, stack: AsyncExitStack) -> Any:
        return await self.pointed(stack, stalls=True)


class TestSession(_Voice):
    settings = LMNTTTS(api_key="k")


class TestSessionUntimed(_Voice):
    settings = LMNTTTS(api_key="k", return_timestamps=False)


class TestRest(_Voice):
    settings = LMNTRestTTS(api_key="k")
