"""The rules every tunnel keeps, with a domain of one's own and with an agent."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from patter_ngrok import Ngrok
from patter_testing import TunnelSuite

from .double import Agent, running


class TestNgrokThroughAnAgent(TunnelSuite):
    @pytest.fixture
    async def provider(self, agent: Agent) -> Ngrok:
        return Ngrok(api=agent.url)

    @pytest.fixture
    async def refused(self) -> AsyncIterator[Ngrok]:
        async with running(Agent(refusal="Usage requires an authtoken. ERR_NGROK_4018")) as agent:
            yield Ngrok(api=agent.url)


class TestNgrokWithADomain(TunnelSuite):
    @pytest.fixture
    def provider(self) -> Ngrok:
        return Ngrok(hostname="rosas.ngrok.app")

    @pytest.fixture
    async def refused(self) -> AsyncIterator[Ngrok]:
        async with running(Agent(refusal="limited to 1 session. ERR_NGROK_108")) as agent:
            yield Ngrok(api=agent.url)
