"""The calls of one agent that is served: each gets its plan, its record and its session.

What calls share is in one `ServeContext`; what a call has alone ends with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import attrs

from patter.agent import Agent
from patter.aio import task_scope
from patter.audio.formats import AudioFormat
from patter.call.answering import MessageHandler
from patter.call.consent import asking
from patter.call.listen_in import AudioListener, listening
from patter.call.plan import CallPlan
from patter.call.prepared import PreparedCall
from patter.call.session import CallSession
from patter.call.turn.events import TurnEvent
from patter.errors import CallStateError, PatterError
from patter.observe.call_events import Listener
from patter.observe.call_log import CallLog, CallLogWriter
from patter.observe.pricing import Price
from patter.observe.recorder import NAME as RECORDING
from patter.observe.summary import CallSummary
from patter.parts import AgentParts
from patter.phone.call_changes import PROVIDERS, agent_fields, checked_changes
from patter.phone.call_feed import CallFeed
from patter.phone.call_records import CallRecords, settled
from patter.phone.callbacks import CallbackDispatcher, Callbacks
from patter.phone.delivery import LIMIT_S, Delivery, called
from patter.phone.event_bus import EventBus, PatterEventType
from patter.phone.mcp_tools import McpTools
from patter.phone.pending_calls import AgentAndParts, PendingCalls
from patter.phone.speech_events import SpeechEvents
from patter.plugins.kinds import LLM_KIND
from patter.plugins.registry import PluginRegistry
from patter.providers.carrier import Carrier, CarrierCapabilities, CarrierLine, MediaLeg
from patter.providers.context import CallContext
from patter.server.calls import CallEntry
from patter.text.variables import clean_all

log = logging.getLogger("patter.phone.serving")
START_S = 5.0
"""on_call_start may take so long: the caller hears nothing meanwhile."""
OTHERS = 16
"""Agents of outbound calls whose parts are kept, so that a campaign resolves its agent once."""


@attrs.define(eq=False, kw_only=True)
class ServeContext:
    """What the calls of one `serve` share. *log* None keeps no records.

    *recording* keeps our WAV of each call, *carrier_recording* has the carrier record it; with
    *asks_consent* only once the caller has agreed.
    *line* is set when the server has opened it, and *leg_audio*, what its media will speak, too.
    """

    agent: Agent
    parts: AgentParts
    registry: PluginRegistry
    carrier: Carrier | None = None
    line: CarrierLine | None = None
    leg_audio: AudioFormat | None = None
    callbacks: Callbacks = attrs.field(factory=Callbacks)
    on_message: MessageHandler | None = None
    log: CallLog | None = None
    recording: bool = False
    carrier_recording: bool = False
    asks_consent: bool = False
    prices: tuple[Price, ...] = ()
    listeners: tuple[Listener, ...] = ()
    speech: SpeechEvents = attrs.field(factory=SpeechEvents)
    bus: EventBus = attrs.field(factory=EventBus)
    pending_calls: PendingCalls = attrs.field(factory=PendingCalls, init=False, repr=False)
    records: CallRecords = attrs.field(init=False, repr=False)
    mcp_tools: McpTools = attrs.field(init=False, repr=False)
    _prepared: dict[str, PreparedCall] = attrs.field(factory=dict, init=False, repr=False)
    _dispatchers: dict[str, CallbackDispatcher] = attrs.field(factory=dict, init=False, repr=False)
    _others: deque[AgentAndParts] = attrs.field(
        factory=lambda: deque(maxlen=OTHERS), init=False, repr=False
    )

    def __attrs_post_init__(self) -> None:
        self.records = CallRecords(self.log, self.pending_calls.clock)
        self.mcp_tools = McpTools(self.registry)

    def answer(self, call: CallContext) -> AgentCall:
        """Make the session of *call*; its `run` begins it."""
        prepared = self._prepared.pop(call.call_id, None)
        call = attrs.evolve(call, agent=self._agent_of(call).agent.name)
        return AgentCall(self, call, prepared)

    def prepare(self, call: CallContext) -> PreparedCall | None:
        """Get ready for *call*, which rings, by what is known of it so far. Raises PatterError."""
        if self.leg_audio is None:
            return None
        plan = self._plan(call, {})
        call = attrs.evolve(call, agent=plan.agent, language=plan.language)
        prepared = self._prepared[call.call_id] = PreparedCall(
            plan, call, self.leg_audio, self.carrier_can
        )
        return prepared

    @property
    def carrier_can(self) -> CarrierCapabilities:
        """What the carrier can do; nothing, without one."""
        return self.line.can if self.line is not None else CarrierCapabilities()

    def resolve(self, agent: Agent | None, overrides: Mapping[str, Any]) -> AgentAndParts:
        """*agent*, or the served one, with its parts; *overrides* are fields that are replaced.

        Raises AgentError.
        """
        pair = self._served if agent is None or agent is self.agent else self._other(agent)
        return (
            attrs.evolve(pair, agent=attrs.evolve(pair.agent, **overrides)) if overrides else pair
        )

    async def ended(self, entry: CallEntry) -> None:
        """Report the end of a call, with media or without, to `Patter.call` and on_call_end."""
        call = CallContext(call_id=entry.call_id)
        self._prepared.pop(entry.call_id, None)
        dispatcher = self._dispatchers.pop(entry.call_id, None) or CallbackDispatcher(call)
        if dispatcher.ending is not None:
            # The server may know less: of a call that it cut, only that it did.
            summary = CallSummary.of(entry.call_id, dispatcher.ending)
            entry = attrs.evolve(entry, summary=summary)
        else:
            # No session has reported the end: the call had no media, or its session broke.
            entry = settled(entry)
            await self.records.end(entry)
        metrics = dispatcher.metrics(entry.summary)
        self.pending_calls.ended(entry, dispatcher.history(), metrics)
        if self.callbacks.on_call_end is not None:
            data = dispatcher.end_data(entry, call.clock.wall())
            await called("on_call_end", self.callbacks.on_call_end, entry.call_id, data)
        for each in self.bus.subscriptions(PatterEventType.CALL_ENDED):
            ending = {"call_id": entry.call_id, "metrics": metrics}
            await called("a listener of call_ended", each.callback, entry.call_id, ending)

    def dispatcher_for(self, call: CallContext) -> CallbackDispatcher:
        """The dispatcher of the callbacks of *call*; kept until it `ended`."""
        began = call.clock.wall()
        delivery = Delivery(call.call_id)
        dispatcher = CallbackDispatcher(call, self.callbacks, self.prices, began, delivery=delivery)
        wanted = self.callbacks.on_metrics is not None or self.callbacks.on_call_end is not None
        if wanted or self.pending_calls.is_waited_for(call.call_id):
            dispatcher.keep_figures()
        self._dispatchers[call.call_id] = dispatcher
        return dispatcher

    async def plan_for(self, dispatcher: CallbackDispatcher) -> CallPlan:
        """The plan of a call: the agent's, changed by what on_call_start returns."""
        changes: Mapping[str, Any] = {}
        if self.callbacks.on_call_start is not None:
            start, call_id = self.callbacks.on_call_start, dispatcher.call.call_id
            data = dispatcher.start_data()
            changes = await called("on_call_start", start, call_id, data, START_S) or {}
        try:
            return self._plan(dispatcher.call, changes)
        # A mistake in the callback must not cost the caller the call: it runs unchanged.
        except Exception as problem:
            log.error(
                "call %s: on_call_start changes nothing: %s",
                dispatcher.call.call_id,
                problem,
                exc_info=None if isinstance(problem, PatterError) else problem,
            )
            return self._plan(dispatcher.call, {})

    @property
    def _served(self) -> AgentAndParts:
        return AgentAndParts(agent=self.agent, parts=self.parts, on_message=self.on_message)

    def _other(self, agent: Agent) -> AgentAndParts:
        """An agent other than the served one; the parts of the last few are kept."""
        if (pair := next((each for each in self._others if each.agent is agent), None)) is None:
            on_message = (
                self.on_message if self.registry.chosen(LLM_KIND, agent.llm) is None else None
            )
            parts = agent.gather(
                self.registry, carrier=self.carrier, has_handler=on_message is not None
            )
            pair = AgentAndParts(agent=agent, parts=parts, on_message=on_message)
            self._others.append(pair)
        return pair

    def _agent_of(self, call: CallContext) -> AgentAndParts:
        return self.pending_calls.agent_of(call.call_id) or self._served

    def _plan(self, call: CallContext, changes: Mapping[str, Any]) -> CallPlan:
        # Variables of a call that came in are its caller's, and are cleaned; those of a call that
        # was placed here, and those that on_call_start returns, are the application's own.
        passed = clean_all(call.variables)
        returned = (checked_changes(changes).get("variables") or {}) if changes else {}
        placed = self.pending_calls.agent_of(call.call_id) is not None
        fields = agent_fields(changes, self.registry) if changes else {}
        pair = self._agent_of(call)
        if fields:
            agent = attrs.evolve(pair.agent, **fields)
            pair = attrs.evolve(pair, agent=agent, parts=self._parts(pair, agent, fields))
        plan = pair.agent.plan(
            self.registry,
            on_message=pair.on_message,
            variables={**passed, **returned} if placed else returned,
            caller_variables={} if placed else passed,
            parts=pair.parts,
        )
        plan = asking(plan) if self.asks_consent else plan
        needed = pair.agent.mcp_servers or pair.agent.handoffs
        return self.mcp_tools.added(plan, pair.agent) if needed else plan

    def _parts(self, pair: AgentAndParts, agent: Agent, fields: Mapping[str, Any]) -> AgentParts:
        """The providers of one call: those of *pair*, unless *fields* name others."""
        if PROVIDERS.isdisjoint(fields):
            return agent.adopt(self.registry, pair.parts)
        return agent.gather(
            self.registry, carrier=self.carrier, has_handler=pair.on_message is not None
        )


