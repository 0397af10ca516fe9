"""An engine's answer to a turn of the caller: its responses, and the tools between them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from functools import partial

import attrs

from patter.aio import task_scope
from patter.call.engine_speaker import EngineSpeaker
from patter.call.engine_voice import EngineResponse
from patter.call.failed_reply import note_empty
from patter.call.history import HistoryRow
from patter.call.turn_recorder import Utterance
from patter.errors import PatterError, ProviderError
from patter.providers.engine import EngineSession
from patter.providers.engine_events import ResponseCause
from patter.providers.llm import ToolRequest
from patter.tools.executor import ToolOutcome, failure


@attrs.define(eq=False)
class EngineAnswer:
    """The answer to the caller's turn *text*, as *utterance*."""

    speaker: EngineSpeaker
    utterance: Utterance
    text: str
    _running: dict[asyncio.Task[None], ToolRequest] = attrs.field(factory=dict, init=False)
    _requests: set[str] = attrs.field(factory=set, init=False)
    _wants_tools: bool = attrs.field(default=False, init=False)
    _cut: bool = attrs.field(default=False, init=False)

    async def run(self) -> None:
        """Play it to its end; failures are reported, never raised."""
        began_ms, ok = self.speaker.sender.clock.ms(), False
        try:
            async with task_scope() as tasks:
                await self._answer(tasks)
            ok = True
        except Exception as raised:
            self.speaker.failed(self.utterance, raised)
        finally:
            self._cut = True
            self.speaker.note_span(self.utterance, began_ms, ok)
        self.speaker.sender.finish(self.utterance.epoch)

    async def _answer(self, tasks: asyncio.TaskGroup) -> None:
        attempts = self.speaker.attempts
        for attempt in range(1, attempts + 1):
            try:
                if attempt > 1:
                    await self.speaker.fill_again(self.utterance)
                if await self._attempt(tasks, again=attempt > 1):
                    return
                if attempt < attempts:
                    note_empty(self.speaker.events)
            except PatterError as failed:
                unheard = self.utterance.stamps.first_audio is None
                if attempt == attempts or not (unheard and failed.passing):
                    raise
        raise ProviderError(
            f"{self.speaker.requests.voice.name} answered nothing, {attempts} times",
            fix="look at what it was asked, in the record, and at the engine's status",
        )

    async def _attempt(self, tasks: asyncio.TaskGroup, *, again: bool) -> bool:
        """False when it ended in order, and nothing was said or done."""
        response: EngineResponse | None = await self.speaker.requests.answer(self.text, again=again)
        ended = False
        while response is not None:
            self._wants_tools = False
            on_tool = partial(self._start_tool, tasks, response.session)
            ended = await self.speaker.play(self.utterance, response, on_tool)
            response = await self._after_tools() if self._wants_tools else None
        spoke = self.utterance.stamps.first_audio is not None
        return spoke or not ended or bool(self._requests)

    def _start_tool(
        self, tasks: asyncio.TaskGroup, session: EngineSession, request: ToolRequest
    ) -> None:
        """Tools run beside the response that asks for them, and beside each other.

        One of effect ``once`` waits for those before it, and those after it for it.
        """
        if request.id in self._requests:
            return
        self._wants_tools = True
        self._requests.add(request.id)
        is_once = self.speaker.toolbox.is_once
        before = [task for task, each in self._running.items() if is_once(request) or is_once(each)]
        work = self._run_tool(session, request, before)
        task = tasks.create_task(work, name=f"engine-tool-{request.id}")
        self._running[task] = request
        task.add_done_callback(lambda _: self._running.pop(task, None))

    async def _after_tools(self) -> EngineResponse:
        if self._running:
            await asyncio.wait(tuple(self._running))
        return await self.speaker.requests.voice.next(ResponseCause.TOOL)

    async def _run_tool(
        self,
        session: EngineSession,
        request: ToolRequest,
        before: Collection[asyncio.Task[None]],
    ) -> None:
        speaker, protected = self.speaker, False

        def remember(row: HistoryRow) -> None:
            speaker.history.add(row)
            if self._cut:
                # Whoever asked is gone; the vendor still waits, and the next answer tells it.
                speaker.requests.owe(request.id, ToolOutcome(row.text, True, {}))

        try:
            if before:
                await asyncio.wait(before)
            protected = speaker.toolbox.is_once(request)
            outcome = await speaker.toolbox.run(request, self.utterance, self._reassure, remember)
        except asyncio.CancelledError:
            self._cut = True
            if not protected:
                speaker.requests.owe(request.id, failure("the caller spoke on", {}))
            raise
        await speaker.requests.deliver(request.id, outcome, session)

    async def _reassure(self, text: str) -> None:
        await self.speaker.fill(self.utterance, text)
