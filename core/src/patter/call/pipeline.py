"""Ears, mind and mouth of one call, put together: what the engine asks for is done here.

Performing an effect never waits: replies are started as scopes of the call's task group, and
what has to be sent goes through the sender.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from random import Random
from typing import Any

import attrs

from patter.audio.convert import Converter, converter
from patter.audio.dtmf import tones
from patter.audio.fit import Fit, fit
from patter.audio.formats import AudioFormat
from patter.call.audio_in import AudioIn
from patter.call.control import CallControl
from patter.call.history import History
from patter.call.link import LinkRules, ReconnectPolicy
from patter.call.plan import CallPlan
from patter.call.playout.sender import PlayoutSender
from patter.call.reply import Answer, Speaker
from patter.call.stt_link import STTLink
from patter.call.toolbox import Toolbox
from patter.call.tts_link import TTSLink
from patter.call.turn.effects import (
    Commit,
    Cut,
    DigitsCollected,
    DiscardDraft,
    Draft,
    Effect,
    Finalize,
    Hold,
    Observe,
    Resume,
    Say,
    Think,
    WriteAgentRow,
)
from patter.call.turn.events import HearingLost, TurnEvent, UtteranceKind
from patter.call.turn_recorder import TurnRecorder, Utterance
from patter.clock import Clock
from patter.observe.call_events import CallEvents
from patter.observe.events import Note
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
    events: CallEvents
    history: History
    turn_recorder: TurnRecorder
    sender: PlayoutSender
    control: CallControl
    tell: Callable[[TurnEvent], None]
    tasks: asyncio.TaskGroup
    why: Callable[[], TurnEvent | None]
    link_rules: LinkRules = attrs.field(factory=LinkRules)
    on_audio: Callable[[float, bytes], None] | None = None
    audio_in: AudioIn = attrs.field(init=False)
    stt_link: STTLink = attrs.field(init=False)
    voice: TTSLink = attrs.field(init=False)
    toolbox: Toolbox = attrs.field(init=False)
    speaker: Speaker = attrs.field(init=False)
    _replies: dict[int, list[asyncio.Task[None]]] = attrs.field(factory=dict, init=False)
    _drafts: dict[int, Answer] = attrs.field(factory=dict, init=False)
    _texts: dict[int, str] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.stt_link = STTLink(
            self.plan.stt,
            self.call,
            self.fits.stt.sink,
            self._line("stt"),
            self._understood,
            lambda: self.tell(HearingLost(self.events.now_ms())),
        )
        self.audio_in = self._make_audio_in()
        self.voice = TTSLink(self.plan.tts, self.call, self.fits.tts.source, self._line("tts"))
        self.toolbox = Toolbox(self._tools(), self.call, self.events, self.tell, self.tasks)
        self.speaker = Speaker(
            self.plan,
            self.call,
            self.events,
            self.turn_recorder,
            self.history,
            self.sender,
            self.voice,
            self._voice_converter,
            self.toolbox,
            self.control,
            self.tell,
        )

    def performers(self) -> Mapping[type[Effect], Callable[[Any], None]]:
        """What to do for each effect that concerns the conversation."""
        return {
            Commit: self._commit,
            Think: self._think,
            Say: self._say,
            Draft: self._draft,
            DiscardDraft: self._discard,
            Finalize: lambda _: self.audio_in.finalize(),
            Hold: self._hold,
            Resume: self._resume,
            Cut: self._cut,
            WriteAgentRow: self._record,
            DigitsCollected: self.control.collected,
            Observe: self._note,
        }

    def stop(self) -> None:
        """Cancel every reply; ``once`` tools go on."""
        for tasks in self._replies.values():
            for task in tasks:
                self._stop(task)

    # --- effects

    def _commit(self, effect: Commit) -> None:
        self._texts = {effect.turn: effect.text}
        self.turn_recorder.committed(effect)

    def _think(self, effect: Think) -> None:
        self.sender.open(effect.epoch)
        said = self.turn_recorder.opened(effect.epoch, effect.turn, UtteranceKind.ANSWER)
        draft = self._drafts.pop(effect.epoch, None)
        if draft is not None:
            draft.release(said)
            return
        answer = Answer(self.speaker, said, self._texts.get(effect.turn, ""))
        self._start(effect.epoch, answer.run(), "reply")

    def _say(self, effect: Say) -> None:
        text = self.plan.phrases.text(effect.kind, effect.detail)
        if effect.kind is UtteranceKind.FILLER:
            said = Utterance(effect.epoch, effect.turn, effect.kind)
        else:
            self.sender.open(effect.epoch)
            said = self.turn_recorder.opened(effect.epoch, effect.turn, effect.kind)
        if effect.kind is UtteranceKind.TONES:
            self._start(effect.epoch, self._press(said, effect.detail), "tones")
        else:
            self._start(effect.epoch, self.speaker.script(said, text), effect.kind.value)

    async def _press(self, said: Utterance, name: str) -> None:
        """Keys are sound that nobody has to make and that has no words."""
        digits = self.control.to_press(name)
        try:
            if digits and await self.sender.put(said.epoch, tones(digits, self.fits.leg)):
                self.control.pressed(digits)
        except Exception as raised:
            self.speaker.failed(said, raised)
        self.sender.finish(said.epoch)

    def _draft(self, effect: Draft) -> None:
        said = Utterance(effect.epoch, effect.turn, UtteranceKind.ANSWER)
        answer = Answer(self.speaker, said, effect.text, draft=True)
        self._drafts[effect.epoch] = answer
        self._start(effect.epoch, answer.run(), "draft")

    def _discard(self, effect: DiscardDraft) -> None:
        self._drafts.pop(effect.epoch, None)
        self._cancel(effect.epoch)

    def _hold(self, effect: Hold) -> None:
        self.sender.hold(effect.epoch)
        self.turn_recorder.held(effect.epoch)

    def _resume(self, effect: Resume) -> None:
        self.sender.resume(effect.epoch)
        self.turn_recorder.resumed(effect.epoch)

    def _cut(self, effect: Cut) -> None:
        result, unheard_ms = self.sender.cut(effect.gate)
        self._cancel(effect.epoch)
        self.turn_recorder.cut(effect, result, unheard_ms, self.why())

    def _record(self, effect: WriteAgentRow) -> None:
        playout = self.sender.playout
        self.turn_recorder.recorded(effect, playout.text, playout.heard_ms(self.sender.clock.ms()))

    def _note(self, effect: Observe) -> None:
        self.events.emit(Note(what=effect.what, text=effect.text))

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
        self.audio_in.understood(event, base_ms)

    def _line(self, kind: str) -> ReconnectPolicy:
        provider = self.plan.names.get(kind, (kind, ""))[0]
        random = Random(f"{self.call.call_id}/{kind}")
        return ReconnectPolicy(kind, provider, self.clock, self.events, self.link_rules, random)

    def _make_audio_in(self) -> AudioIn:
        plan, fits = self.plan, self.fits
        filtered = fits.stt.source
        return AudioIn(
            audio=fits.leg,
            now=self.sender.clock.ms,
            tell=self.tell,
            stt_link=self.stt_link,
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
