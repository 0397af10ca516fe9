"""Patter and MCP: the tools of MCP servers for agents, and the telephone as an MCP server."""

from patter_mcp.by_hand import mcp_tools
from patter_mcp.sessions import ServerSessions

__version__ = "0.1.0"

__all__ = ["ServerSessions", "mcp_tools"]
