"""`mcp_servers=` on a phone: its sessions, the tools of each call, and calls without them."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
from importlib_metadata import EntryPoint
from mcp.server.mcpserver import MCPServer

from patter import Agent, AgentError, Patter, PatterConfigError, PluginRegistry, tool
from patter.errors import NotInstalled
from patter.phone.terminal import Terminal
from patter.phone.text_session import TestSession
from patter.providers.carrier import CarrierCapabilities
from patter.providers.llm import LLMRequest, ToolRequest
from patter_testing import FakeCarrier, FakeEngine, FakeLLM, FakeSTT, FakeTTS, FakeVAD, Reply
from patter_testing.caller import Caller

OURS, ADA = "+15550001234", "+15550107788"
PLUGIN = EntryPoint(name="mcp", value="patter_mcp.plugin", group="patter.extension")
ABLE = CarrierCapabilities(marks=True, outbound=True)


def registry(*plugins: EntryPoint) -> PluginRegistry:
    return PluginRegistry.from_environment({}, source=plugins)


def mind(request: LLMRequest) -> Reply | str:
    """Asks for the hours, and says what it is told."""
    last = request.messages[-1]
    if last.role == "tool":
        return f"I read {last.text}."
    if "open" in last.text and any(each.name == "opening_hours" for each in request.tools):
        return Reply(tools=(ToolRequest("1", "opening_hours", '{"day": "sunday"}'),))
    return "I have no tools."


@attrs.define(eq=False)
class Desk:
    """A phone that serves, and everybody whom it calls."""

    phone: Patter
    carrier: FakeCarrier
    stt: FakeSTT
    ended: list[dict[str, Any]] = attrs.field(factory=list)

    async def call(self, agent: Agent | None = None) -> list[str]:
        """Call Ada, who asks when they are open; what the agent said."""
        count = len(self.carrier.dialed)
        await self.phone.call(ADA, agent=agent)
        ticket = self.carrier.dialed[count].ticket
        leg = self.carrier.leg()
        caller = Caller(leg, on_speech=lambda text: self.stt.sessions[-1].hear(text))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.carrier.boards[-1].attach(ticket.token, leg))
            await caller.hears_the_agent_out()
            await caller.says("open?")
            await caller.hears_the_agent_out()
            caller.hangs_up()
        while len(self.ended) <= count:
            await asyncio.sleep(0.01)
        return [row["text"] for row in self.ended[-1]["transcript"] if row["role"] == "assistant"]


def parts(stt: FakeSTT) -> dict[str, Any]:
    voice = FakeTTS(ms_per_letter=1)
    return {"stt": stt, "llm": FakeLLM(answer=mind), "tts": voice, "vad": FakeVAD()}


@asynccontextmanager
async def serving(**fields: Any) -> AsyncIterator[Desk]:
    """A phone whose agent has *fields*."""
    carrier, stt = FakeCarrier(can=ABLE), FakeSTT()
    phone = Patter(
        carrier=carrier,
        phone_number=OURS,
        webhook_url="a.example.com",
        persist=False,
        registry=registry(PLUGIN),
    )
    desk = Desk(phone, carrier, stt)

    async def ended(data: dict[str, Any]) -> None:
        desk.ended.append(data)

    agent = phone.agent("Be brief.", first_message="Hi.", **parts(stt), **fields)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(phone.serve(agent, port=0, on_call_end=ended))
        await phone.ready
        yield desk
        await phone.disconnect()


def place(running: Any, **more: Any) -> dict[str, Any]:
    return {"url": running.url, "allow_loopback": True, **more}


def one_tool(name: str, listings: list[str]) -> MCPServer:
    """A server with one tool, that counts who asks for its list."""
    server = MCPServer(name, log_level="CRITICAL")
    server.add_tool(lambda day: f"{name} {day}", name="opening_hours", description="When.")
    listed = server._tool_manager.list_tools

    def counted() -> Any:
        listings.append(name)
        return listed()

    server._tool_manager.list_tools = counted  # type: ignore[method-assign]
    return server


async def test_calls_use_the_tools_and_the_session_is_the_phones(
    serve_mcp: Callable[..., Any],
) -> None:
    listings: list[str] = []
    running = serve_mcp(one_tool("bistro", listings))
    async with serving(mcp_servers=[place(running)]) as desk:
        loaded = set(sys.modules)
        for _ in range(2):
            assert (await desk.call())[-1] == "I read bistro sunday."
        imported = set(sys.modules) - loaded
    assert listings == ["bistro"], "not listed, nor connected to, in a call"
    assert not [name for name in imported if name.partition(".")[0] in ("mcp", "httpx2")]


async def test_an_agent_of_one_call_has_servers_of_its_own(serve_mcp: Callable[..., Any]) -> None:
    listings: list[str] = []
    running = serve_mcp(one_tool("north", listings))
    async with serving() as desk:
        other = desk.phone.agent(
            "Be brief.", first_message="Hi.", **parts(desk.stt), mcp_servers=[place(running)]
        )
        assert (await desk.call())[-1] == "I have no tools."
        assert (await desk.call(other))[-1] == "I read north sunday."
        assert (await desk.call(other))[-1] == "I read north sunday."
    assert listings == ["north"]


async def test_a_phone_whose_server_is_down_serves_without_its_tools(
    caplog: pytest.LogCaptureFixture,
) -> None:
    down = {"url": "http://127.0.0.1:9/mcp", "allow_loopback": True}
    async with serving(mcp_servers=[down]) as desk:
        assert (await desk.call())[-1] == "I have no tools."
    assert "MCP server http://127.0.0.1:9/mcp is away" in caplog.text


@tool(effect="read")
def opening_hours(day: str) -> str:
    """When we are open."""
    return f"ours {day}"


async def test_a_name_that_the_agent_has_itself_is_refused_at_the_start(mcp_server: Any) -> None:
    with pytest.raises(ExceptionGroup) as refused:
        async with serving(tools=[opening_hours], mcp_servers=[place(mcp_server)]):
            raise AssertionError("it serves")
    errors = refused.value.exceptions
    assert any(isinstance(each, PatterConfigError | ValueError) for each in errors)
    assert "two tools are named 'opening_hours'" in str(errors[0])
    async with serving(tools=[opening_hours], mcp_servers=[place(mcp_server, name="b")]) as desk:
        assert (await desk.call())[-1] == "I read ours sunday."


class Typed(io.StringIO):
    """Lines of a caller; *between* is called before the second one."""

    def __init__(self, text: str, between: Callable[[], None]) -> None:
        super().__init__(text)
        self._between, self._lines = between, 0

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        self._lines += 1
        if self._lines == 2:
            self._between()
        return super().readline(size)


def typed_agent(**fields: Any) -> Agent:
    return Agent(system_prompt="Be brief.", llm=FakeLLM(answer=mind), **fields)


async def typed(lines: io.StringIO, agent: Agent) -> str:
    sink = io.StringIO()
    terminal = Terminal(lines, sink)
    await TestSession(agent=agent, registry=registry(PLUGIN), terminal=terminal).run()
    return sink.getvalue()


async def test_a_server_that_dies_in_a_call_leaves_the_call_alone(mcp_server: Any) -> None:
    lines = Typed("are you open\nand are you open now\nthanks\n", mcp_server.kill)
    printed = await typed(lines, typed_agent(mcp_servers=[place(mcp_server)]))
    assert "I read sunday: five to eleven." in printed
    assert "the service" in printed and '"fallback": true' in printed
    assert "I have no tools." in printed


async def test_whoever_the_caller_is_handed_to_brings_servers_of_their_own(
    serve_mcp: Callable[..., Any],
) -> None:
    running = serve_mcp(one_tool("billing", []))

    def hands_over(request: LLMRequest) -> Reply | str:
        last = request.messages[-1]
        if last.role != "tool" and "bill" in last.text:
            return Reply(tools=(ToolRequest("9", "handoff_to", '{"name": "billing"}'),))
        return mind(request)

    billing = typed_agent(mcp_servers=[place(running)])
    first = Agent(
        system_prompt="Be brief.",
        llm=FakeLLM(answer=hands_over),
        handoffs={"billing": billing},
    )
    printed = await typed(io.StringIO("about my bill\nare you open\n"), first)
    assert "I read billing sunday." in printed


async def test_an_engine_is_offered_the_tools(mcp_server: Any) -> None:
    engine = FakeEngine()
    agent = Agent(system_prompt="Be brief.", engine=engine, mcp_servers=[place(mcp_server)])
    from patter.phone.serving import ServeContext

    plugins = registry(PLUGIN)
    plugins.load_extensions()
    context = ServeContext(agent=agent, parts=agent.gather(plugins), registry=plugins)
    async with context.mcp_tools.open(agent):
        plan = context.mcp_tools.added(agent.plan(plugins), agent)
    assert plan.engine is engine
    assert "opening_hours" in [each.name for each in plan.tools]


# --- what is refused when an agent is made


def problems(*plugins: EntryPoint, **fields: Any) -> AgentError:
    carrier = FakeCarrier(can=CarrierCapabilities(marks=True))
    phone = Patter(carrier=carrier, persist=False, registry=registry(*plugins))
    with pytest.raises(AgentError) as refused:
        phone.agent("Be brief.", **parts(FakeSTT()), **fields)
    return refused.value


def test_without_the_package_an_agent_says_what_to_install() -> None:
    error = problems(mcp_servers=["https://tools.example.com/mcp"])
    assert isinstance(error.problems[0], NotInstalled)
    assert error.fix == "pip install patter-mcp"


@pytest.mark.parametrize(
    ("servers", "words"),
    [
        (["https://localhost/mcp"], "not on the internet"),
        (["http://169.254.169.254/mcp"], "not on the internet"),
        (["ftp://tools.example.com"], "not the address of a web service"),
        (["https://me:secret@tools.example.com/mcp"], "has a password in it"),
        ([7], "names no server"),
        ([{"headers": {}}], "names no server"),
        ([{"url": "https://tools.example.com/mcp", "nmae": "x"}], "no nmae"),
        ([{"url": "https://tools.example.com/mcp", "name": "no name"}], "not a name"),
        ([{"url": "https://tools.example.com/mcp", "headers": {"X": "a\nb"}}], "plain text"),
        ([{"url": "https://tools.example.com/mcp", "timeout_s": 900}], "out of range"),
        (["https://tools.example.com/mcp"] * 2, "twice"),
        (7, "not a list"),
    ],
)
def test_a_server_that_is_none_is_refused_when_the_agent_is_made(servers: Any, words: str) -> None:
    error = problems(PLUGIN, mcp_servers=servers)
    assert words in error.message
    assert isinstance(error, ValueError)