@attrs.define(eq=False)
class AgentCall:
    """One call of the agent: a `Session` whose plan is made before the `CallSession` begins."""

    context: ServeContext
    call: CallContext
    prepared: PreparedCall | None = None
    _session: CallSession | None = attrs.field(default=None, init=False)
    _begun: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _early_events: list[TurnEvent] = attrs.field(factory=list, init=False)

    async def run(self) -> CallSummary:
        record, dispatcher = None, None
        try:
            self.call = await self.context.pending_calls.named(self.call)
            dispatcher = self.context.dispatcher_for(self.call)
            plan = await self.context.plan_for(dispatcher)
            self.call = attrs.evolve(self.call, language=plan.language)
            record = self.context.records.of(self.call)
            session = self._begin(plan, dispatcher, record)
            feed = CallFeed(session, dispatcher, self.context.speech, self.context.bus)
            return await _run_with_callbacks(session, dispatcher, feed)
        finally:
            # Also when there is no session: `attach` waits for this, and its leg is let go.
            self._begun.set()
            # Without the session's word, `ended` still has to write what became of the call.
            if record is not None and dispatcher is not None and dispatcher.over:
                await self.context.records.finish(record, self.call.call_id)

    async def attach(self, leg: MediaLeg) -> None:
        # Media comes while on_call_start still runs; it may take as long as a callback may.
        await self._begun.wait()
        if self._session is not None:
            await self._session.attach(leg)

    def post(self, event: TurnEvent) -> None:
        if self._session is None:
            self._early_events.append(event)
        else:
            self._session.post(event)

    def listen(self, listener: AudioListener) -> AbstractContextManager[AudioFormat]:
        """Let *listener* hear the call while inside. Raises CallStateError before it has media."""
        pipe = None if self._session is None else self._session.pipe
        if pipe is None:
            raise CallStateError("the call has no media yet", fix="listen when it was answered")
        return listening(pipe, listener)

    def now_ms(self) -> int:
        return 0 if self._session is None else self._session.now_ms()

    def _begin(
        self, plan: CallPlan, dispatcher: CallbackDispatcher, record: CallLogWriter | None
    ) -> CallSession:
        context = self.context
        recording: Path | None = None
        if context.recording and record is not None:
            recording = record.directory / RECORDING
            dispatcher.recording_path = str(recording)
        dispatcher.has_engine = plan.engine is not None
        figures = () if dispatcher.ledger is None else (dispatcher.ledger,)
        listeners: tuple[Listener, ...] = (*figures, dispatcher, *context.listeners)
        session = CallSession(
            plan=plan,
            call=self.call,
            carrier=context.line,
            listeners=listeners if record is None else (record, *listeners),
            extensions=context.registry,
            prices=context.prices,
            recording=recording,
            carrier_recording=context.carrier_recording,
            prepared=self.prepared,
        )
        self._session = session
        for event in self._early_events:
            session.post(event)
        self._begun.set()
        return session


async def _run_with_callbacks(
    session: CallSession, dispatcher: CallbackDispatcher, feed: CallFeed
) -> CallSummary:
    """Run *session* and its callbacks side by side; those left at its end have a bounded time."""
    async with task_scope() as tasks:
        name = f"callbacks-{dispatcher.call.call_id}"
        running = {
            tasks.create_task(each.run(), name=name)
            for each in (dispatcher.delivery, feed.delivery)
        }
        try:
            with feed.listening():
                return await session.run()
        finally:
            # Without the caller's consent there is no file.
            made = session.control.recording
            if made is not None and not made.exists:
                dispatcher.recording_path = ""
            dispatcher.delivery.finish()
            # As long as one callback may take, so that the last turn is still delivered.
            await asyncio.wait(running, timeout=LIMIT_S)
            for delivery in running:
                delivery.cancel()
