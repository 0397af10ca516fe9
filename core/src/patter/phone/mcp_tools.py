"""The tools that agents have from MCP servers: of the phone that serves, never of a call.

Sessions are opened when serving begins, and before the first call of another agent is placed. A
call takes the tools that are there when it begins.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import attrs

from patter.agent import Agent
from patter.agent_roles import others
from patter.call.plan import CallPlan
from patter.call.role import Role, RoleMaker
from patter.plugins.isolated_scope import IsolatedScope
from patter.plugins.registry import PluginRegistry
from patter.tools.mcp_server import McpServer, McpSessions, refuse_clashes, without_clashes
from patter.tools.role_tools import RESERVED
from patter.tools.tool import Tool


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
        """Have sessions with the servers of *agent* and of those that it may hand over to.

        At once, if there are. A server that does not answer is logged, and its tools are missing.
        Raises PatterConfigError if two tools of one of them have one name.
        """
        every = [agent, *others(agent)]
        servers = [server for each in every for server in each.mcp_servers]
        if not servers or self._sessions is None or self._scope is None:
            return
        with self._scope.isolation.guard("connect to MCP servers"):
            await self._sessions.connect(servers)
        for each in every:
            refuse_clashes(_own_names(each), self._listed(each))

    def added(self, plan: CallPlan, agent: Agent) -> CallPlan:
        """*plan* of *agent* with the tools there are now; of two of one name, the agent's own."""
        return attrs.evolve(
            plan,
            tools=self._beside(plan.tools, agent),
            handoffs=self._handoffs(plan.handoffs, agent),
        )

    def _beside(self, tools: Sequence[Tool], agent: Agent) -> tuple[Tool, ...]:
        own = [*_own_names(agent), *(each.name for each in tools)]
        return (*tools, *without_clashes(own, self._listed(agent)))

    def _handoffs(self, makers: Mapping[str, RoleMaker], agent: Agent) -> Mapping[str, RoleMaker]:
        return {
            name: partial(self._role, make, agent.handoffs[name]) for name, make in makers.items()
        }

    def _role(self, make: RoleMaker, agent: Agent) -> Role:
        role = make()
        return attrs.evolve(
            role,
            tools=self._beside(role.tools, agent),
            handoffs=self._handoffs(role.handoffs, agent),
        )

    def _listed(self, agent: Agent) -> Mapping[McpServer, Sequence[Tool]]:
        sessions = self._sessions
        if sessions is None:
            return {}
        return {each: sessions.tools_of(each) for each in agent.mcp_servers}


def _own_names(agent: Agent) -> list[str]:
    consult = [] if agent.consult is None else [agent.consult.tool]
    skills = [tool for skill in agent.skills for tool in skill.tools]
    return [*RESERVED, *(each.name for each in (*agent.tools, *consult, *skills))]
