"""Plays the caller of a record to an agent: each act where it belongs in what that does now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from patter.observe.events import CallEvent, EngineStep, Row
from patter_testing.fakes.carrier import FakeLeg
from patter_testing.recorded.engine import RecordedEngine
from patter_testing.recorded.script import OWN_DEEDS, Act, Cue, Deed
from patter_testing.recorded.senses import RecordedSTT, RecordedVAD

FRAME_MS = 20.0
PATIENCE_MS = 20_000.0
"""How much longer than in the record the agent may take, until the caller goes on all the same."""


@attrs.define(eq=False)
class Player:
    """The caller on *leg*. A listener of the call's events, by which it knows what it hears.

    With *vendor_interrupts* an engine stops by itself where it did. *turn* is the turn that is
    answered, or was answered last.
    """

    leg: FakeLeg
    ears: RecordedSTT | RecordedEngine
    vad: RecordedVAD
    now_ms: Callable[[], float]
    vendor_interrupts: bool = True
    turn: int = attrs.field(default=0, init=False)
    _epoch: int = attrs.field(default=0, init=False)
    _began: list[float] = attrs.field(factory=list, init=False)
    _ended: list[float] = attrs.field(factory=list, init=False)
    _since_ms: float = attrs.field(default=-1.0, init=False)
    _over_ms: float = attrs.field(default=0.0, init=False)

    def __call__(self, event: CallEvent) -> None:
        """Note when the agent is heard, and when it no longer is."""
        match event:
            case EngineStep(input={"name": "Audible", "fields": {"epoch": int(epoch)}}):
                # An utterance that had run dry goes on; it did not begin there.
                if epoch != self._epoch:
                    self._epoch = epoch
                    self._began.append(event.at_ms)
            case EngineStep():
                thought = [each["fields"]["turn"] for each in event.effects if _thinks(each)]
                self.turn = thought[-1] if thought else self.turn
            case Row(role="agent") if event.heard_ms or event.text:
                self._ended.append(event.at_ms)

    @property
    def lost_track(self) -> str:
        """Why what was recorded no longer fits; empty while it does."""
        return self.ears.tape.lost_track if isinstance(self.ears, RecordedEngine) else ""

    @property
    def over(self) -> bool:
        """Has the agent hung up, or is there nothing left that fits?"""
        return self.leg.closed or bool(self.lost_track)

    async def play(self, acts: Sequence[Act]) -> None:
        """Do all of *acts*, unless it is `over` before."""
        for act in acts:
            await self._await_turn(act)
            if self.over:
                return
            await self._do(act)

    async def rests(self, ms: float) -> None:
        """Listen for *ms*, or until the agent has hung up."""
        until_ms = self.now_ms() + ms
        await self._silent_until(lambda: False, until_ms)

    async def _await_turn(self, act: Act) -> None:
        """Be silent until it is time for *act*."""
        give_up_ms = self.now_ms() + act.delay_ms + PATIENCE_MS
        await self._silent_until(lambda: self._is_due(act), give_up_ms)

    def _is_due(self, act: Act) -> bool:
        ended = [at_ms for at_ms in self._ended if at_ms > self._since_ms]
        if len(ended) < act.utterances:
            return False
        after_ms = max([self._over_ms, *ended])
        if act.during:
            # It is the next one after those that were heard out before.
            from_ms = max([self._over_ms, *ended[: act.utterances]])
            began = [at_ms for at_ms in self._began if at_ms >= from_ms]
            if not began:
                return False
            # An utterance that is over by now was shorter than it was then.
            after_ms = began[0] if len(ended) <= act.utterances else self.now_ms() - act.delay_ms
        return self.now_ms() >= after_ms + act.delay_ms

    async def _silent_until(self, happens: Callable[[], bool], limit_ms: float) -> None:
        while not (self.over or happens() or self.now_ms() >= limit_ms):
            await self._frame(min(FRAME_MS, max(1.0, limit_ms - self.now_ms())))

    async def _do(self, act: Act) -> None:
        began_ms = self._since_ms = self.now_ms()
        finals = [cue for cue in act.cues if cue.deed is Deed.WORDS and cue.final]
        self.ears.expect(len(finals))
        for cue in act.cues:
            due_ms = began_ms + cue.after_ms
            while not self.leg.closed and (left_ms := due_ms - self.now_ms()) > 0.5:
                await self._frame(min(FRAME_MS, left_ms))
            if cue.deed in OWN_DEEDS:
                # What was heard just before it did that is still on its way to the agent.
                await self.leg.clock.sleep(1.0)
            self._give(cue)
        self._over_ms = began_ms + act.over_ms

    def _give(self, cue: Cue) -> None:
        if isinstance(self.ears, RecordedEngine):
            self._give_to_engine(self.ears, cue)
        match cue.deed:
            case Deed.VOICE | Deed.SILENCE:
                self.vad.show(voice=cue.deed is Deed.VOICE, late_ms=cue.late_ms)
                # Told with the next audio, which is on its way already in the record's time.
                self.leg.speak(self.leg.audio.silence)
            case Deed.WORDS:
                self.ears.show(cue.text, final=cue.final)
            case Deed.TURN_END:
                self.ears.show_end()
            case Deed.TYPED:
                self.leg.type(cue.text)
            case Deed.KEY:
                self.leg.press(cue.text)
            case Deed.HANG_UP:
                self.leg.hang_up("caller")

    def _give_to_engine(self, engine: RecordedEngine, cue: Cue) -> None:
        match cue.deed:
            case Deed.VOICE | Deed.KEY | Deed.TYPED:
                engine.did()
            case Deed.ANSWERS:
                engine.answers(cue.text)
            case Deed.INTERRUPTED if self.vendor_interrupts:
                engine.interrupts()
            case Deed.LOST:
                engine.lose(cue.gone_ms)

    async def _frame(self, ms: float) -> None:
        audio = self.leg.audio
        self.leg.speak(audio.silence * (audio.bytes_in(ms) // audio.sample_bytes))
        await self.leg.clock.sleep(ms)


def _thinks(effect: Mapping[str, Any]) -> bool:
    return bool(effect["name"] == "Think")
