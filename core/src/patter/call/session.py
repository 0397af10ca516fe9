"""One call: a scope that is entered when media comes and left when the call is over.

Everything the call needs runs in its one task group; nothing of it survives `run`. A leg may
be lost and another come: history and heard cursor go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import attrs
from msgspec.structs import replace

from patter.aio import task_scope
from patter.audio.formats import AudioFormat
from patter.call.call_recording import CallRecording
from patter.call.carrier_commands import CarrierCommands
from patter.call.consent import ask_consent
from patter.call.control import CURRENT_CALL, CallControl
from patter.call.fits import Fits
from patter.call.history import History
from patter.call.legs import AttachedLeg, Legs
from patter.call.link import LinkRules, as_patter_error
from patter.call.pipeline import Pipeline
from patter.call.plan import CallPlan
from patter.call.playout.gate import Playout
from patter.call.playout.sender import PlayoutSender
from patter.call.playout.timing import PlayoutTiming
from patter.call.prepared import PreparedCall
from patter.call.session_events import minutes_used, started
from patter.call.stt_link import STTLink
from patter.call.transfer import TRANSFERRED, CallerLocation, TransferState
from patter.call.turn.effects import Effect, EndCall, TransferCall
from patter.call.turn.events import (
    CallerHungUp,
    Connected,
    EndRequested,
    HearingLost,
    MachineDetected,
    TimerFired,
    TransferFailed,
    TurnEvent,
)
from patter.call.turn.state import Phase, TurnState
from patter.call.turn_driver import TurnDriver
from patter.call.turn_recorder import TurnRecorder
from patter.clock import CallClock
from patter.log_lines import CALL_ID
from patter.observe.call_events import CallEvents, Listener
from patter.observe.events import Wire, event_class
from patter.observe.meter import CallMeter
from patter.observe.pricing import Price
from patter.observe.summary import CallSummary
from patter.plugins.registry import PluginRegistry
from patter.providers.carrier import (
    CarrierLine,
    Dtmf,
    Hangup,
    LegEvent,
    LineFault,
    MarkPlayed,
    MediaLeg,
    StreamError,
    TypedText,
)
from patter.providers.context import CallContext

log = logging.getLogger("patter.call")
# Little can happen while it rings; a carrier that reports more is not believed.
EARLY = 16
# A ``once`` tool has begun something real, and ends by its own limit, which is 300 s at most; the
# caller is gone by then, and only the record waits.
TOOLS_S = 310.0
FAILED = frozenset({"failure", "internal", "stopped"})


@attrs.define(eq=False, kw_only=True)
class CallSession:
    """The session of *call* with the agent of *plan*.

    *listeners* are called with every event; *extensions* add scopes and listeners of their own.
    *recording*: a stereo WAV is written there; *carrier_recording*: the carrier records, too.
    *prepared*: what was opened while it rang. Make one inside a running loop.
    """

    plan: CallPlan
    call: CallContext
    carrier: CarrierLine | None = None
    listeners: Iterable[Listener] = ()
    extensions: PluginRegistry | None = None
    prices: Iterable[Price] = ()
    recording: Path | None = None
    carrier_recording: bool = False
    link_rules: LinkRules = attrs.field(factory=LinkRules)
    prepared: PreparedCall | None = None
    history: History = attrs.field(init=False)
    control: CallControl = attrs.field(init=False)
    events: CallEvents = attrs.field(init=False)
    clock: CallClock = attrs.field(init=False)
    _driver: TurnDriver = attrs.field(init=False)
    _turn_recorder: TurnRecorder = attrs.field(init=False)
    _meter: CallMeter = attrs.field(init=False)
    _commands: CarrierCommands = attrs.field(init=False)
    _recording: CallRecording = attrs.field(init=False)
    _transfers: TransferState = attrs.field(init=False)
    _legs: Legs = attrs.field(init=False)
    _over: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _reason: str = attrs.field(default="", init=False)
    _over_ms: int | None = attrs.field(default=None, init=False)
    _hearing_lost: bool = attrs.field(default=False, init=False)
    _machine: bool = attrs.field(default=False, init=False)
    _early: deque[TurnEvent] = attrs.field(factory=lambda: deque(maxlen=EARLY), init=False)
    _noted_start: bool = attrs.field(default=False, init=False)
    _noted_end: bool = attrs.field(default=False, init=False)
    _we_hang_up: bool = attrs.field(default=False, init=False)
    _pending_commands: set[asyncio.Task[None]] = attrs.field(factory=set, init=False)
    _tasks: asyncio.TaskGroup | None = attrs.field(default=None, init=False)
    pipe: Pipeline | None = attrs.field(default=None, init=False)
    _performers: dict[type[Effect], Any] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.clock = CallClock.start(self.call.clock)
        self.events = CallEvents(self.call.call_id, self.now_ms)
        self.history = History(self.plan.max_history)
        self._turn_recorder = TurnRecorder(self.events, self.history)
        self._meter = CallMeter(self.call.call_id, tuple(self.prices))
        self._commands = CarrierCommands(self.carrier, self.call.carrier_call_id, self.events)
        can = self._commands.can
        self._transfers = TransferState(self.events, self.history, can.transfer_result)
        self._legs = Legs(
            clock=self.call.clock,
            events=self.events,
            transfers=self._transfers,
            reconnects=can.reconnect,
            reconnect_ms=self.plan.reconnect_ms,
            post=self.post,
        )
        self._recording = CallRecording(
            self.recording, self.carrier_recording, self._commands, self.clock, self._run_command
        )
        self.control = CallControl(
            self.call,
            self.plan.transfer_allowed,
            self.carrier,
            self.events,
            self.post,
            rules=lambda: self._driver.state.rules,
            away=lambda: self._transfers.away,
            leaving=lambda: self._driver.state.to_be_transferred,
            recording=self._recording,
        )
        self._performers = {EndCall: self._hang_up, TransferCall: self._transfer}
        self._driver = TurnDriver(
            self.plan.rules,
            self.clock,
            self.events,
            self._performers,
            self._phase_changed,
            self._broken,
        )

    def now_ms(self) -> int:
        """The call's clock: milliseconds since this session was made."""
        return self.clock.now_ms()

    def post(self, event: TurnEvent) -> None:
        """Post an event to the turn engine; what comes while it rings waits for the media."""
        ringing = self._driver.state.phase is Phase.RINGING
        if ringing and not isinstance(event, Connected | CallerHungUp | EndRequested):
            self._early.append(event)
            return
        self._hearing_lost = self._hearing_lost or isinstance(event, HearingLost)
        if isinstance(event, MachineDetected) and not self._noted_end:
            self._machine = self._machine or not self._driver.state.doubts_machine
        self._turn_recorder.saw(event)
        self._driver.post(event)
        if isinstance(event, Connected):
            self._post_early()

    def _post_early(self) -> None:
        while self._early:
            self.post(replace(self._early.popleft(), at_ms=self.now_ms()))

    @property
    def conversation(self) -> TurnState:
        """Who speaks, and what is open, at this moment."""
        return self._driver.state

    @property
    def where(self) -> CallerLocation:
        """Who has the caller now."""
        return self._transfers.where

    async def attach(self, leg: MediaLeg) -> None:
        """Take *leg* as the call's media; return when the call is done with it.

        Raises WebhookVerificationError when the call is over, unless *leg* is its first.
        """
        await self._legs.attach(leg)

    async def run(self) -> CallSummary:
        """Live through the call. What fails becomes its summary, never an exception.

        Cancelled, it ends the call at once, as ``stopped``; the record is complete all the same.
        """
        if self.plan.consent:
            ask_consent(self.plan, self._recording, self.control)
        self.events.subscribe(self._meter)
        for listener in self.listeners:
            self.events.subscribe(listener)
        CURRENT_CALL.set(self.control)
        CALL_ID.set(self.call.call_id)
        try:
            await self._live()
        except Exception as raised:
            self._broken(raised)
            await self._hang_up_if_ours()
            if not self._noted_end:
                await self._settle()
        finally:
            self._finish("stopped")
            self._driver.stop()
            self.control.close()
            self._legs.release()
            self._note_ended()
            self.events.release()
            self.events.sensitivity.forget()
        return self._summed_up()

    # --- the call

    async def _live(self) -> None:
        first = await self._legs.next()
        if first is None:
            return
        try:
            async with AsyncExitStack() as scopes:
                if self.extensions is not None:
                    self._listen_for_extensions(self.extensions)
                    for scope in self.extensions.call_scopes(self.call):
                        await scopes.enter_async_context(scope)
                async with self._recording:
                    await self._converse(first)
        finally:
            first.done.set()

    async def _converse(self, first: AttachedLeg) -> None:
        fits = Fits.of(self.plan, first.leg.audio)
        sender = self._sender(first.leg.audio)
        self._note_started(fits)
        async with task_scope() as tasks, AsyncExitStack() as ending:
            ending.callback(self._driver.stop)  # tasks that end are joined by no new ones
            self._tasks = tasks
            self.pipe = pipeline = self._pipeline(fits, sender, tasks)
            self._performers.update(pipeline.performers())
            ending.callback(pipeline.audio_in.stop)
            take = partial(self._take, pipeline, sender)
            sender.connect(first.leg)
            self.post(Connected(self.now_ms()))
            self._recording.connect(first.leg.audio, self.recording)
            running = [
                tasks.create_task(self._watched(scope, name), name=name)
                for name, scope in (
                    ("sender", sender.run),
                    *pipeline.links(),
                    ("media", lambda: self._legs.read(first, sender, take)),
                )
            ]
            await self._over.wait()
            await self._wind_down(pipeline)
            for task in running:
                task.cancel()

    def _take(self, pipeline: Pipeline, sender: PlayoutSender, event: LegEvent) -> None:
        """What a caller says and presses who was handed over is not ours to hear."""
        away = self._transfers.away
        match event:
            case bytes():  # first, because nearly everything is audio
                if not away:
                    pipeline.audio_in.hear(event)
            case MarkPlayed(name):
                self.events.emit(Wire(what="played", name=name))
                sender.mark_played(name)
            case Dtmf(digit) if not away:
                self.control.key(digit)
            case TypedText(text) if not away:
                pipeline.typed(text)
            case LineFault(details):
                self.events.emit(Wire.fault(details))
            case StreamError(code, text):
                self.events.emit(Wire(what="error", name=code, text=text))
            case Hangup():
                self._legs.hung_up()

    def _deaf(self, raised: Exception) -> None:
        self._note_error(raised, "hearing")
        log.error("call %s: hearing failed", self.call.call_id, exc_info=raised)
        self.post(HearingLost(self.now_ms()))

    async def _watched(self, scope: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
        """A part that fails ends the call with an apology, if speech still works."""
        try:
            await scope()
        except Exception as raised:
            self._note_error(raised, name)
            log.exception("call %s: %s failed", self.call.call_id, name)
            if name == "sender":
                self._we_hang_up = True
                self._finish("internal")
            else:
                self.post(HearingLost(self.now_ms()))

    async def _wind_down(self, pipeline: Pipeline) -> None:
        """The caller is let go before tools that must not be cancelled are waited for."""
        pipeline.stop()
        await self._hang_up_if_ours()
        await self._legs.close()
        async with task_scope() as settling:
            settling.create_task(pipeline.toolbox.settle(TOOLS_S), name="tools")
            settling.create_task(self._settle(), name="carrier")
        self._note_ended()

    async def _settle(self) -> None:
        """What the carrier was asked comes to its end, and what it charged is known.

        Who was transferred is still on its line: nothing is charged yet.
        """
        if self._pending_commands:
            await asyncio.wait(self._pending_commands)
        if not self._transfers.taken:
            await self._commands.note_price()

    async def _hang_up_if_ours(self) -> None:
        if self._we_hang_up and not self._transfers.taken:
            self._we_hang_up = False
            await self._commands.hangup()

    # --- effects of the call itself

    def _hang_up(self, effect: EndCall) -> None:
        self._we_hang_up = True
        self._finish(effect.reason)

    def _transfer(self, effect: TransferCall) -> None:
        self._transfers.begin(effect.target)
        self._run_command(self._transferred(effect.target), "transfer")

    async def _transferred(self, target: str) -> None:
        """Whoever asked for it: where callers go is checked where they go."""
        try:
            request = self.control.transfer_request(target)
        except Exception as raised:
            refused = as_patter_error(raised, "transfer_allowed")
            self.events.error(refused, "transfer")
            self.post(TransferFailed(self.now_ms(), refused.message))
            return
        if not await self._commands.transfer(request):
            self.post(TransferFailed(self.now_ms(), "the carrier would not transfer the call"))

    def _run_command(self, asking: Coroutine[Any, Any, None], name: str) -> None:
        """Ask the carrier something beside the call; it is waited for at the end."""
        if self._tasks is None:
            asking.close()
            return
        task = self._tasks.create_task(asking, name=name)
        self._pending_commands.add(task)
        task.add_done_callback(self._pending_commands.discard)

    def _phase_changed(self, phase: Phase, event: TurnEvent) -> None:
        """The engine is in another phase: what follows for keys, legs and the end."""
        was_away = self._transfers.away
        self._transfers.phase_changed(phase, event)
        if phase is Phase.AWAY:
            self.control.stop_collecting()
        elif phase is Phase.OVER:
            self._ended(event)
        elif was_away:
            self._legs.restart_timeout()
            if self._hearing_lost:
                self.post(HearingLost(self.now_ms()))

    # --- the end

    def _ended(self, event: TurnEvent) -> None:
        if self._transfers.taken:
            self._finish(TRANSFERRED)
        elif isinstance(event, CallerHungUp) and self._legs.abandoned:
            self._we_hang_up = True
            self._finish("media_lost")
        else:
            leaves = event.name if isinstance(event, TimerFired) else self._reason
            self._finish("caller" if isinstance(event, CallerHungUp) else leaves)

    def _finish(self, reason: str) -> None:
        if self._over_ms is None:
            self._reason, self._over_ms = reason, self.now_ms()
        self._over.set()
        self._legs.end()

    def _broken(self, raised: Exception) -> None:
        log.error("call %s failed", self.call.call_id, exc_info=raised)
        self._note_started()
        self._note_error(raised, "session")
        self._we_hang_up = True
        self._finish("internal")

    def _summed_up(self) -> CallSummary:
        reached = "voicemail" if self._machine else "completed"
        outcome = "failed" if self._reason in FAILED else reached
        duration_ms = self.now_ms() if self._over_ms is None else self._over_ms
        return self._meter.summary(outcome=outcome, reason=self._reason, duration_ms=duration_ms)

    # --- notes

    def _note_started(self, fits: Fits | None = None) -> None:
        """Once; without *fits* of a call that ends before it could begin."""
        if not self._noted_start:
            self._noted_start = True
            self.events.emit(started(self.plan, self.call, fits.formats if fits else {}))

    def _note_usage(self, stt_link: STTLink) -> None:
        length_ms = self._over_ms or 0
        carrier = self.carrier.name if self.carrier is not None else ""
        for used in minutes_used(self.plan, carrier, stt_link.shares(length_ms), length_ms):
            self.events.emit(used)

    def _note_ended(self) -> None:
        if self._noted_end:
            return
        self._note_started()
        self._noted_end = True
        self._transfers.ended()
        if self.pipe is not None:
            self._note_usage(self.pipe.stt_link)
        self.events.release()
        self.events.emit(self._summed_up().event())

    def _note_error(self, raised: BaseException, where: str) -> None:
        self.events.error(as_patter_error(raised, where), where)

    # --- parts

    def _pipeline(self, fits: Fits, sender: PlayoutSender, tasks: asyncio.TaskGroup) -> Pipeline:
        return Pipeline(
            plan=self.plan,
            call=self.call,
            fits=fits,
            clock=self.call.clock,
            events=self.events,
            history=self.history,
            turn_recorder=self._turn_recorder,
            sender=sender,
            control=self.control,
            post=self.post,
            tasks=tasks,
            link_rules=self.link_rules,
            prepared=self.prepared,
            on_audio=(self.control.without_keys(self._recording.caller),) if self.recording else (),
            why=lambda: self._driver.event,
            state=lambda: self._driver.state,
            on_deaf=self._deaf,
        )

    def _sender(self, audio: AudioFormat) -> PlayoutSender:
        can = self._commands.can
        timing = PlayoutTiming(
            bytes_per_ms=audio.bytes_per_ms,
            sample_bytes=audio.sample_bytes,
            marks=can.marks,
            lead_ms=can.lead_ms,
            latency_ms=can.latency_ms,
        )
        return PlayoutSender(
            playout=Playout(timing),
            clock=self.clock,
            post=self.post,
            on_first_heard=self._turn_recorder.first_heard,
            on_sent=[self._recording.agent] if self.recording else [],
            on_cut=[self._recording.agent_cut] if self.recording else [],
            on_wire=lambda what, name: self.events.emit(Wire(what=what, name=name)),
            on_cleared=self.events.release,
            on_failure=self._legs.fail,
            retries=not can.reconnect,
        )

    def _listen_for_extensions(self, extensions: PluginRegistry) -> None:
        for kind, listeners in extensions.call_listeners(self.call).items():
            for listener in listeners:
                self.events.subscribe(listener, event_class(kind))
