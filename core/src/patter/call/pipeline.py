"""Ears, mind and mouth of one call, put together: what the engine asks for is done here.

Performing an effect never waits: replies are started as scopes of the call's task group, and
what has to be sent goes through the outlet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import attrs

from patter.audio.convert import Converter, converter
from patter.audio.dtmf import tones
from patter.audio.fit import Fit, fit
from patter.audio.formats import AudioFormat
from patter.call import cues as c
from patter.call.chronicle import Chronicle, Utterance
from patter.call.control import CallControl
from patter.call.ears import Ears
from patter.call.history import History
from patter.call.link import Lifeline, LinkRules
from patter.call.listening import Listening
from patter.call.outlet import Outlet
from patter.call.plan import CallPlan
from patter.call.reply import Answer, Speaker
from patter.call.toolbox import Toolbox
from patter.call.voice import Voice
from patter.clock import Clock
from patter.observe.events import EventType
from patter.observe.journal import Journal
from patter.providers.context import CallContext
from patter.providers.stt import STTEvent
from patter.tools.builtin import end_call_tool, transfer_call_tool
from patter.tools.tool import Tool

INSIST_MS = 1_000


@attrs.frozen(kw_only=True)
class Fits:
    """How the audio of one call gets from end to end."""

    leg: AudioFormat
    stt: Fit
    tts: Fit
    vad: Fit | None = None

    @classmethod
    def of(cls, plan: CallPlan, leg: AudioFormat) -> Fits:
        """The cheapest conversions between *leg* and the plan's providers."""
        heard = (leg,)
        if plan.audio_filter is not None:
            heard = (fit(heard, plan.audio_filter.accepts).sink,)
        return cls(
            leg=leg,
            stt=fit(heard, plan.stt.accepts),
            tts=fit(plan.tts.produces, (leg,)),
            vad=fit(heard, plan.vad.accepts) if plan.vad else None,
        )

    @property
    def formats(self) -> Mapping[str, str]:
        """What the line, the recogniser and the voice speak."""
        return {"leg": str(self.leg), "stt": str(self.stt.sink), "tts": str(self.tts.source)}


