"""The calls of one agent that is served: each gets its plan, its record and its session.

What a call shares with others is frozen in its `ServeContext`; what it has alone ends with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from patter.agent import Agent
from patter.aio import task_scope
from patter.call.mind import MessageHandler
from patter.call.plan import CallPlan
from patter.call.session import CallSession
from patter.call.turn.events import TurnEvent
from patter.errors import PatterError, PatterTypeError, indefinite
from patter.observe.call_events import Listener
from patter.observe.call_log import CallLog, CallLogWriter
from patter.observe.meter import CallMeter
from patter.observe.pricing import Price
from patter.observe.recorder import NAME as RECORDING
from patter.observe.summary import CallSummary
from patter.parts import AgentParts
from patter.phone.callbacks import LIMIT_S, CallbackDispatcher, Callbacks, called
from patter.phone.no_media import settled, write_down
from patter.phone.pending_calls import AgentAndParts, PendingCalls
from patter.plugins.kinds import LLM_KIND
from patter.plugins.registry import PluginRegistry
from patter.providers.carrier import Carrier, CarrierLine, MediaLeg
from patter.providers.context import CallContext
from patter.server.calls import CallEntry
from patter.text.variables import clean_all

log = logging.getLogger("patter.phone.serving")
_PROVIDERS = frozenset({"stt", "tts", "llm"})
OVERRIDABLE = _PROVIDERS | {
    "first_message",
    "language",
    "model",
    "system_prompt",
    "tools",
    "variables",
    "voice",
}
"""What a dict that on_call_start returns may replace."""
OTHERS = 16
"""Agents of placed calls whose parts are kept: one of a campaign is resolved once."""


@attrs.define(eq=False, kw_only=True)
class ServeContext:
    """Everything the calls of one `serve` share. *log* None keeps no records.

    *recording* keeps our WAV of each call, *carrier_recording* has the carrier record it.
    *line* is set when the server has opened it, before the first call; the rest stays.
    """

    agent: Agent
    parts: AgentParts
    registry: PluginRegistry
    carrier: Carrier | None = None
    line: CarrierLine | None = None
    callbacks: Callbacks = attrs.field(factory=Callbacks)
    brain: MessageHandler | None = None
    log: CallLog | None = None
    recording: bool = False
    carrier_recording: bool = False
    prices: tuple[Price, ...] = ()
    listeners: tuple[Listener, ...] = ()
    placed: PendingCalls = attrs.field(factory=PendingCalls, init=False, repr=False)
    _stories: dict[str, CallbackDispatcher] = attrs.field(factory=dict, init=False, repr=False)
    _others: deque[AgentAndParts] = attrs.field(
        factory=lambda: deque(maxlen=OTHERS), init=False, repr=False
    )

    def answer(self, call: CallContext) -> AgentCall:
        """The session of *call*, not begun."""
        return AgentCall(self, attrs.evolve(call, agent=self._cast_of(call).agent.name))

    def cast(self, agent: Agent | None, said: Mapping[str, Any]) -> AgentAndParts:
        """*agent*, or the served one, with its parts; *said* are fields that are replaced.

        Raises AgentError.
        """
        known = self._served if agent is None or agent is self.agent else self._other(agent)
        return attrs.evolve(known, agent=attrs.evolve(known.agent, **said)) if said else known

    async def ended(self, entry: CallEntry) -> None:
        """Tell whoever waits, and on_call_end, of a call that is over, had it media or not."""
        context = CallContext(call_id=entry.call_id)
        story = self._stories.pop(entry.call_id, None) or CallbackDispatcher(context)
        if not story.over:
            entry = settled(entry)
            await self._write_down(entry)
        self.placed.ended(entry, story.history())
        if self.callbacks.on_call_end is not None:
            data = story.end_data(entry, context.clock.wall())
            await called("on_call_end", self.callbacks.on_call_end, entry.call_id, data)

    def story(self, call: CallContext) -> CallbackDispatcher:
        """What will be told of *call*; kept until it `ended`."""
        meter = CallMeter(call.call_id, self.prices) if self.callbacks.on_metrics else None
        story = CallbackDispatcher(call, self.callbacks, meter, began=call.clock.wall())
        self._stories[call.call_id] = story
        return story

    async def planned(self, story: CallbackDispatcher) -> CallPlan:
        """The plan of a call: the agent's, with what on_call_start changes for this one."""
        changes: Mapping[str, Any] = {}
        if self.callbacks.on_call_start is not None:
            start, call_id = self.callbacks.on_call_start, story.call.call_id
            answer = await called("on_call_start", start, call_id, story.start_data())
            changes = answer or {}
        try:
            return self._plan(story.call, changes)
        except PatterError as problem:
            log.error("call %s: on_call_start changes nothing: %s", story.call.call_id, problem)
            return self._plan(story.call, {})

    async def _write_down(self, entry: CallEntry) -> None:
        """Keep the record of a call without a session, which would have kept it."""
        if self.log is not None and not await write_down(entry, self.log, self.placed.clock):
            log.warning("call %s: its record is not complete yet", entry.call_id)

    @property
    def _served(self) -> AgentAndParts:
        return AgentAndParts(agent=self.agent, parts=self.parts, brain=self.brain)

    def _other(self, agent: Agent) -> AgentAndParts:
        """An agent that is not the served one; the parts of the last few are kept."""
        if (known := next((each for each in self._others if each.agent is agent), None)) is None:
            brain = self.brain if self.registry.chosen(LLM_KIND, agent.llm) is None else None
            parts = agent.gather(self.registry, carrier=self.carrier, brain=brain is not None)
            known = AgentAndParts(agent=agent, parts=parts, brain=brain)
            self._others.append(known)
        return known

    def _cast_of(self, call: CallContext) -> AgentAndParts:
        return self.placed.cast(call.call_id) or self._served

    def _plan(self, call: CallContext, changes: Mapping[str, Any]) -> CallPlan:
        variables = {**clean_all(call.variables), **(_checked(changes).get("variables") or {})}
        told = {name: value for name, value in changes.items() if name != "variables"}
        cast = self._cast_of(call)
        if told:
            agent = attrs.evolve(cast.agent, **told)
            cast = attrs.evolve(cast, agent=agent, parts=self._parts(cast, agent, told))
        return cast.agent.plan(
            self.registry, on_message=cast.brain, variables=variables, parts=cast.parts
        )

    def _parts(self, cast: AgentAndParts, agent: Agent, told: Mapping[str, Any]) -> AgentParts:
        """The providers of one call: those there are, unless it names others."""
        if _PROVIDERS.isdisjoint(told):
            return agent.adopt(self.registry, cast.parts)
        return agent.gather(self.registry, carrier=self.carrier, brain=cast.brain is not None)


