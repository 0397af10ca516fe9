"""A call at the terminal: the agent's own model, tools, guardrails, hooks and callbacks, in text.

It is a call like any other but for its two ends: what is typed is what the caller says, and what
the agent would say is printed. No recogniser, no voice and no carrier is asked for anything.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from typing import ClassVar

import attrs

from patter.agent import Agent
from patter.aio import task_scope
from patter.call.answering import MessageHandler
from patter.call.turn.events import Heard
from patter.client_pool import client_pool
from patter.observe.call_events import Listener
from patter.observe.events import CallEvent, EngineStep
from patter.observe.pricing import Price
from patter.observe.summary import CallSummary
from patter.phone.callbacks import CallbackDispatcher, Callbacks
from patter.phone.serving import AgentCall, ServeContext
from patter.phone.terminal import Terminal
from patter.phone.text_line import CARRIER, NAME, TextCarrier, TextLeg, WrittenEars, WrittenVoice
from patter.phone.text_session_commands import HELP, TestCommands
from patter.phone.text_session_lines import TestLines
from patter.plugins.kinds import (
    AUDIO_FILTER_KIND,
    ENGINE_KIND,
    LLM_KIND,
    STT_KIND,
    TTS_KIND,
    TURN_DETECTOR_KIND,
    VAD_KIND,
)
from patter.plugins.registry import PluginRegistry
from patter.providers.context import CallContext, Direction
from patter.server.calls import CallEntry, CallRequest, CallState

CALLER, CALLEE = "+15550000001", "+15550000002"
ANSWER_S = 120.0
"""How long the next line of a pipe waits for the answer to the one before."""
_FREE = tuple(
    Price(kind=kind, provider=provider, unit=unit, usd=0.0)
    for kind, provider, unit in (
        ("stt", NAME, "minutes"),
        ("tts", NAME, "characters"),
        ("carrier", CARRIER, "minutes"),
    )
)


@attrs.define(eq=False, kw_only=True)
class TestSession:
    """One call of *agent* in text, at *terminal*; `run` it inside a running loop.

    *on_message* answers instead of a model. *lines* makes what is printed of the call's events.
    """

    __test__: ClassVar = False

    agent: Agent
    registry: PluginRegistry
    callbacks: Callbacks = attrs.field(factory=Callbacks)
    on_message: MessageHandler | None = None
    prices: tuple[Price, ...] = ()
    terminal: Terminal = attrs.field(factory=Terminal)
    lines: TestLines = attrs.field(factory=TestLines)
    leg: TextLeg = attrs.field(factory=TextLeg, init=False)
    _answered: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    async def run(self) -> CallSummary:
        """Hold the conversation until one side hangs up, or there is nothing more to read.

        Raises AgentError when the agent has no part that thinks.
        """
        call = CallContext(
            call_id=f"test_{secrets.token_hex(6)}",
            caller=CALLER,
            callee=CALLEE,
            direction=Direction.TEST,
            carrier=CARRIER,
            agent=self.agent.name,
        )
        history = CallbackDispatcher(call, began=call.clock.wall())
        await self.registry.import_extensions()
        context = self._context((self._show, history))
        self.terminal.show(*self.lines.banner(HELP))
        try:
            async with client_pool(), context.mcp_tools.open(context.agent):
                return await self._live(context, call, history)
        finally:
            await self.terminal.finish()

    async def _live(
        self, context: ServeContext, call: CallContext, history: CallbackDispatcher
    ) -> CallSummary:
        agent_call, summary = context.answer(call), None
        try:
            async with task_scope() as tasks:
                commands = TestCommands(self.leg, agent_call, self.terminal, self.lines, history)
                beside = [
                    tasks.create_task(agent_call.attach(self.leg), name="test-leg"),
                    tasks.create_task(self._read(commands), name="test-terminal"),
                ]
                summary = await self._ended_call(agent_call, beside)
        finally:
            await context.ended(_entry(call, summary))
        self.terminal.show(*self.lines.end(summary))
        return summary

    async def _ended_call(
        self, agent_call: AgentCall, beside: list[asyncio.Task[None]]
    ) -> CallSummary:
        try:
            return await agent_call.run()
        finally:
            await self.leg.close()
            for task in beside:
                task.cancel()

    async def _read(self, commands: TestCommands) -> None:
        """Take line after line; the end of them is a hang-up."""
        if self.agent.first_message:
            await self._answer()
        async for line in self.terminal.lines():
            if self.leg.closed or self.leg.left:
                return
            if commands.takes(line) or not line.strip():
                continue
            self._answered.clear()
            self.terminal.show(*self.lines.caller(line, shown=self.terminal.interactive))
            self.leg.type(line.strip())
            await self._answer()
        self.leg.hang_up()

    async def _answer(self) -> None:
        """Who reads from a pipe waits for the answer; people may type whenever they like."""
        if self.terminal.interactive:
            return
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._answered.wait()
        except TimeoutError:
            self.terminal.show(f"no answer within {ANSWER_S:g} s")

    def _show(self, event: CallEvent) -> None:
        self.terminal.show(*self.lines.of(event))
        if isinstance(event, EngineStep) and event.input["name"] == Heard.__name__:
            self._answered.set()

    def _context(self, listeners: tuple[Listener, ...]) -> ServeContext:
        registry = self.registry.overriding(dict(self._replaced()))
        agent = attrs.evolve(self.agent, idle_ms=(), speak_after_ms=0, prewarm_first_message=False)
        parts = agent.gather(registry, has_handler=self.on_message is not None)
        registry.load_extensions()
        return ServeContext(
            agent=agent,
            parts=parts,
            registry=registry,
            line=TextCarrier(leg=self.leg),
            callbacks=self.callbacks,
            on_message=self.on_message,
            prices=(*self.prices, *_FREE),
            listeners=listeners,
        )

    def _replaced(self) -> Iterator[tuple[str, object]]:
        """The parts that text has no use for; an engine is its own ears and voice."""
        for kind in (VAD_KIND, TURN_DETECTOR_KIND, AUDIO_FILTER_KIND):
            yield kind.name, None
        if not self._has_engine():
            yield STT_KIND.name, WrittenEars()
            yield TTS_KIND.name, WrittenVoice()

    def _has_engine(self) -> bool:
        """Does it name an engine, or nothing at all, which means the default one?"""
        chosen = self.registry.chosen
        if chosen(ENGINE_KIND, self.agent.engine) is not None:
            return True
        named = ((STT_KIND, self.agent.stt), (TTS_KIND, self.agent.tts), (LLM_KIND, self.agent.llm))
        return self.on_message is None and all(chosen(kind, part) is None for kind, part in named)


def _entry(call: CallContext, summary: CallSummary | None) -> CallEntry:
    """The call as a registry would have it at its end."""
    request = CallRequest(
        carrier=CARRIER, direction=call.direction, caller=call.caller, callee=call.callee
    )
    return CallEntry(
        call_id=call.call_id, request=request, state=CallState.ENDED, epoch=1, summary=summary
    )
