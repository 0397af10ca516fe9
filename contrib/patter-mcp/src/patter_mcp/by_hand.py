"""The tools of MCP servers for who builds agents of them: as long as the block lasts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from patter.tools.mcp_server import McpServer, refuse_clashes
from patter.tools.tool import Tool
from patter_mcp.sessions import ServerSessions


@asynccontextmanager
async def mcp_tools(
    servers: Iterable[str | Mapping[str, Any] | McpServer],
) -> AsyncIterator[tuple[Tool, ...]]:
    """Sessions with *servers* while inside, and their tools as they are at the beginning.

        async with mcp_tools(["https://tools.example.com/mcp"]) as tools:
            agent = phone.agent("Be brief.", tools=[*tools])
            await phone.serve(agent)

    A server that does not answer within seconds is logged, and its tools are missing. Raises
    PatterTypeError, PatterConfigError, EgressError for *servers* that are none, and
    PatterConfigError if two tools have one name.
    """
    each_once = tuple(dict.fromkeys(map(McpServer.of, servers)))
    async with ServerSessions() as sessions:
        await sessions.connect(each_once)
        listed = {server: sessions.tools_of(server) for server in each_once}
        refuse_clashes((), listed)
        yield tuple(tool for tools in listed.values() for tool in tools)
