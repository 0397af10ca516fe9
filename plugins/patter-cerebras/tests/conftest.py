"""What the tests of this package share: a double that runs, and a key."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from patter_cerebras.double import CerebrasDouble


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key for what is built from spec strings."""
    monkeypatch.setenv("CEREBRAS_API_KEY", "k")


@pytest.fixture
async def vendor() -> AsyncIterator[CerebrasDouble]:
    """Cerebras, as it is on a good day."""
    async with CerebrasDouble().running() as double:
        yield double