@attrs.define(eq=False, kw_only=True)
class Pipeline:
    """The performers of a call that listens, thinks and speaks with three providers."""

    plan: CallPlan
    call: CallContext
    fits: Fits
    clock: Clock
    journal: Journal
    history: History
    chronicle: Chronicle
    outlet: Outlet
    control: CallControl
    tell: Callable[[c.Event], None]
    tasks: asyncio.TaskGroup
    why: Callable[[], c.Event | None]
    link_rules: LinkRules = attrs.field(factory=LinkRules)
    on_audio: Callable[[float, bytes], None] | None = None
    ears: Ears = attrs.field(init=False)
    listening: Listening = attrs.field(init=False)
    voice: Voice = attrs.field(init=False)
    toolbox: Toolbox = attrs.field(init=False)
    speaker: Speaker = attrs.field(init=False)
    _replies: dict[int, list[asyncio.Task[None]]] = attrs.field(factory=dict, init=False)
    _drafts: dict[int, Answer] = attrs.field(factory=dict, init=False)
    _texts: dict[int, str] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.listening = Listening(
            self.plan.stt,
            self.call,
            self.fits.stt.sink,
            self._line("stt"),
            self._understood,
            lambda: self.tell(c.EarsLost(self.journal.now_ms())),
        )
        self.ears = self._make_ears()
        self.voice = Voice(self.plan.tts, self.call, self.fits.tts.source, self._line("tts"))
        self.toolbox = Toolbox(self._tools(), self.call, self.journal, self.tell, self.tasks)
        self.speaker = Speaker(
            self.plan,
            self.call,
            self.journal,
            self.chronicle,
            self.history,
            self.outlet,
            self.voice,
            self._voice_converter,
            self.toolbox,
            self.control,
            self.tell,
        )

    def performers(self) -> Mapping[type[c.Effect], Callable[[Any], None]]:
        """What to do for each effect that concerns the conversation."""
        return {
            c.Commit: self._commit,
            c.Think: self._think,
            c.Say: self._say,
            c.Draft: self._draft,
            c.Discard: self._discard,
            c.Finalize: lambda _: self.ears.finalize(),
            c.Hold: self._hold,
            c.Resume: self._resume,
            c.Cut: self._cut,
            c.Record: self._record,
            c.Digits: self.control.collected,
            c.Note: self._note,
        }

    def stop(self) -> None:
        """Cancel every reply; ``once`` tools go on."""
        for tasks in self._replies.values():
            for task in tasks:
                self._stop(task)

    # --- effects

    def _commit(self, effect: c.Commit) -> None:
        self._texts = {effect.turn: effect.text}
        self.chronicle.committed(effect)

    def _think(self, effect: c.Think) -> None:
        self.outlet.open(effect.epoch)
        said = self.chronicle.opened(effect.epoch, effect.turn, c.Kind.ANSWER)
        draft = self._drafts.pop(effect.epoch, None)
        if draft is not None:
            draft.release(said)
            return
        answer = Answer(self.speaker, said, self._texts.get(effect.turn, ""))
        self._start(effect.epoch, answer.run(), "reply")

    def _say(self, effect: c.Say) -> None:
        text = self.plan.script.text(effect.kind, effect.detail)
        if effect.kind is c.Kind.FILLER:
            said = Utterance(effect.epoch, effect.turn, effect.kind)
        else:
            self.outlet.open(effect.epoch)
            said = self.chronicle.opened(effect.epoch, effect.turn, effect.kind)
        if effect.kind is c.Kind.TONES:
            self._start(effect.epoch, self._press(said, effect.detail), "tones")
        else:
            self._start(effect.epoch, self.speaker.script(said, text), effect.kind.value)

    async def _press(self, said: Utterance, name: str) -> None:
        """Keys are sound that nobody has to make and that has no words."""
        digits = self.control.to_press(name)
        try:
            if digits and await self.outlet.put(said.epoch, tones(digits, self.fits.leg)):
                self.control.pressed(digits)
        except Exception as raised:
            self.speaker.failed(said, raised)
        self.outlet.finish(said.epoch)

    def _draft(self, effect: c.Draft) -> None:
        said = Utterance(effect.epoch, effect.turn, c.Kind.ANSWER)
        answer = Answer(self.speaker, said, effect.text, draft=True)
        self._drafts[effect.epoch] = answer
        self._start(effect.epoch, answer.run(), "draft")

    def _discard(self, effect: c.Discard) -> None:
        self._drafts.pop(effect.epoch, None)
        self._cancel(effect.epoch)

    def _hold(self, effect: c.Hold) -> None:
        self.outlet.hold(effect.epoch)
        self.chronicle.held(effect.epoch)

    def _resume(self, effect: c.Resume) -> None:
        self.outlet.resume(effect.epoch)
        self.chronicle.resumed(effect.epoch)

    def _cut(self, effect: c.Cut) -> None:
        result, unheard_ms = self.outlet.cut(effect.gate)
        self._cancel(effect.epoch)
        self.chronicle.cut(effect, result, unheard_ms, self.why())

    def _record(self, effect: c.Record) -> None:
        playout = self.outlet.playout
        self.chronicle.recorded(effect, playout.text, playout.heard_ms(self.outlet.now()))

    def _note(self, effect: c.Note) -> None:
        self.journal.note(EventType.NOTE, what=effect.what, text=effect.text)

    # --- parts

    def _start(self, epoch: int, scope: Coroutine[Any, Any, None], name: str) -> None:
        task = self.tasks.create_task(scope, name=f"{name}-{epoch}")
        self._replies.setdefault(epoch, []).append(task)
        task.add_done_callback(lambda done: self._forget(epoch, done))

    def _forget(self, epoch: int, task: asyncio.Task[None]) -> None:
        running = self._replies.get(epoch, [])
        if task in running:
            running.remove(task)
        if not running:
            self._replies.pop(epoch, None)

    def _cancel(self, epoch: int) -> None:
        for task in list(self._replies.get(epoch, ())):
            self._stop(task)

    def _stop(self, task: asyncio.Task[None]) -> None:
        """Cancel; a voice that clings to its reply is cancelled again a second later."""
        task.cancel()
        again = self.clock.at(self.clock.ms() + INSIST_MS, task.cancel)
        task.add_done_callback(lambda _: again.cancel())

    def _understood(self, event: STTEvent, base_ms: float) -> None:
        self.ears.understood(event, base_ms)

    def _line(self, kind: str) -> Lifeline:
        provider = self.plan.names.get(kind, (kind, ""))[0]
        return Lifeline(kind, provider, self.clock, self.journal, self.link_rules)

    def _make_ears(self) -> Ears:
        plan, fits = self.plan, self.fits
        filtered = fits.stt.source
        return Ears(
            audio=fits.leg,
            now=self.outlet.now,
            tell=self.tell,
            listening=self.listening,
            to_stt=converter(fits.stt.steps),
            vad=plan.vad.start(fits.vad.sink) if plan.vad and fits.vad else None,
            to_vad=converter(fits.vad.steps) if fits.vad else None,
            filter=plan.audio_filter.start(filtered) if plan.audio_filter else None,
            to_filter=converter(fit((fits.leg,), (filtered,)).steps),
            on_audio=self.on_audio,
            trusts_stt_voice=plan.vad is None and plan.rules.vad,
        )

    def _voice_converter(self) -> Converter:
        return converter(self.fits.tts.steps)

    def _tools(self) -> dict[str, Tool]:
        offered = [end_call_tool(self.control)]
        if self.control.can_transfer:
            offered.append(transfer_call_tool(self.control))
        return {tool.name: tool for tool in (*offered, *self.plan.tools)}
