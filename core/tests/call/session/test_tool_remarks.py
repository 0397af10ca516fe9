"""What a caller hears while tools work, and how several of them work at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
import pytest

from patter.observe.events import ErrorEvent, Note, ToolRun
from patter.providers.llm import ToolRequest
from patter.tools.tool import Tool, tool
from patter_testing import FakeLLM, Reply, lab

from .plans import plan

pytestmark = pytest.mark.virtual_time


def asking(*names: str) -> FakeLLM:
    tools = tuple(ToolRequest(f"t{n}", name, "{}") for n, name in enumerate(names))
    return FakeLLM(replies=(Reply(tools=tools), "That is all."))


def results(llm: FakeLLM) -> list[str]:
    return [message.text for message in llm.requests[-1].messages if message.role == "tool"]


async def test_a_tool_that_yields_tells_how_it_goes_and_then_its_result() -> None:
    closed: list[float] = []

    @tool(effect="read", reassurance="One moment.")
    async def search() -> AsyncIterator[dict[str, str]]:
        try:
            yield {"progress": "I am looking at Rome."}
            await asyncio.sleep(3)
            yield {"progress": "Now at Milan."}
            await asyncio.sleep(3)
            yield {"result": "two flights"}
            raise AssertionError("nobody reads on")
        finally:
            closed.append(asyncio.get_running_loop().time())

    llm = asking("search")
    async with lab(plan(llm, tools=(search,))) as call:
        await call.caller.says("find me a flight")
        await call.caller.waits(12_000)
    assert call.utterances[-1] == "I am looking at Rome. Now at Milan. That is all."
    assert results(llm) == ["two flights"]
    first, second = [run.at_ms for run in call.of(ToolRun)]
    assert second - first >= 6_000
    assert closed and closed[0] < 9, "when its result was read, not when the call was over"
    assert not call.of(ErrorEvent)


async def test_a_blocking_generator_tells_it_too() -> None:
    @tool(effect="read")
    def search() -> Iterator[Any]:
        yield {"progress": "I am looking."}
        yield {"flights": 2}

    llm = asking("search")
    async with lab(plan(llm, tools=(search,))) as call:
        await call.says("find me a flight")
    assert call.utterances[-1] == "I am looking. That is all."
    assert results(llm) == ['{"flights":2}']


async def test_a_tool_that_never_stops_telling_ends_at_its_time() -> None:
    closed: list[bool] = []

    @tool(timeout_s=5)
    async def search() -> AsyncIterator[dict[str, str]]:
        try:
            while True:
                yield {"progress": ""}
                await asyncio.sleep(0.1)
        finally:
            closed.append(True)

    llm = asking("search")
    async with lab(plan(llm, tools=(search,))) as call:
        assert await call.says("find me a flight") == "That is all."
    assert "no result within 5 s" in results(llm)[0] and closed == [True]


async def test_a_generator_that_breaks_is_a_failure_for_the_model() -> None:
    @tool
    async def search() -> AsyncIterator[dict[str, str]]:
        yield {"progress": "I am looking."}
        raise SystemExit(3)

    llm = asking("search")
    async with lab(plan(llm, tools=(search,))) as call:
        await call.says("find me a flight")
    assert call.utterances[-1] == "I am looking. That is all."
    assert orjson.loads(results(llm)[0])["fallback"] is True


async def test_nothing_is_told_to_a_caller_who_has_interrupted() -> None:
    @tool
    async def book() -> AsyncIterator[dict[str, str]]:
        yield {"progress": "I am writing your name into the book of tonight right now."}
        await asyncio.sleep(6)
        yield {"progress": "Nobody hears this."}
        yield {"result": "R-17"}

    llm = FakeLLM(replies=(Reply(tools=(ToolRequest("t", "book", "{}"),)), "Yes.", "It is R-17."))
    async with lab(plan(llm, tools=(book,))) as call:
        await call.caller.says("book a table")
        await call.interrupts("and a chair", after_ms=800)
        await call.caller.waits(10_000)
    assert "Nobody hears this." not in " ".join(call.utterances)
    [end] = [run for run in call.of(ToolRun) if run.what == "finished"]
    assert end.result == "R-17" and end.ok


@pytest.mark.parametrize("after_ms", [500, 4_000])
async def test_a_reassurance_comes_when_it_was_asked_for(after_ms: int) -> None:
    async def slow() -> str:
        await asyncio.sleep(6)
        return "done"

    slowly = Tool(
        "slow", handler=slow, reassurance={"message": "One moment.", "after_ms": after_ms}
    )
    async with lab(plan(asking("slow"), tools=(slowly,))) as call:
        await call.caller.says("do it")
        await call.caller.waits(after_ms - 400)
        assert not call.caller.heard_text()
        await call.caller.waits(9_000)
    call.expect_said("One moment. That is all.")


async def test_tools_of_one_answer_run_side_by_side() -> None:
    @tool(effect="read")
    async def look() -> str:
        await asyncio.sleep(2)
        return "a"

    @tool(effect="read")
    async def find() -> str:
        await asyncio.sleep(2)
        return "b"

    llm = asking("look", "find", "look")
    async with lab(plan(llm, tools=(look, find))) as call:
        await call.says("look and find")
    began = [run.at_ms for run in call.of(ToolRun) if run.what == "started"]
    ended = [run.at_ms for run in call.of(ToolRun) if run.what == "finished"]
    assert max(began) < min(ended) and max(ended) - min(began) < 2_100
    assert results(llm) == ["a", "b", "a"]


async def test_a_booking_among_them_waits_for_what_was_asked_before_it() -> None:
    order: list[str] = []

    @tool(effect="read")
    async def look() -> str:
        order.append("look")
        await asyncio.sleep(2)
        order.append("looked")
        return "free"

    @tool
    async def book() -> str:
        order.append("book")
        return "R-17"

    async with lab(plan(asking("look", "book"), tools=(look, book))) as call:
        await call.says("book if it is free")
    assert order == ["look", "looked", "book"]


async def test_a_tool_says_what_went_wrong_before_its_reply_is_given_up() -> None:
    @tool(effect="once", timeout_s=60)
    async def book() -> None:
        await asyncio.sleep(1_000)

    llm = asking("book")
    async with lab(plan(llm, tools=(book,))) as call:
        await call.caller.says("book a table")
        await call.caller.waits(70_000)
    assert call.utterances[-1] == "That is all."
    assert "no result within 60 s" in results(llm)[0]
    assert "stalled" not in {note.what for note in call.of(Note)}
