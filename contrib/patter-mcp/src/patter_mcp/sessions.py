"""Sessions with MCP servers, of one process: opened once, kept, and opened again when lost.

No call opens one. Calls take the tools that are known when they begin, and a tool whose server is
away fails at once instead of making a caller wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from importlib import import_module
from types import TracebackType
from typing import Self

import attrs

from patter.aio import task_scope
from patter.clock import Clock, LoopClock
from patter.errors import PatterConfigError
from patter.tools.mcp_server import McpServer
from patter.tools.tool import Tool
from patter_mcp.link import ServerLink

MOST = 32
"""Servers of one phone."""
IMPORT_S, CONNECT_S, CLOSE_S = 20.0, 6.0, 4.0
log = logging.getLogger("patter.mcp")


@attrs.define(eq=False)
class ServerSessions:
    """Keeps a session with each server that `connect` was called with, until it is left."""

    clock: Clock = attrs.field(factory=LoopClock)
    connect_s: float = CONNECT_S
    _links: dict[McpServer, ServerLink] = attrs.field(factory=dict, init=False)
    _keepers: dict[McpServer, asyncio.Task[None]] = attrs.field(factory=dict, init=False)
    _stack: AsyncExitStack = attrs.field(factory=AsyncExitStack, init=False)
    _tasks: asyncio.TaskGroup | None = attrs.field(default=None, init=False)

    async def __aenter__(self) -> Self:
        self._tasks = await self._stack.enter_async_context(task_scope())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server, link in self._links.items():
            link.stop()
            # There is nobody to say goodbye to.
            if not link.is_live:
                self._keepers[server].cancel()
        if self._keepers:
            await asyncio.wait(self._keepers.values(), timeout=CLOSE_S)
        for keeper in self._keepers.values():
            keeper.cancel()
        self._tasks = None
        await self._stack.aclose()

    async def connect(self, servers: Sequence[McpServer]) -> None:
        """Have sessions with *servers*; those that do not answer in time are logged.

        A server that was connected to before, or in vain, costs no time. Raises PatterConfigError
        before entering, and for more servers than a phone may have.
        """
        tasks = self._tasks
        if tasks is None:
            raise PatterConfigError("the sessions are not open", fix="async with sessions: ...")
        if new := [each for each in dict.fromkeys(servers) if each not in self._links]:
            self._refuse_too_many(new)
            await _imported()
            # Two calls may have come here at once.
            for each in [each for each in new if each not in self._links]:
                link = self._links[each] = ServerLink(each, self.clock)
                name = f"mcp-{each.label}"
                self._keepers[each] = tasks.create_task(link.keep(), name=name)
        waiting = [self._links[each].tried.wait() for each in servers]
        try:
            async with asyncio.timeout(self.connect_s):
                await asyncio.gather(*waiting)
        except TimeoutError:
            late = [each.label for each in servers if not self._links[each].tried.is_set()]
            log.warning("calls begin without the tools of %s: no answer yet", ", ".join(late))

    def tools_of(self, server: McpServer) -> tuple[Tool, ...]:
        """The tools of *server*; none while it is away for long."""
        link = self._links.get(server)
        return () if link is None else link.tools

    def _refuse_too_many(self, new: Sequence[McpServer]) -> None:
        if len(self._links) + len(new) > MOST:
            raise PatterConfigError(
                f"a phone speaks to {MOST} MCP servers at most", fix="serve with fewer mcp_servers"
            )


async def _imported() -> None:
    """The library takes seconds to import, and certificates time to load: not in the loop."""
    async with asyncio.timeout(IMPORT_S):
        wire = await asyncio.to_thread(import_module, "patter_mcp.wire")
        await asyncio.to_thread(wire.prepare)
