"""A phone for an assistant: places calls in the background, and says how they go.

The phone begins to serve with the first call, and its number is pointed nowhere: nobody calls in.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from fnmatch import fnmatchcase
from typing import Any

import attrs

from patter import Patter
from patter.agent import Agent
from patter.aio import task_scope
from patter.clock import Clock, LoopClock
from patter.errors import InputError
from patter.observe.call_events import Listener
from patter.observe.events import CallEvent, Started
from patter.observe.redact import Redactor
from patter.phone.phone_tool import PatterTool, PatterToolResult
from patter_mcp.shelf import CallShelf

MOST, KEPT = 4, 20
"""Calls at a time; results that are kept, for a phone without a log."""
LOOK_MS = 250
WAIT_S = 45.0
"""Assistants give a tool about a minute; a call that lasts longer goes on without them."""

log = logging.getLogger("patter.mcp")


@attrs.define(eq=False)
class PlacedCall:
    """A call that was placed to *to*; *call_id* once somebody has taken it."""

    to: str
    call_id: str = ""
    task: asyncio.Task[PatterToolResult | Exception] | None = None


@attrs.define(eq=False)
class CallService:
    """Places calls with *phone* and *agent* while `open`. *allowed*: patterns such as ``+4930*``.

    *shelf* has the calls of the past; None for a phone without a log.
    """

    phone: Patter
    agent: Agent
    shelf: CallShelf | None
    redactor: Redactor
    allowed: tuple[str, ...] = ("*",)
    max_duration_sec: float = 180
    wait_s: float = WAIT_S
    clock: Clock = attrs.field(factory=LoopClock)
    port: int = 8_000
    _tool: PatterTool = attrs.field(init=False)
    _tasks: asyncio.TaskGroup | None = attrs.field(default=None, init=False)
    _starting: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)
    _calls: list[PlacedCall] = attrs.field(factory=list, init=False)
    _results: dict[str, PatterToolResult] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        listener: Listener = self._note
        self._tool = PatterTool(
            self.phone,
            self.agent,
            max_duration_sec=self.max_duration_sec,
            port=self.port,
            set_webhook=False,
            listeners=(listener,),
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Calls may be placed while inside; those that run at its end are hung up."""
        async with task_scope() as tasks:
            self._tasks = tasks
            try:
                yield
            finally:
                self._tasks = None
                await self._tool.stop()
                for each in self._calls:
                    if each.task is not None:
                        each.task.cancel()

    async def place(
        self, to: str, goal: str, first_message: str, max_duration_sec: float | None
    ) -> dict[str, Any]:
        """Call *to*; its result, or after `wait_s` seconds that it goes on.

        Raises InputError, and what `PatterTool.execute` raises.
        """
        self._check(to)
        placed = PlacedCall(to)
        self._calls.append(placed)
        try:
            async with self._starting:
                await self._tool.start()
            assert self._tasks is not None, "tools are called while the service is open"
            execute = self._tool.execute(to, goal, first_message, max_duration_sec)
            placed.task = self._tasks.create_task(self._kept(placed, execute), name=f"call-{to}")
        except BaseException:
            self._calls.remove(placed)
            raise
        await asyncio.wait({placed.task}, timeout=self.wait_s)
        if placed.task.done():
            result = placed.task.result()
            if isinstance(result, Exception):
                raise result
            return self._reported(result)
        return self._going_on(placed)

    async def end(self, call_id: str) -> str:
        """Hang up a call that was placed here; without an id, the only one. Raises InputError."""
        named = [each for each in self._calls if call_id in ("", each.call_id)]
        if len(named) != 1:
            ids = ", ".join(each.call_id or "one that rings" for each in self._calls) or "none"
            raise InputError(f"no one call is meant; there are: {ids}", fix="pass its call_id")
        (placed,) = named
        if not placed.call_id:
            raise InputError(
                "nobody has taken the call yet", fix="wait: it stops ringing within half a minute"
            )
        await self.phone.end_call(placed.call_id)
        return f"call {placed.call_id} was hung up"

    async def listed(self, limit: int) -> list[dict[str, Any]]:
        """The last calls; those of this session for a phone without a log."""
        if self.shelf is not None:
            return await asyncio.to_thread(self.shelf.listed, limit)
        done = [self._reported(each) for each in reversed(self._results.values())]
        for each in done:
            del each["transcript"]
        return [*map(self._going_on, self._calls), *done][:limit]

    async def transcript(self, call_id: str) -> dict[str, Any]:
        """What was said in a call. Raises InputError when there is none of that id."""
        if (result := self._results.get(call_id)) is not None:
            return self._reported(result)
        if self.shelf is None:
            raise InputError(f"there is no call {call_id[:64]!r}", fix="see list_calls")
        return await asyncio.to_thread(self.shelf.transcript, call_id)

    async def stopped(self) -> None:
        """Wait until the phone, which served, does so no more: by a signal, or a fault."""
        for serves in (True, False):
            while (self.phone.address is not None) is not serves:
                await self.clock.sleep(LOOK_MS)

    def _check(self, to: str) -> None:
        if not any(fnmatchcase(to, pattern) for pattern in self.allowed):
            raise InputError(f"calls to {to} are not allowed", fix="see --allow of patter-mcp")
        if any(each.to == to for each in self._calls):
            raise InputError(f"a call to {to} goes on", fix="end_call, or wait for its end")
        if len(self._calls) >= MOST:
            raise InputError(f"{MOST} calls go on", fix="end_call, or wait for the end of one")

    async def _kept(
        self, placed: PlacedCall, execute: Awaitable[PatterToolResult]
    ) -> PatterToolResult | Exception:
        """The result, or what was raised: nobody may wait for it any more."""
        try:
            result = await execute
        except Exception as failed:
            log.warning("a call came to nothing: %s", failed)
            return failed
        finally:
            self._calls.remove(placed)
        self._results[result.call_id] = result
        while len(self._results) > KEPT:
            del self._results[next(iter(self._results))]
        return result

    def _note(self, event: CallEvent) -> None:
        if not isinstance(event, Started):
            return
        for each in self._calls:
            if each.to == event.callee and not each.call_id:
                each.call_id = event.call

    def _going_on(self, placed: PlacedCall) -> dict[str, Any]:
        status = "in_progress" if placed.call_id else "ringing"
        number = self.redactor.number(placed.to)
        return {"call_id": placed.call_id, "status": status, "number": number}

    def _reported(self, result: PatterToolResult) -> dict[str, Any]:
        return {
            "call_id": result.call_id,
            "status": "completed",
            "outcome": result.outcome,
            "duration_seconds": result.duration_seconds,
            "cost_usd": result.cost_usd,
            "transcript": [
                {"role": row["role"], "text": self.redactor.text(row["text"])}
                for row in result.transcript
            ],
        }
