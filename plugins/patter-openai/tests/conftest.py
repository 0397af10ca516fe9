"""What the tests of this package share: a double that runs, and a call."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from patter.providers.context import CallContext
from patter_openai.double import OpenAIDouble


@pytest.fixture
def call() -> CallContext:
    """A call."""
    return CallContext(call_id="c1")


@pytest.fixture
async def vendor() -> AsyncIterator[OpenAIDouble]:
    """OpenAI, as it is on a good day."""
    async with OpenAIDouble().running() as double:
        yield double
