"""The MCP servers of an agent, as its parameter takes them: addresses, or mappings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from patter.errors import PatterError, indefinite
from patter.parts import AgentResolver
from patter.tools.mcp_server import McpServer


def as_mcp_servers(
    value: str | Iterable[str | Mapping[str, Any] | McpServer] | None,
) -> tuple[McpServer, ...]:
    """The servers as a tuple; what is none stays, and is refused later."""
    if value is None:
        return ()
    if not isinstance(value, str | list | tuple):
        return value  # type: ignore[return-value]
    return tuple(map(_server, [value] if isinstance(value, str) else value))


def refuse_mcp_servers(resolver: AgentResolver, servers: object) -> None:
    """Note what is no MCP server, one that is named twice, and that nothing speaks to them."""
    if not isinstance(servers, tuple):
        what = indefinite(type(servers).__name__)
        resolver.note_type(
            f"mcp_servers is {what}, not a list", 'write mcp_servers=["https://..."]'
        )
        return
    for each in servers:
        resolver.attempt(McpServer.of, each)
    sound = [each for each in servers if isinstance(each, McpServer)]
    if len(set(sound)) < len(sound):
        resolver.note("an MCP server is in mcp_servers twice", "remove one of them")
    if servers:
        resolver.attempt(resolver.registry.require_extension, "mcp", "mcp_servers")


def _server(value: Any) -> Any:
    try:
        return McpServer.of(value)
    except PatterError:
        return value
