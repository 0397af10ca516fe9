"""The session with one server: its task connects, lists the tools, and connects again when lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from patter.clock import Clock
from patter.egress.post import PostFailure
from patter.errors import PatterConnectionError
from patter.safe_text import one_line
from patter.tools.mcp_server import McpServer
from patter.tools.tool import Tool
from patter_mcp.listing import tools_of

if TYPE_CHECKING:
    from patter_mcp.wire import Session

OPEN_S, CLOSE_S = 5.0, 2.0
REFRESH_S = 300.0
"""The tools are listed anew so often, which also shows that a server is gone."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 30.0
FORGET = 4
"""After so many vain attempts new calls do without the tools: about six seconds."""
STEADY_MS = 10_000
MOST_RUNS = 64
"""Runs at a time; more of them are a server that hangs."""
_FIX = "look at the log of the MCP server"
log = logging.getLogger("patter.mcp")


@attrs.define(eq=False)
class ServerLink:
    """Keeps the session with *server* in the task of `keep`, until `stop`.

    *tried* is set once there was an attempt; *tools* are those of the last listing.
    """

    server: McpServer
    clock: Clock
    tools: tuple[Tool, ...] = ()
    tried: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _session: Session | None = attrs.field(default=None, init=False)
    _lost: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _stopping: bool = attrs.field(default=False, init=False)
    _failures: int = attrs.field(default=0, init=False)
    _since_ms: float | None = attrs.field(default=None, init=False)
    _runs: int = attrs.field(default=0, init=False)

    @property
    def is_live(self) -> bool:
        """Is there a session?"""
        return self._session is not None

    async def keep(self) -> None:
        """Connect, and again when the session is lost, with longer and longer pauses."""
        while not self._stopping:
            self._lost.clear()
            try:
                await self._live()
            except Exception as problem:
                self._note(problem)
            self.tried.set()
            if not self._stopping:
                await self._pause()

    def stop(self) -> None:
        """Let `keep` close the session and return."""
        self._stopping = True
        self._lost.set()

    async def run(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """What the server's *tool* says of *arguments*.

        Raises ToolDeclined for what it refuses, PostFailure for what came to nothing.
        """
        if self._session is None:
            raise self._away("is not connected", arrived=False)
        if self._runs >= MOST_RUNS:
            raise self._away("has too much to do", arrived=False)
        self._runs += 1
        try:
            return await self._session.run(tool, arguments)
        except PostFailure:
            if self._session is not None and self._session.is_lost:
                self._lost.set()
            raise
        finally:
            self._runs -= 1

    async def _live(self) -> None:
        """One session, from its beginning to its end. Raises what ended it."""
        from patter_mcp.wire import opened

        opening = opened(self.server)
        async with asyncio.timeout(OPEN_S):
            session = await opening.__aenter__()
        error: BaseException | None = None
        try:
            await self._use(session)
        except BaseException as raised:
            error = raised
            raise
        finally:
            self._session = None
            # What is left of a session is not worth waiting for a server that hangs.
            async with asyncio.timeout(CLOSE_S):
                await opening.__aexit__(type(error) if error else None, error, None)

    async def _use(self, session: Session) -> None:
        await self._list(session)
        self._session, self._since_ms = session, self.clock.ms()
        log.info("MCP server %s: %d tools", self.server.label, len(self.tools))
        self.tried.set()
        while not await self._lost_within(REFRESH_S):
            await self._list(session)
        if not self._stopping:
            raise ConnectionError("the session was lost")

    async def _list(self, session: Session) -> None:
        async with asyncio.timeout(OPEN_S):
            listed = await session.listed()
            # A hundred schemas take a while to check: calls go on meanwhile.
            tools = await asyncio.to_thread(tools_of, self.server, listed, self.run)
        # The same tools stay the same objects: what is known of their failures is in them.
        kept = {_shape(each): each for each in self.tools}
        self.tools = tuple(kept.get(_shape(each), each) for each in tools)

    async def _lost_within(self, within_s: float) -> bool:
        try:
            async with asyncio.timeout(within_s):
                await self._lost.wait()
        except TimeoutError:
            return False
        return True

    async def _pause(self) -> None:
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0**self._failures)
        self._lost.clear()
        # `stop` ends the pause, too.
        await self._lost_within(pause_s)

    def _note(self, problem: Exception) -> None:
        # One that is lost as soon as it is there is no better than none.
        if self._since_ms is not None and self.clock.ms() - self._since_ms > STEADY_MS:
            self._failures = 0
        self._since_ms = None
        self._failures += 1
        if self._failures == FORGET:
            self.tools = ()
        if self._failures in (1, FORGET):
            log.warning("MCP server %s is away: %s", self.server.label, _reason(problem))

    def _away(self, what: str, *, arrived: bool) -> PostFailure:
        error = PatterConnectionError(f"the service {what}", fix=_FIX)
        return PostFailure(error, arrived=arrived)


def _shape(tool: Tool) -> str:
    """What of a tool a model and its runs depend on."""
    return repr((tool.name, tool.description, tool.parameters, tool.effect, tool.timeout_s))


def _reason(problem: BaseException) -> str:
    """What *problem* says: that of the innermost of a group."""
    while isinstance(problem, BaseExceptionGroup):
        problem = problem.exceptions[0]
    words = one_line(str(problem))[:200]
    return f"{type(problem).__name__}: {words}" if words else type(problem).__name__
