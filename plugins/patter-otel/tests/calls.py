"""A call in virtual time, as the tests of this package have it."""

from __future__ import annotations

from importlib_metadata import EntryPoint

from patter import Agent, PluginRegistry, tool
from patter.providers.llm import ToolRequest
from patter_testing import FakeLLM, FakeTTS, LabCall, Reply, lab

ANSWER = "The table is booked for you tonight."


@tool(effect="once")
async def book_table(people: int) -> str:
    """Book a table."""
    return f"booked for {people}"


def registry(*names: str) -> PluginRegistry:
    """A registry that has the extensions of those modules alone, loaded."""
    points = [EntryPoint(name, f"{name}.plugin", "patter.extension") for name in names]
    found = PluginRegistry.from_environment({}, source=points)
    found.load_extensions()
    return found


def booking() -> Agent:
    """An agent that books a table, in a second and a half."""
    request = ToolRequest("call-1", "book_table", '{"people": 2}')
    replies = (Reply(tools=(request,), first_ms=300), Reply(text=ANSWER, first_ms=200))
    return Agent(
        system_prompt="",
        name="bistro",
        llm=FakeLLM(replies=replies, model="parrot-1"),
        tools=[book_table],
        first_message="Good evening.",
    )


async def booked(agent: Agent, found: PluginRegistry | None = None) -> LabCall:
    """Call *agent*: one turn with a tool, one that is interrupted."""
    async with lab(
        agent, registry=found or registry("patter_otel"), tts=FakeTTS(first_ms=120)
    ) as call:
        await call.listens()
        await call.says("a table for two please")
        await call.speaks("how late are you open")
        await call.interrupts("stop it", after_ms=300)
        await call.hangs_up()
    return call
