"""Sums up the older part of a call's conversation, beside the call, by the agent's own model.

Nobody waits for it. Until a summary is there, and when none comes, the model reads everything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import attrs

from patter.call.call_hooks import CallHooks
from patter.call.compaction import CHARS_PER_TOKEN, CompactionConfig, Excess, excess
from patter.call.custom_llm import asks_function
from patter.call.history import History, Summary
from patter.call.link import as_patter_error
from patter.call.mind import ModelMind
from patter.call.note_prompts import INSTRUCTIONS
from patter.call.plan import CallPlan
from patter.call.turn_recorder import TurnRecorder
from patter.errors import ProviderError
from patter.llm.loop import ModelWaits, reply
from patter.observe.call_events import CallEvents
from patter.observe.events import Note
from patter.providers.context import CallContext
from patter.providers.llm import LLM, Message, ToolRequest, UsageChunk
from patter.text.stream import ThoughtStream, whole

SUMMARY_S = 30.0
"""How long a summary may take: the conversation grows meanwhile, and nobody waits."""
RETRY_MS, RETRY_MAX_MS = 30_000, 480_000
RESULT_CHARS = 2_000
"""How much of what a tool has found goes into the request."""


def compactor_of(plan: Callable[[], CallPlan], *parts: Any) -> Compactor | None:
    """What keeps the history of *plan*'s call short, if that is wanted; *parts* as there."""
    config = plan().compaction
    return None if config is None else Compactor(config, plan, *parts)


@attrs.define(eq=False)
class Compactor:
    """Keeps *history* short for the model of *plan()*, one summary at a time.

    After a failure it waits before it tries again, longer each time.
    """

    config: CompactionConfig
    plan: Callable[[], CallPlan]
    history: History
    call: CallContext
    events: CallEvents
    turn_recorder: TurnRecorder
    hooks: CallHooks
    tasks: asyncio.TaskGroup
    _running: asyncio.Task[None] | None = attrs.field(default=None, init=False)
    _failures: int = attrs.field(default=0, init=False)
    _retry_ms: int = attrs.field(default=0, init=False)

    @property
    def running(self) -> asyncio.Task[None] | None:
        """The summary in progress."""
        return self._running

    def check(self) -> None:
        """Begin a summary if the conversation has become too long; returns at once."""
        if self._running is not None or self.events.now_ms() < self._retry_ms:
            return
        if self.events.sensitivity.open:
            return  # a summary would keep what is to be forgotten
        plan = self.plan()
        if not isinstance(plan.mind, ModelMind) or asks_function(plan.mind.llm):
            return
        surplus = excess(self.history, plan.system_prompt, self.config)
        if surplus is not None:
            work = self._compact(plan, plan.mind.llm, surplus)
            self._running = self.tasks.create_task(work, name="compaction")
            self._running.add_done_callback(self._over)

    def _over(self, _: asyncio.Task[None]) -> None:
        self._running = None

    async def _compact(self, plan: CallPlan, llm: LLM, surplus: Excess) -> None:
        try:
            async with asyncio.timeout(SUMMARY_S):
                text = await self._summary(plan, llm, surplus)
        except Exception as raised:
            self._failed(raised)
            return
        self._failures = 0
        self.history.summary = Summary(text, surplus.rows[-1])
        rows = len(surplus.rows)
        self.events.emit(
            Note(what="compaction", text=f"{rows} rows of {surplus.shown_tokens} tokens summed up")
        )

    def _failed(self, raised: Exception) -> None:
        self._failures += 1
        wait_ms = min(RETRY_MAX_MS, RETRY_MS * 2 ** (self._failures - 1))
        self._retry_ms = self.events.now_ms() + wait_ms
        if self._failures == 1:
            reason = as_patter_error(raised, "the summary").message
            self.events.emit(Note(what="compaction_failed", text=reason))

    async def _summary(self, plan: CallPlan, llm: LLM, surplus: Excess) -> str:
        """The model's notes. Raises PatterError, and whatever else a provider raises."""
        request = await self._request(plan, surplus)
        most = surplus.summary_tokens * CHARS_PER_TOKEN
        text, name = "", plan.names.get("llm", ("llm", ""))
        waits = ModelWaits(round(SUMMARY_S * 1_000), plan.rules.reply_max_ms)
        items = reply(llm, request, (), self.call, _refuse, max_rounds=1, waits=waits)
        async with aclosing(items):
            async for item in items:
                if isinstance(item, UsageChunk):
                    self.turn_recorder.model_used(name, item)
                # Thoughts are not kept, and not endless.
                elif isinstance(item, str) and len(text) < 4 * most:
                    text += item
        notes = whole(ThoughtStream(), text).strip()
        if not notes:
            raise ProviderError("the summary was empty", fix="use another model, or no compaction")
        return notes if len(notes) <= most else notes[:most].rpartition(" ")[0] or notes[:most]

    async def _request(self, plan: CallPlan, surplus: Excess) -> tuple[Message, ...]:
        """The rows as text. What a hook keeps from the model is kept from the summary, too."""
        part = History(self.history.limit, list(surplus.rows)).messages(plan.system_prompt)
        if plan.hooks.before_llm is not None:
            part = await self.hooks.executor.run_before_llm(part, self.hooks.context)
        before = self.history.summary
        lines = [f"notes so far: {before.text}"] if before else []
        lines += [line for message in part if (line := _line(message))]
        # English takes about four words for three quarters of so many tokens; others take more.
        instructions = INSTRUCTIONS.format(words=surplus.summary_tokens // 2)
        return Message("system", instructions), Message("user", "\n".join(lines))


def _line(message: Message) -> str:
    match message.role:
        case "user":
            return f"caller: {message.text}"
        case "assistant":
            calls = (f"uses {call.name}({call.arguments})" for call in message.tool_calls)
            return "agent: " + " ".join(filter(None, (message.text, *calls)))
        case "tool":
            return f"{message.name} answers: {message.text[:RESULT_CHARS]}"
        case _:
            return ""


async def _refuse(_: ToolRequest) -> str:
    return "there are no tools here"
