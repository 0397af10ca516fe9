"""Tools of MCP servers: listed, called, refused, and gone; and never in anybody's way."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiohttp import web
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

from patter import CallContext, DefaultToolExecutor, EgressError, PatterConfigError
from patter.aio import task_scope
from patter.providers.llm import ToolRequest
from patter.tools.executor import ToolOutcome
from patter.tools.mcp_server import McpServer
from patter.tools.tool import Tool
from patter_mcp import ServerSessions, mcp_tools

CALL = CallContext(call_id="c1", caller="+15550100001", callee="+15550100002")
QUICK = DefaultToolExecutor(retry_delay_s=0.2)


def here(running: Any, **more: Any) -> dict[str, Any]:
    url = running if isinstance(running, str) else running.url
    return {"url": url, "allow_loopback": True, **more}


def named(tools: tuple[Tool, ...]) -> dict[str, Tool]:
    return {each.name: each for each in tools}


async def ran(tool: Tool, **arguments: Any) -> ToolOutcome:
    return await QUICK.execute(tool, ToolRequest("t", tool.name, json.dumps(arguments)), CALL)


async def test_the_tools_of_a_server_are_tools(mcp_server: Any) -> None:
    async with mcp_tools([here(mcp_server)]) as tools:
        by_name = named(tools)
        outcome = await ran(by_name["opening_hours"], day="sunday")
    assert (outcome.ok, outcome.text) == (True, "sunday: five to eleven")
    effects = {name: each.effect for name, each in by_name.items()}
    assert effects == {"opening_hours": "read", "confirm": "idempotent", "book_table": "once"}
    assert by_name["book_table"].parameters["required"] == ["name"]
    assert by_name["book_table"].description == "Book a table."


@pytest.mark.parametrize("options", [{"json_response": True}, {"stateless_http": True}])
async def test_every_form_of_server_is_understood(
    serve_mcp: Callable[..., Any], desk: Any, options: dict[str, bool]
) -> None:
    server = MCPServer("plain", log_level="CRITICAL")
    server.add_tool(lambda: "five", name="hours", description="When.")
    async with mcp_tools([here(serve_mcp(server, **options))]) as (hours,):
        assert (await ran(hours)).text == "five"


async def test_arguments_that_do_not_fit_are_refused_before_they_are_sent(
    mcp_server: Any, desk: Any
) -> None:
    async with mcp_tools([here(mcp_server)]) as tools:
        outcome = await ran(named(tools)["book_table"], name="Ada", people="two")
    assert not outcome.ok and "people" in outcome.text
    assert not desk.bookings


async def test_an_error_of_a_tool_is_an_envelope_and_not_tried_again(mcp_server: Any) -> None:
    async with mcp_tools([here(mcp_server)]) as tools:
        tool = named(tools)["opening_hours"]
        for _ in range(6):
            outcome = await ran(tool, day="never")
    # Six in a row, and no circuit is open: the tool works, and said no.
    assert not outcome.ok
    assert "no such day" in json.loads(outcome.text)["error"]
    assert json.loads(outcome.text).keys() == {"error"}


async def test_a_name_keeps_two_servers_apart(mcp_server: Any) -> None:
    with pytest.raises(PatterConfigError, match="two tools are named 'opening_hours'"):
        async with mcp_tools([here(mcp_server), here(mcp_server, timeout_s=5)]):
            pass
    both = [here(mcp_server, name="north"), here(mcp_server, name="south")]
    async with mcp_tools(both) as tools:
        assert {"north_opening_hours", "south_opening_hours"} <= named(tools).keys()


async def test_headers_are_sent(a_site: Any) -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization", ""))
        return web.Response(status=401)

    async with a_site(answer) as url:
        headers = {"Authorization": "Bearer k-123456789"}
        async with mcp_tools([here(url, headers=headers)]) as tools:
            assert tools == ()
    assert set(seen) == {"Bearer k-123456789"}
    assert "k-123456789" not in repr(McpServer.of(here(url, headers=headers)))


async def test_this_machine_is_reached_only_when_it_is_allowed(
    serve_mcp: Callable[..., Any], bistro_server: MCPServer, caplog: pytest.LogCaptureFixture
) -> None:
    any_host = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    mcp_server = serve_mcp(bistro_server, transport_security=any_host)
    with pytest.raises(EgressError):
        McpServer.of(mcp_server.url)
    by_name = mcp_server.url.replace("127.0.0.1", "localtest.example")

    def lookup(*_: Any, **__: Any) -> list[Any]:
        return [(2, 1, 6, "", ("127.0.0.1", mcp_server.port))]

    with pytest.MonkeyPatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr("socket.getaddrinfo", lookup)
        async with mcp_tools([by_name]) as tools:
            assert tools == ()
        assert "not on the internet" in caplog.text
        patch.setenv("PATTER_EGRESS_ALLOW", "localtest.example")
        async with mcp_tools([by_name]) as tools:
            assert "opening_hours" in named(tools)


async def garbage(_: web.Request) -> web.Response:
    return web.Response(body=b"<html>hello</html>", content_type="text/html")


async def nonsense(_: web.Request) -> web.Response:
    return web.Response(
        body=b'{"jsonrpc": "2.0", "id": 1, "result": 7}', content_type="application/json"
    )


async def huge(_: web.Request) -> web.Response:
    return web.Response(body=b'{"a": "' + b"x" * (3 << 20), content_type="application/json")


async def broken(_: web.Request) -> web.Response:
    return web.Response(status=500)


async def elsewhere(_: web.Request) -> web.Response:
    return web.Response(status=307, headers={"Location": "http://169.254.169.254/mcp"})


@contextmanager
def silent() -> Iterator[str]:
    """The address of what takes connections, and never reads from them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"


