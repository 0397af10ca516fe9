"""What a model gets wrong is said to the model; the tool never started and the call goes on."""

from __future__ import annotations

from typing import Literal

import orjson
import pytest

from patter.observe.events import EngineStep, ErrorEvent, ToolRun
from patter.providers.llm import ToolRequest
from patter.tools.tool import Effect, tool
from patter_testing import FakeLLM, Reply, lab

from .plans import plan

pytestmark = pytest.mark.virtual_time
WRONG = '{"people": "2", "day": "mon"}'
RIGHT = '{"people": 2, "day": "sun"}'


@pytest.mark.parametrize("effect", ["read", "idempotent", "once"])
async def test_a_refused_call_never_started_and_the_model_may_try_again(effect: Effect) -> None:
    booked: list[tuple[int, str]] = []

    @tool(effect=effect)
    def book_table(people: int, day: Literal["sat", "sun"]) -> str:
        booked.append((people, day))
        return "R-17"

    wrong, right = (ToolRequest(f"t{n}", "book_table", a) for n, a in enumerate((WRONG, RIGHT)))
    llm = FakeLLM(replies=(Reply(tools=(wrong,)), Reply(tools=(right,)), "It is R-17."))
    async with lab(plan(llm, tools=(book_table,))) as call:
        assert await call.says("book a table for two") == "It is R-17."
    assert booked == [(2, "sun")]
    notes = [(run.what, run.id, run.ok) for run in call.of(ToolRun)]
    assert notes == [("finished", "t0", False), ("started", "t1", None), ("finished", "t1", True)]
    [step] = [each for each in call.of(EngineStep) if each.input["name"] == "ToolStarted"]
    assert step.input["fields"]["once"] is (effect == "once")
    [refusal] = [message for message in llm.requests[1].messages if message.role == "tool"]
    assert orjson.loads(refusal.text)["error"] == (
        'the arguments do not fit: people: expected an integer, got "2"; '
        'day: expected one of "sat", "sun", got "mon"'
    )


async def test_a_model_that_only_gets_it_wrong_ran_no_tool() -> None:
    @tool
    def book_table(people: int) -> str:
        raise AssertionError(people)

    request = ToolRequest("t", "book_table", "not json")
    llm = FakeLLM(replies=(Reply(tools=(request,)), "I could not book.", "Bye."))
    async with lab(plan(llm, tools=(book_table,))) as call:
        assert await call.says("book a table") == "I could not book."
        await call.says("thank you")
    call.expect_no_tool()
    assert not call.of(ErrorEvent)
    [refusal] = [message for message in llm.requests[-1].messages if message.role == "tool"]
    assert "not a JSON object" in refusal.text


async def test_a_built_in_tool_refuses_what_it_does_not_know() -> None:
    request = ToolRequest("t", "transfer_call", '{"number": "+15550001234", "mode": "hot"}')
    llm = FakeLLM(replies=(Reply(tools=(request,)), "I cannot do that."))
    async with lab(plan(llm)) as call:
        assert await call.says("give me somebody") == "I cannot do that."
    [refusal] = [message for message in llm.requests[-1].messages if message.role == "tool"]
    assert "mode: expected one of" in refusal.text and "cold" in refusal.text
