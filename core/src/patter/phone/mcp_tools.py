"""The tools that agents have from MCP servers: of the phone that serves, never of a call.

Sessions are opened when serving begins, and before the first call of another agent is placed. A
call takes the tools that are there when it begins.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import attrs

from patter.agent import Agent
from patter.plugins.lifetime import IsolatedScope
from patter.plugins.registry import PluginRegistry
from patter.tools.builtin import END_CALL, TRANSFER_CALL
from patter.tools.mcp_server import McpServer, McpSessions, refuse_clashes, without_clashes
from patter.tools.tool import Tool

BUILT_IN = (END_CALL.name, TRANSFER_CALL.name)
log = logging.getLogger("patter.phone.mcp")


@attrs.define(eq=False)
class McpTools:
    """Opens the sessions of *registry*'s plugin, and adds the tools to the plans of calls."""

    registry: PluginRegistry
    _scope: IsolatedScope | None = attrs.field(default=None, init=False)
    _sessions: McpSessions | None = attrs.field(default=None, init=False)

    @asynccontextmanager
    async def open(self, agent: Agent) -> AsyncIterator[None]:
        """Keep sessions while inside, first with the servers of *agent*.

        Raises PatterConfigError if two of its tools have one name.
        """
        async with AsyncExitStack() as stack:
            for scope in self.registry.mcp_sessions():
                await stack.enter_async_context(scope)
                # The plugin's own object: the scope around it keeps its failures from us.
                self._scope, self._sessions = scope, scope.scope  # type: ignore[assignment]
            await self.connect(agent)
            try:
                yield
            finally:
                self._scope = self._sessions = None

    async def connect(self, agent: Agent) -> None:
        """Have sessions with the servers of *agent*; at once, if there are.

        A server that does not answer is logged, and goes without saying. Raises PatterConfigError
        if two tools have one name.
        """
        if not agent.mcp_servers or self._sessions is None or self._scope is None:
            return
        with self._scope.isolation.guard("connect to MCP servers"):
            await self._sessions.connect(agent.mcp_servers)
        refuse_clashes(_own_names(agent), self._listed(agent.mcp_servers))

    def beside(self, tools: Sequence[Tool], servers: Sequence[McpServer]) -> tuple[Tool, ...]:
        """*tools*, and those of *servers*; of two of one name, the first."""
        if not servers:
            return tuple(tools)
        own = [*BUILT_IN, *(each.name for each in tools)]
        return (*tools, *without_clashes(own, self._listed(servers)))

    def _listed(self, servers: Iterable[McpServer]) -> Mapping[McpServer, Sequence[Tool]]:
        sessions = self._sessions
        return {} if sessions is None else {each: sessions.tools_of(each) for each in servers}


def _own_names(agent: Agent) -> list[str]:
    consult = [] if agent.consult is None else [agent.consult.tool.name]
    return [*BUILT_IN, *(each.name for each in agent.tools), *consult]
