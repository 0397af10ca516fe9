"""MCP servers on 127.0.0.1: a real one in a thread of its own, and sites that are none."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any, TypeAlias

import attrs
import pytest
import uvicorn
from aiohttp import web
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

Answer: TypeAlias = Callable[[web.Request], Any]


@attrs.define(eq=False)
class Desk:
    """What the tools of a server did: *bookings* counts, *held* keeps one waiting."""

    bookings: list[str] = attrs.field(factory=list)
    held: threading.Event = attrs.field(factory=threading.Event)
    reached: threading.Event = attrs.field(factory=threading.Event)


def bistro(desk: Desk) -> MCPServer:
    """A server with a tool of each effect."""
    server = MCPServer("bistro", log_level="CRITICAL")

    @server.tool(annotations=ToolAnnotations(read_only_hint=True))
    async def opening_hours(day: str) -> str:
        """When we are open."""
        if day == "never":
            raise ToolError("there is no such day")
        return f"{day}: five to eleven"

    @server.tool(annotations=ToolAnnotations(idempotent_hint=True))
    async def confirm(name: str) -> str:
        """Confirm a booking."""
        return f"confirmed for {name}"

    @server.tool()
    async def book_table(name: str, people: int = 2) -> str:
        """Book a table."""
        desk.bookings.append(name)
        desk.reached.set()
        while name == "slow" and not desk.held.is_set():
            await asyncio.sleep(0.01)
        return f"a table for {people}, {name}"

    return server


class _Uvicorn(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@attrs.define(eq=False)
class Running:
    """A server that runs at *url* until `kill`."""

    url: str
    port: int
    _server: uvicorn.Server
    _thread: threading.Thread

    def kill(self) -> None:
        """End it at once, in the middle of whatever it does."""
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(10)


@contextmanager
def run(server: MCPServer, port: int = 0, **options: Any) -> Iterator[Running]:
    """Serve *server* over streamable HTTP while inside."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    app = server.streamable_http_app(**options)
    config = uvicorn.Config(app, log_config=None, ws="none", timeout_graceful_shutdown=0)
    inner = _Uvicorn(config)
    thread = threading.Thread(target=lambda: inner.run([listener]), daemon=True)
    thread.start()
    port = listener.getsockname()[1]
    running = Running(f"http://127.0.0.1:{port}/mcp", port, inner, thread)
    try:
        yield running
    finally:
        running.kill()
        listener.close()


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def serve_mcp() -> Iterator[Callable[..., Running]]:
    """Serve an `MCPServer` until the test ends."""
    with ExitStack() as stack:
        yield lambda server, **options: stack.enter_context(run(server, **options))


@pytest.fixture
def mcp_server(desk: Desk, serve_mcp: Callable[..., Running]) -> Running:
    """The bistro, running."""
    return serve_mcp(bistro(desk))


@asynccontextmanager
async def site(answer: Answer) -> AsyncIterator[str]:
    """A web service that is no MCP server: *answer* answers everything."""
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0)
    await listener.start()
    try:
        server: Any = listener._server
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
    finally:
        await runner.cleanup()


@pytest.fixture
def bistro_server(desk: Desk) -> MCPServer:
    """The bistro, not running yet."""
    return bistro(desk)


@pytest.fixture
def a_site() -> Callable[[Answer], Any]:
    return site
