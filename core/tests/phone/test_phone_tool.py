"""The telephone as another agent's tool: it calls, reports, and never goes on for ever."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from patter import InputError, PatterConfigError, PatterTool, PatterToolResult
from patter.phone import phone_tool
from patter_testing import FakeLeg, FakeLLM, FakeSTT, FakeTTS

from .test_calling import ADA, Line, phone_of

PARTS: dict[str, Any] = {"stt": FakeSTT(), "llm": FakeLLM(), "tts": FakeTTS(ms_per_letter=1)}


def tool_of(**options: Any) -> PatterTool:
    return PatterTool(phone_of(), PARTS, port=0, **options)


@asynccontextmanager
async def started(tool: PatterTool) -> AsyncIterator[Line]:
    async with tool:
        assert tool.phone.address is not None
        yield Line(tool.phone, tool.phone.carrier)  # type: ignore[arg-type, attr-defined]


async def heard(leg: FakeLeg) -> None:
    while not leg.heard():
        await asyncio.sleep(0.01)


async def test_a_call_is_made_and_reported() -> None:
    tool = tool_of()
    async with started(tool) as line, asyncio.TaskGroup() as tasks:
        calling = tasks.create_task(tool.execute(ADA, "Book a table.", "Good evening."))
        async with line.taken() as leg:
            await heard(leg)
    result = calling.result()
    assert result.outcome == "answered"
    assert result.transcript[0]["role"] == "assistant"
    assert json.dumps(result.to_dict())
    assert tool.phone.address is None


async def test_the_goal_and_the_limit_are_the_calls_own() -> None:
    tool = tool_of(max_duration_sec=100)
    of_call = tool._for("Book a table.", 30)
    assert "Book a table." in of_call.system_prompt
    assert of_call.max_call_ms == 30_000
    assert tool._for("", 900).max_call_ms == 100_000


async def test_a_call_that_nobody_ends_is_hung_up_at_its_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(phone_tool, "SHORTEST_S", 0.1)
    tool = tool_of(max_duration_sec=0.3)
    async with started(tool) as line, asyncio.TaskGroup() as tasks:
        calling = tasks.create_task(tool.execute(ADA))
        await line.dialled()
        leg = FakeLeg()
        token = line.carrier.dialed[0].ticket.token
        tasks.create_task(line.board.attach(token, leg))
        async with asyncio.timeout(10):
            result = await calling
    assert result.outcome == "answered"
    assert result.metrics is not None and result.metrics["reason"] == "limit"


async def test_a_phone_that_serves_already_goes_on_after_the_tool() -> None:
    phone = phone_of()
    async with asyncio.TaskGroup() as tasks:
        agent = phone.agent("Be brief.", **PARTS)
        tasks.create_task(phone.serve(agent, port=0))
        await phone.ready
        async with PatterTool(phone, agent):
            pass
        assert phone.address is not None
        await phone.disconnect()


async def test_it_can_start_again() -> None:
    tool = tool_of()
    for _ in range(2):
        await tool.start()
        await tool.stop()
        await tool.stop()


async def test_two_that_start_it_both_wait_until_it_can_call() -> None:
    tool = tool_of()

    async def serves() -> bool:
        await tool.start()
        return tool.phone.address is not None

    assert all(await asyncio.gather(serves(), serves()))
    await tool.stop()


async def test_it_starts_again_after_the_phone_was_stopped_behind_its_back() -> None:
    tool = tool_of()
    await tool.start()
    await tool.phone.disconnect()
    await tool.start()
    assert tool.phone.address is not None
    await tool.stop()


async def test_a_phone_that_cannot_serve_says_so_at_the_start() -> None:
    tool = PatterTool(phone_of(webhook_url=""), PARTS, port=99_999)
    with pytest.raises(PatterConfigError, match="port"):
        await tool.start()
    with pytest.raises(PatterConfigError, match="does not serve"):
        await tool.execute(ADA)


@pytest.mark.parametrize("seconds", [4, 1_801, True, "long"])
def test_a_limit_out_of_range_is_refused(seconds: Any) -> None:
    with pytest.raises(InputError, match="max_duration_sec"):
        tool_of(max_duration_sec=seconds)


def test_models_are_told_of_it_as_each_takes_it() -> None:
    tool = tool_of(name="dial", max_duration_sec=60)
    parameters = tool.hermes_schema()["parameters"]
    assert parameters["required"] == ["to"]
    assert parameters["properties"]["max_duration_sec"]["maximum"] == 60
    assert tool.openai_schema()["function"] == tool.hermes_schema()
    assert tool.anthropic_schema()["input_schema"] == parameters


async def test_hermes_gets_json_of_results_and_of_refusals() -> None:
    tool = tool_of()
    tools: dict[str, Any] = {}

    class Registry:
        def register(self, **each: Any) -> None:
            tools.update(each)

    tool.register_hermes(Registry())
    assert (tools["name"], tools["toolset"]) == ("make_phone_call", "patter")
    handler = tools["handler"]
    assert "does not serve" in json.loads(await handler({"to": ADA}))["error"]
    async with started(tool) as line, asyncio.TaskGroup() as tasks:
        assert "not an E.164 number" in json.loads(await handler({"to": "Ada"}))["error"]
        assert "called wrongly" in json.loads(await handler({"whom": ADA}))["error"]
        calling = tasks.create_task(handler({"to": ADA}, session="x"))
        await line.is_busy()
    assert json.loads(calling.result())["outcome"] == "busy"


def test_a_result_without_figures_is_plain() -> None:
    result = PatterToolResult(call_id="c", status="busy", duration_seconds=0.0, outcome="busy")
    assert result.to_dict()["transcript"] == []