@pytest.mark.parametrize("answer", [garbage, nonsense, huge, broken, elsewhere])
async def test_a_server_that_is_none_is_logged_and_done_without(
    answer: Any, a_site: Any, mcp_server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        a_site(answer) as url,
        asyncio.timeout(8),
        mcp_tools([here(url), here(mcp_server)]) as tools,
    ):
        assert "opening_hours" in named(tools)
    assert f"MCP server {url} is away" in caplog.text


async def test_nobody_waits_long_for_a_server_that_is_down_or_silent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with silent() as url:
        async with asyncio.timeout(8), ServerSessions(connect_s=0.5) as sessions:
            servers = [McpServer.of(here(url)), McpServer.of(here("http://127.0.0.1:9/mcp"))]
            await sessions.connect(servers)
            assert [sessions.tools_of(each) for each in servers] == [(), ()]
    assert f"without the tools of {url}: no answer yet" in caplog.text


async def test_a_server_that_comes_late_has_its_tools_then(
    serve_mcp: Callable[..., Any], desk: Any
) -> None:
    server = MCPServer("late", log_level="CRITICAL")
    server.add_tool(lambda: "five", name="hours", description="When.")
    first = serve_mcp(server)
    first.kill()
    place = McpServer.of(here(first))
    async with ServerSessions() as sessions, asyncio.timeout(15):
        await sessions.connect([place])
        assert sessions.tools_of(place) == ()
        again = MCPServer("late", log_level="CRITICAL")
        again.add_tool(lambda: "six", name="hours", description="When.")
        serve_mcp(again, port=first.port)
        while not sessions.tools_of(place):
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("options", [{}, {"json_response": True}])
async def test_a_server_that_is_started_anew_is_used_again(
    options: Any, serve_mcp: Callable[..., Any]
) -> None:
    def hours() -> MCPServer:
        server = MCPServer("twice", log_level="CRITICAL")
        server.add_tool(lambda: "five", name="hours", description="When.")
        return server

    first = serve_mcp(hours(), **options)
    # The slot is the same; the session is not, and an effect of ``once`` is no obstacle.
    async with mcp_tools([here(first)]) as (tool,), asyncio.timeout(20):
        assert (await ran(tool)).ok
        first.kill()
        outcome = await ran(tool)
        assert not outcome.ok and "service" in outcome.text
        serve_mcp(hours(), port=first.port, **options)
        while not (await ran(tool)).ok:
            await asyncio.sleep(0.1)


async def test_a_server_that_dies_in_the_middle_leaves_no_doubt_and_no_second_booking(
    serve_mcp: Callable[..., Any], bistro_server: MCPServer, desk: Any
) -> None:
    running = serve_mcp(bistro_server)
    async with mcp_tools([here(running)]) as tools, asyncio.timeout(15):
        async with task_scope() as tasks:
            booking = tasks.create_task(ran(named(tools)["book_table"], name="slow"))
            await asyncio.to_thread(desk.reached.wait, 5)
            await asyncio.to_thread(running.kill)
        outcome = booking.result()
    assert not outcome.ok
    assert "may still be done" in outcome.text
    assert desk.bookings == ["slow"]


async def test_a_tool_that_never_answers_ends_at_its_limit(mcp_server: Any, desk: Any) -> None:
    async with mcp_tools([here(mcp_server, timeout_s=0.5)]) as tools, asyncio.timeout(8):
        slow = await ran(named(tools)["book_table"], name="slow")
        assert not slow.ok and "0.5 s" in slow.text
        # And the session is as good as before.
        assert (await ran(named(tools)["book_table"], name="Ada")).ok
        desk.held.set()


async def test_more_servers_than_a_phone_may_have_are_refused() -> None:
    async with ServerSessions(connect_s=0.01) as sessions:
        every = [McpServer.of(here(f"http://127.0.0.1:{port}/mcp")) for port in range(9, 42)]
        with pytest.raises(PatterConfigError, match="at most"):
            await sessions.connect(every)
