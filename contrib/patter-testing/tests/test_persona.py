"""A model that plays the caller: it hears the agent, has an end, and cannot talk for ever."""

from __future__ import annotations

from typing import Any

import pytest

from patter import Agent
from patter.errors import PatterError, PatterTimeoutError
from patter.providers.llm import ToolRequest
from patter_testing import FakeLLM, FakeSTT, FakeTTS, Persona, Reply, lab

pytestmark = pytest.mark.virtual_time


def agent(**fields: Any) -> Agent:
    parts: dict[str, Any] = {"stt": FakeSTT(), "tts": FakeTTS(), "first_message": "Hello."}
    parts |= {"llm": FakeLLM(replies=("For how many?", "Booked."))}
    return Agent(system_prompt="Be brief.", **(parts | fields))


def persona(*lines: Reply | str, **fields: Any) -> Persona:
    return Persona("Ada", "book a table for two", llm=FakeLLM(replies=lines), **fields)


async def test_a_persona_hears_the_agent_and_hangs_up_when_it_is_done() -> None:
    ada = persona("A table, please.", "Two.  [hang up]", style="in a hurry")
    async with lab(agent()) as call:
        done = await call.persona(ada)
        assert call.leg.closed
    assert done.ended_by == "caller"
    assert done.turns == 2
    assert done.lines == (
        ("agent", "Hello."),
        ("caller", "A table, please."),
        ("agent", "For how many?"),
        ("caller", "Two."),
        ("agent", "Booked."),
    )
    assert isinstance(ada.llm, FakeLLM)
    first, second = ada.llm.requests
    assert "book a table for two" in first.messages[0].text
    assert "in a hurry" in first.messages[0].text
    assert [(row.role, row.text) for row in second.messages[1:]] == [
        ("user", "Hello."),
        ("assistant", "A table, please."),
        ("user", "For how many?"),
    ]
    assert call.summary is not None
    assert call.summary.reason == "caller"


async def test_two_who_never_stop_are_stopped() -> None:
    async with lab(agent()) as call:
        done = await call.persona(persona("And then?", max_turns=3))
    assert (done.turns, done.ended_by) == (3, "turns")
    async with lab(agent()) as call:
        done = await call.persona(persona("And then?", max_s=12))
    assert done.ended_by == "time"
    assert call.leg.now_ms < 30_000


async def test_the_agent_may_hang_up_first() -> None:
    end = ToolRequest("1", "end_call", "{}")
    leaves = FakeLLM(replies=(Reply(text="Bye.", tools=(end,)), ""))
    async with lab(agent(llm=leaves)) as call:
        done = await call.persona(persona("Hello?"))
    assert done.ended_by == "agent"
    assert ("agent", "Bye.") in done.lines


async def test_who_says_nothing_hangs_up() -> None:
    async with lab(agent(first_message="")) as call:
        done = await call.persona(persona(" "))
    assert (done.turns, done.ended_by) == (0, "caller")


async def test_a_model_that_does_not_answer_ends_the_call_and_says_so() -> None:
    async with lab(agent()) as call:
        with pytest.raises(PatterTimeoutError, match="said nothing"):
            await call.persona(persona(Reply(silent=True), within_s=0.05))
        assert call.leg.closed


async def test_a_persona_nobody_can_play_is_refused() -> None:
    async with lab(agent()) as call:
        with pytest.raises(PatterError, match="nobody"):
            await call.persona(Persona("Ada", "anything", llm="nobody/at-all"))
