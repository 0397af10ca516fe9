"""Code of the application finds the call that runs it, wherever it is run, and never another."""

from __future__ import annotations

from typing import Any

import pytest

from patter import CallControl, Patter, PipelineHooks, PluginRegistry, current_call, tool
from patter.errors import CallStateError
from patter.providers.llm import ToolRequest
from patter.testing import lab
from patter_testing import FakeLLM, FakeSTT, FakeTTS, Reply

SEEN: list[tuple[str, CallControl]] = []


def saw(what: str) -> None:
    SEEN.append((what, current_call()))


@tool(effect="read")
async def in_a_coroutine() -> str:
    """Look."""
    saw("coroutine")
    return "seen"


@tool(effect="read")
def in_a_thread() -> str:
    """Look."""
    saw("thread")
    return "seen"


def before_llm(messages: Any, call: Any) -> None:
    saw("hook")


def plan() -> Any:
    phone = Patter(persist=False, registry=PluginRegistry.from_environment({}, source=[]))
    requests = tuple(ToolRequest(name, name, "{}") for name in ("in_a_coroutine", "in_a_thread"))
    agent = phone.agent(
        "Be brief.",
        stt=FakeSTT(),
        tts=FakeTTS(),
        llm=FakeLLM(replies=(Reply(tools=requests), Reply(text="Done."))),
        tools=[in_a_coroutine, in_a_thread],
        hooks=PipelineHooks(before_llm=before_llm),
    )
    return agent.plan(phone.registry)


async def one_call() -> CallControl:
    async with lab(plan()) as call:
        assert await call.says("go on") == "Done."
        return call.session.control


async def test_tools_hooks_and_threads_of_two_calls_find_their_own() -> None:
    SEEN.clear()
    first = await one_call()
    second = await one_call()
    for control in (first, second):
        assert {what for what, of in SEEN if of is control} == {"coroutine", "thread", "hook"}
    assert all(of in (first, second) for _, of in SEEN)


async def test_outside_of_calls_there_is_none() -> None:
    with pytest.raises(CallStateError, match="no call runs"):
        current_call()
