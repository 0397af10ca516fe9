"""Hooks are asked at the edges of a call, never per frame or token."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from importlib_metadata import EntryPoint

from patter.call.mind import ModelMind
from patter.call.plan import CallPlan, Phrases
from patter.plugins.hookspecs import hookimpl
from patter.plugins.registry import PluginRegistry
from patter_testing import FakeLLM, FakeSTT, FakeTTS, FakeVAD, lab


@hookimpl
def patter_call_scope(call: object) -> None:
    """An extension that has no scope for this call."""


@hookimpl
def patter_call_listeners(call: object) -> None:
    """An extension that does not listen to this call."""


@pytest.fixture(autouse=True)
def extension(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = ModuleType("patter_watching")
    module.PATTER_API = 1
    module.patter_call_scope = patter_call_scope
    module.patter_call_listeners = patter_call_listeners
    monkeypatch.setitem(sys.modules, "patter_watching", module)


async def hooks_of_a_call(seconds: int) -> list[str]:
    registry = PluginRegistry.from_environment(
        {}, source=[EntryPoint("watching", "patter_watching", "patter.extension")]
    )
    registry.load_extensions()
    heard: list[str] = []
    registry.on_hook_call(heard.append)
    plan = CallPlan(
        stt=FakeSTT(),
        tts=FakeTTS(),
        vad=FakeVAD(),
        mind=ModelMind(FakeLLM()),
        phrases=Phrases(greeting="Hello, and welcome to a call of some length."),
    )
    async with lab(plan, registry=registry) as call:
        await call.says("hello hello hello")
        await call.caller.waits(seconds * 1_000)
    return heard


@pytest.mark.virtual_time
async def test_a_call_twice_as_long_asks_no_hook_more() -> None:
    short, long = await hooks_of_a_call(2), await hooks_of_a_call(4)
    assert short == long
    assert {"patter_call_scope", "patter_call_listeners"} <= set(short)
