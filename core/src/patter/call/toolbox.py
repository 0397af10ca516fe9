"""The tools of one call: run as their effect allows, reported to the turn engine, recorded.

A ``once`` tool belongs to the call, not to the reply that asked for it: cutting the reply
does not touch it, and its result stands in the history for whoever answers next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs

from patter.call.history import HistoryRow
from patter.call.remarks import Remarks
from patter.call.turn.events import ToolFinished, ToolStarted, TurnEvent
from patter.call.turn_recorder import Utterance
from patter.observe.call_events import CallEvents
from patter.observe.events import Span, ToolRun
from patter.providers.context import CallContext
from patter.providers.llm import ToolRequest, ToolSpec
from patter.tools.executor import (
    DEFAULT_EXECUTOR,
    DefaultToolExecutor,
    Invocation,
    ToolOutcome,
    failure,
    parse_arguments,
    prepare,
)
from patter.tools.tool import Tool


@attrs.define(eq=False)
class Toolbox:
    """What the model may call. *tasks* is the call's own scope.

    *on_result* gets the name of a tool and what it has returned; no refusal and no failure.
    """

    tools: Mapping[str, Tool]
    call: CallContext
    events: CallEvents
    post: Callable[[TurnEvent], None]
    tasks: asyncio.TaskGroup
    on_result: Callable[[str, str], None]
    executor: DefaultToolExecutor = DEFAULT_EXECUTOR
    _running: set[asyncio.Task[ToolOutcome]] = attrs.field(factory=set, init=False)

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        return tuple(tool.spec for tool in self.tools.values())

    def is_once(self, request: ToolRequest) -> bool:
        """Does *request* name a tool that is not to run beside others of its round?"""
        tool = self.tools.get(request.name)
        return tool is not None and tool.effect == "once"

    async def run(
        self,
        request: ToolRequest,
        utterance: Utterance,
        reassure: Callable[[str], Awaitable[None]],
        remember: Callable[[HistoryRow], None],
    ) -> ToolOutcome:
        """Answer the model's *request*; *reassure* is asked to speak when it takes long.

        *remember* gets the row for the history, also when the reply is gone by then.
        """
        tool = self.tools.get(request.name)
        if tool is None:
            names = ", ".join(self.tools)
            return failure(f"no tool {request.name!r}; there are: {names}", {})
        if tool.sensitive:
            self.events.sensitivity.hide_tool(request.id)
            self.events.sensitivity.remember(parse_arguments(request) or {})
        invocation = prepare(tool, request)
        if isinstance(invocation, ToolOutcome):
            return self._refuse(tool, request, invocation, utterance, remember)
        remarks = Remarks()
        task = self.tasks.create_task(
            self._run(invocation, request, utterance, remember, remarks),
            name=f"tool-{tool.name}-{request.id}",
        )
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            return await self._wait(task, tool, remarks, reassure)
        except asyncio.CancelledError:
            if tool.effect != "once":
                task.cancel()
            raise

    async def settle(self, within_s: float) -> None:
        """Let ``once`` tools that still run come to their end."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=within_s)

    async def _wait(
        self,
        task: asyncio.Task[ToolOutcome],
        tool: Tool,
        remarks: Remarks,
        reassure: Callable[[str], Awaitable[None]],
    ) -> ToolOutcome:
        """The outcome; meanwhile the caller hears how it goes, or that it takes a moment."""
        clock, comfort = self.call.clock, tool.comfort
        due_ms = clock.ms() + comfort.after_ms if comfort else 0.0
        while not task.done():
            left_s = max(0.0, due_ms - clock.ms()) / 1_000 if comfort else None
            either: set[asyncio.Future[Any]] = {task, remarks.next()}
            await asyncio.wait(either, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            for text in remarks.take():
                comfort = None
                await reassure(text)
            if comfort and not task.done() and clock.ms() >= due_ms:
                await reassure(comfort.message)
                comfort = None
        return await asyncio.shield(task)

    def _refuse(
        self,
        tool: Tool,
        request: ToolRequest,
        refusal: ToolOutcome,
        utterance: Utterance,
        remember: Callable[[HistoryRow], None],
    ) -> ToolOutcome:
        """Tell the model why; the tool never started, so there is nothing to protect or time."""
        self._note(tool, request, refusal, 0, utterance.turn)
        now = self.events.now_ms()
        remember(self._row(tool, utterance.turn, refusal.text, now, request))
        return refusal

    def _row(self, tool: Tool, turn: int, text: str, now: int, request: ToolRequest) -> HistoryRow:
        sensitivity = self.events.sensitivity
        row = HistoryRow("tool", turn, text, now, request=request)
        if not sensitivity.used:
            return row
        text = text if sensitivity.open else sensitivity.secrets.hide(text)
        hidden = tool.sensitive or sensitivity.hides_tool(request.id)
        row = attrs.evolve(row, text=text, hidden=hidden)
        return row.concealed if hidden else row

    async def _run(
        self,
        invocation: Invocation,
        request: ToolRequest,
        utterance: Utterance,
        remember: Callable[[HistoryRow], None],
        remarks: Remarks,
    ) -> ToolOutcome:
        tool = invocation.tool
        began_ms = self.events.now_ms()
        key = f"{tool.name}#{utterance.epoch}.{request.id}"
        self.post(ToolStarted(began_ms, key, utterance.epoch, once=tool.effect == "once"))
        self._note(tool, request)
        outcome, ended = failure("cancelled", {}), False
        try:
            outcome, ended = await self.executor.run(invocation, self.call, remarks.put), True
            if tool.sensitive:
                self.events.sensitivity.remember(outcome.text)
            if outcome.ok:
                self.on_result(tool.name, outcome.text)
        finally:
            now = self.events.now_ms()
            utterance.stamps.tools.append((began_ms, now))
            self._note(tool, request, outcome, now - began_ms, utterance.turn)
            self._note_span(tool, began_ms, now, utterance, outcome.ok)
            if ended or tool.effect == "once":
                # Nobody waits for a cancelled lookup, and its error would be told to the caller.
                remember(self._row(tool, utterance.turn, outcome.text, now, request))
            self.post(ToolFinished(now, key))
        return outcome

    def _note(
        self,
        tool: Tool,
        request: ToolRequest,
        outcome: ToolOutcome | None = None,
        took_ms: int | None = None,
        turn: int | None = None,
    ) -> None:
        self.events.emit(
            ToolRun(
                name=tool.name,
                arguments=parse_arguments(request) or {},
                effect=tool.effect,
                id=request.id,
                what="finished" if outcome else "started",
                result=outcome.text if outcome else None,
                ok=outcome.ok if outcome else None,
                took_ms=took_ms,
                turn=turn,
            )
        )

    def _note_span(
        self, tool: Tool, began_ms: int, ended_ms: int, utterance: Utterance, ok: bool
    ) -> None:
        self.events.emit(
            Span(
                stage="tool",
                name=tool.name,
                began_ms=began_ms,
                ended_ms=ended_ms,
                turn=utterance.turn,
                epoch=utterance.epoch,
                ok=ok,
            )
        )
