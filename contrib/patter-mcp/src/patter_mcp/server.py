"""The MCP server ``patter-mcp``: what a desktop assistant may do with a phone."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

import patter
from patter.errors import PatterError
from patter_mcp.call_service import CallService

T = TypeVar("T")
INSTRUCTIONS = (
    "Real phone calls to real people, which cost money: ask before you place one. A call that "
    "lasts longer than a tool may wait goes on; read_transcript says what was said so far."
)
_CALLS = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=True
)
_ENDS = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True
)
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)


def server_of(service: CallService) -> MCPServer:
    """The server whose tools are those of *service*."""
    server = MCPServer(
        "patter", instructions=INSTRUCTIONS, version=patter.__version__, log_level="WARNING"
    )

    @server.tool(title="Place a phone call", annotations=_CALLS)
    async def place_call(
        to: str,
        goal: str,
        first_message: str = "",
        max_duration_sec: float | None = None,
    ) -> dict[str, Any]:
        """Call a number (E.164, such as +15550107788) and pursue a goal. Costs money.

        The first message is what the agent begins with; empty: the other side begins.
        """
        return await _answered(service.place(to, goal, first_message, max_duration_sec))

    @server.tool(title="List phone calls", annotations=_READS)
    async def list_calls(limit: int = 10) -> list[dict[str, Any]]:
        """The last calls, the newest first: who, when, how they ended, and what they cost."""
        return await _answered(service.listed(limit))

    @server.tool(title="Read what was said", annotations=_READS)
    async def read_transcript(call_id: str) -> dict[str, Any]:
        """What was said in a call, also while it goes on."""
        return await _answered(service.transcript(call_id))

    @server.tool(title="Hang up", annotations=_ENDS)
    async def end_call(call_id: str = "") -> str:
        """Hang up a call that was placed here; without an id, the only one there is."""
        return await _answered(service.end(call_id))

    return server


async def _answered(answer: Awaitable[T]) -> T:
    """What comes of *answer*; the assistant reads our errors, with their fix."""
    try:
        return await answer
    except PatterError as error:
        raise ToolError(str(error)) from error
