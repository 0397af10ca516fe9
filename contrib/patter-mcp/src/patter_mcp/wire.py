"""The one module that speaks MCP: it imports the library, which takes seconds.

So it is imported on a thread, when serving begins; never in a call.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from typing import Any

import attrs
import httpx2
import mcp_types as types
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

import patter
from patter.clock import LoopClock
from patter.egress.post import PostFailure
from patter.errors import PatterConnectionError, PatterTimeoutError
from patter.safe_text import one_line
from patter.tools.mcp_server import McpServer
from patter.tools.refusals import ToolDeclined
from patter_mcp.listing import MOST, Listed
from patter_mcp.network import http_client
from patter_mcp.results import text_of

PAGES = 20
_FIX = "look at the log of the MCP server"
_GONE = "Session terminated"
"""What the library says of a 404: the server knows the session no more, and has done nothing."""


@cache
def _tls() -> ssl.SSLContext:
    return httpx2.create_ssl_context(trust_env=False)


def prepare() -> None:
    """What takes long and is needed once a process. Blocks."""
    _tls()


@attrs.define(eq=False)
class Session:
    """A session with *server*; *is_lost* once it was seen to be."""

    server: McpServer
    client: Client
    is_lost: bool = attrs.field(default=False, init=False)

    async def listed(self) -> list[Listed]:
        """The tools there are, page by page, up to a bound. Raises MCPError, ValidationError."""
        listed: list[types.Tool] = []
        cursor = None
        for _ in range(PAGES):
            page = await self.client.list_tools(cursor=cursor)
            listed += page.tools
            cursor = page.next_cursor
            if cursor is None or len(listed) > MOST:
                break
        return [_listed(each) for each in listed]

    async def run(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """What *tool* says. Raises ToolDeclined, PostFailure."""
        request = types.CallToolRequest(
            params=types.CallToolRequestParams(name=tool, arguments=dict(arguments))
        )
        try:
            # Not by `call_tool`: it would match the answer against a schema of the server's,
            # whose patterns may take hours.
            result = await self.client.session.send_request(
                request,
                types.CallToolResult,
                request_read_timeout_seconds=self.server.timeout_s,
            )
        except MCPError as error:
            raise self._failure(error) from error
        except ValidationError:
            raise PostFailure(_unusable("its answer cannot be read"), arrived=True) from None
        text = text_of(result)
        if result.is_error:
            raise ToolDeclined(text or "the tool failed, and does not say why")
        return text

    def _failure(self, error: MCPError) -> Exception:
        code, words = error.error.code, one_line(error.error.message)[:200]
        if words == _GONE or code == types.CONNECTION_CLOSED:
            self.is_lost = True
        if code == types.REQUEST_TIMEOUT:
            late = PatterTimeoutError(f"no answer within {self.server.timeout_s:g} s", fix=_FIX)
            return PostFailure(late, arrived=True)
        if code in (types.INVALID_PARAMS, types.METHOD_NOT_FOUND):
            return ToolDeclined(words)
        return PostFailure(_unusable(words), arrived=words != _GONE)


@asynccontextmanager
async def opened(server: McpServer) -> AsyncIterator[Session]:
    """A session with *server*. Raises EgressError, MCPError, and what the network raises."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            http_client(
                server.policy, dict(server.headers), server.timeout_s, LoopClock(), _transport
            )
        )
        client = Client(
            streamable_http_client(server.url, http_client=http),
            read_timeout_seconds=server.timeout_s,
            client_info=types.Implementation(name="patter", version=patter.__version__),
            cache=None,
        )
        yield Session(server, await stack.enter_async_context(client))


def _transport() -> httpx2.AsyncBaseTransport:
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=8, keepalive_expiry=15)
    return httpx2.AsyncHTTPTransport(verify=_tls(), trust_env=False, limits=limits)


def _listed(tool: types.Tool) -> Listed:
    hints = tool.annotations or types.ToolAnnotations()
    return Listed(
        name=tool.name,
        description=tool.description or tool.title or "",
        schema=tool.input_schema,
        read=hints.read_only_hint is True,
        idempotent=hints.idempotent_hint is True,
    )


def _unusable(words: str) -> PatterConnectionError:
    return PatterConnectionError(f"the service cannot be used: {words}", fix=_FIX)
