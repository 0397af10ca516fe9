"""An ngrok agent to talk to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from .double import Agent, running


@pytest.fixture
async def agent() -> AsyncIterator[Agent]:
    """A well-behaved agent without tunnels; set what it is like before asking it."""
    async with running(Agent()) as one:
        yield one