def _checked(changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """*changes*, if a call can be changed so. Raises PatterTypeError."""
    if not isinstance(changes, Mapping):
        raise PatterTypeError(
            f"on_call_start returned {indefinite(type(changes).__name__)}",
            fix="return a dict, or None",
        )
    if unknown := sorted(set(changes) - OVERRIDABLE):
        raise PatterTypeError(
            f"a call cannot be given another {', '.join(unknown)}",
            fix=f"return some of {', '.join(sorted(OVERRIDABLE))}",
        )
    return changes


@attrs.define(eq=False)
class AgentCall:
    """One call that the agent takes: a `Session` that is planned before its session begins."""

    desk: ServeContext
    call: CallContext
    _session: CallSession | None = attrs.field(default=None, init=False)
    _begun: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _early: list[TurnEvent] = attrs.field(factory=list, init=False)

    async def run(self) -> CallSummary:
        record: CallLogWriter | None = None
        try:
            self.call = await self.desk.placed.named(self.call)
            story = self.desk.story(self.call)
            plan = await self.desk.planned(story)
            self.call = attrs.evolve(self.call, language=plan.language)
            if self.desk.log is not None:
                record = self.desk.log.open(self.call.call_id, self.call.clock.wall())
            session = self._begin(plan, story, record)
            return await _told(session, story)
        finally:
            self._begun.set()
            if record is not None and not await record.finish():
                log.warning("call %s: its record is not complete yet", self.call.call_id)

    async def attach(self, leg: MediaLeg) -> None:
        await self._begun.wait()
        if self._session is not None:
            await self._session.attach(leg)

    def tell(self, cue: TurnEvent) -> None:
        if self._session is None:
            self._early.append(cue)
        else:
            self._session.tell(cue)

    def now_ms(self) -> int:
        return 0 if self._session is None else self._session.now_ms()

    def _begin(
        self, plan: CallPlan, story: CallbackDispatcher, record: CallLogWriter | None
    ) -> CallSession:
        desk = self.desk
        recording: Path | None = None
        if desk.recording and record is not None:
            recording = record.directory / RECORDING
            story.recording_path = str(recording)
        heard: tuple[Listener, ...] = (story, *desk.listeners)
        session = CallSession(
            plan=plan,
            call=self.call,
            carrier=desk.line,
            listeners=heard if record is None else (record, *heard),
            extensions=desk.registry,
            prices=desk.prices,
            recording=recording,
            carrier_recording=desk.carrier_recording,
        )
        self._session = session
        for cue in self._early:
            session.tell(cue)
        self._begun.set()
        return session


async def _told(session: CallSession, story: CallbackDispatcher) -> CallSummary:
    """Run *session* while *story* is told; what is left to tell at its end is bounded."""
    async with task_scope() as tasks:
        telling = tasks.create_task(story.tell(), name=f"callbacks-{story.call.call_id}")
        try:
            return await session.run()
        finally:
            story.finish()
            await asyncio.wait({telling}, timeout=LIMIT_S)
            telling.cancel()
