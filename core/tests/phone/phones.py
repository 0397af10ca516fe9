"""Phones of fakes, and how a test serves one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from patter import Patter, PluginRegistry
from patter.providers.carrier import CarrierCapabilities
from patter_testing import FakeCarrier, FakeLLM, FakeSTT, FakeTTS

LOCAL = FakeCarrier(can=CarrierCapabilities(marks=True))
NUMBER = "+15550001234"
PARTS: dict[str, Any] = {"stt": FakeSTT(), "llm": FakeLLM(), "tts": FakeTTS()}


def bare() -> PluginRegistry:
    return PluginRegistry.from_environment({}, source=[])


def phone_of(**fields: Any) -> Patter:
    return Patter(**{"carrier": LOCAL, "persist": False, "registry": bare(), **fields})


@asynccontextmanager
async def served(phone: Patter, **fields: Any) -> AsyncIterator[str]:
    """The URL of *phone*, served while inside."""
    agent = phone.agent("Be brief.", **PARTS)
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(phone.serve(agent, **{"port": 0, **fields}))
        yield await phone.ready
        await phone.disconnect()
    assert serving.result() is True


async def status(url: str) -> int:
    async with aiohttp.ClientSession() as client, client.get(f"{url}/ready") as answer:
        return answer.status
