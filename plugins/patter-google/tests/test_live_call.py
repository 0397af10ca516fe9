"""Whole calls: a caller is heard, answered and spoken to, by a Gemini Live of our own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from patter import Agent, Tool, tool
from patter.audio.convert import convert
from patter.audio.formats import MULAW_8K, PCM16_16K
from patter.observe.events import BargeIn, Link, Row, Usage
from patter.observe.pricing import cost
from patter.providers.llm import ToolRequest
from patter.testing import FakeVAD, LabCall, lab
from patter_google._prices import prices
from patter_google.double import GoogleDouble, LiveScript
from patter_testing.doubles.vendor_sound import read_back

from .live_lab import CLOUD, MIDDLE, OLD, engine, voice

SPOKEN = convert(voice(500, 900), PCM16_16K, MULAW_8K)


@asynccontextmanager
async def called(
    script: LiveScript,
    *lines: str,
    settings: dict[str, Any] | None = None,
    tools: tuple[Tool, ...] = (),
    greeting: str = "",
) -> AsyncIterator[tuple[LabCall, GoogleDouble]]:
    """A call of an agent whose engine is a double that hears *lines*."""
    async with GoogleDouble(live=script, lines=lines).running() as double:
        agent = Agent(
            system_prompt="Be brief.",
            engine=engine(double, **(settings or {})),
            tools=tools,
            vad=FakeVAD(),
            first_message=greeting,
        )
        async with lab(agent, keep=("vad",)) as call:
            call.caller.read = read_back
            yield call, double


def rows_of(call: LabCall) -> list[tuple[str, str]]:
    return [(row.role, row.text) for row in call.of(Row)]


@pytest.mark.parametrize(
    "settings",
    [{}, {"model": OLD}, {"model": MIDDLE}, CLOUD, {"vendor_interrupts": False}],
    ids=["3.8", "2.5", "3.1", "cloud", "own-interrupts"],
)
async def test_a_caller_is_greeted_and_answered(settings: dict[str, Any]) -> None:
    script = LiveScript(replies=("Gladly.",))
    async with called(script, "a table", settings=settings, greeting="Good day.") as (call, _):
        assert await call.listens() == "Good day."
        await call.caller.sounds(SPOKEN)
        assert await call.listens() == "Gladly."
        rows = rows_of(call)
        used = call.of(Usage)
    assert rows == [("agent", "Good day."), ("caller", "a table"), ("agent", "Gladly.")]
    bill = cost([each for each in used if each.kind == "engine"], tuple(prices()))
    assert bill.unpriced == () and bill.costs["engine"] > 0


async def test_a_tool_runs_and_its_result_is_spoken_of() -> None:
    booked: list[int] = []

    @tool
    async def book(people: int) -> str:
        """Book a table."""
        booked.append(people)
        return "table 7"

    script = LiveScript(
        calls=[ToolRequest("c", "book", '{"people": 2}')], replies=("Table seven.",)
    )
    async with called(script, "a table for two", tools=(book,)) as (call, double):
        await call.caller.sounds(SPOKEN)
        assert await call.listens() == "Table seven."
        results = [row.text for row in double.live.rows if row.role == "tool"]
    assert (booked, results) == ([2], ["table 7"])


async def test_a_caller_who_speaks_is_not_spoken_over() -> None:
    script = LiveScript(replies=("We have a table at seven and one at nine.", "Nine then."))
    async with called(script, "a table", "nine") as (call, _):
        await call.caller.sounds(SPOKEN)
        await call.caller.hears_the_agent_begin()
        await call.caller.sounds(SPOKEN)
        await call.listens()
        agent = [row.text for row in call.of(Row) if row.role == "agent"]
        assert call.of(BargeIn)
    assert agent[-1] == "Nine then."
    assert agent[0] != script.replies[0] and script.replies[0].startswith(agent[0])


async def test_a_call_goes_on_when_the_connection_has_had_its_time() -> None:
    """It is left after `goAway`, and the next one has the conversation by its handle."""
    script = LiveScript(replies=("Gladly.", "Seven."), connection_s=6.0, warning_s=3.2)
    async with called(script, "a table for two", "what time") as (call, double):
        await call.caller.sounds(SPOKEN)
        assert await call.listens() == "Gladly."
        script.connection_s = 600
        await call.caller.waits(1_500)
        await call.caller.sounds(SPOKEN)
        assert await call.listens() == "Seven."
        setups = [content for kind, content in double.log if kind == "setup"]
        assert [bool(each["sessionResumption"]) for each in setups] == [False, True]
        assert [row.text for row in script.rows] == [
            "a table for two",
            "Gladly.",
            "what time",
            "Seven.",
        ]
    assert [link.what for link in call.of(Link) if link.what == "failed"] == []


async def test_a_lost_connection_is_opened_again_with_what_was_said() -> None:
    script = LiveScript(
        replies=("Gladly.", "Seven."),
        connection_s=2.5,
        warning_s=0.0,
        farewell=(1011, "Deadline expired before operation could complete."),
    )
    async with called(script, "a table for two", "what time", settings={"model": OLD}) as (call, _):
        await call.caller.sounds(SPOKEN)
        assert await call.listens() == "Gladly."
        script.connection_s, script.handles = 600, {}
        await call.caller.waits(1_500)
        await call.caller.sounds(SPOKEN)
        assert await call.listens() == "Seven."
        assert "Caller: a table for two\nYou: Gladly." in script.instructions
