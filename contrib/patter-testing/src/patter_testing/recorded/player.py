"""Plays the caller of a record to an agent: each act where it belongs in what that does now."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from patter.observe.events import CallEvent, EngineStep, Row
from patter_testing.fakes.carrier import FakeLeg
from patter_testing.recorded.script import Act, Cue, Deed
from patter_testing.recorded.senses import RecordedSTT, RecordedVAD

FRAME_MS = 20.0
PATIENCE_MS = 20_000.0
"""How much longer than in the record the agent may take, until the caller goes on all the same."""


@attrs.define(eq=False)
class Player:
    """The caller on *leg*. A listener of the call's events, by which it knows what it hears."""

    leg: FakeLeg
    stt: RecordedSTT
    vad: RecordedVAD
    now_ms: Callable[[], float]
    _began: list[float] = attrs.field(factory=list, init=False)
    _ended: list[float] = attrs.field(factory=list, init=False)
    _since_ms: float = attrs.field(default=-1.0, init=False)
    _over_ms: float = attrs.field(default=0.0, init=False)

    def __call__(self, event: CallEvent) -> None:
        """Note when the agent is heard, and when it no longer is."""
        match event:
            case EngineStep() if event.input["name"] == "Audible":
                self._began.append(event.at_ms)
            case Row(role="agent") if event.heard_ms or event.text:
                self._ended.append(event.at_ms)

    async def play(self, acts: Sequence[Act]) -> None:
        """Do all of *acts*, unless the agent hangs up before."""
        for act in acts:
            await self._await_turn(act)
            if self.leg.closed:
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
            began = [at_ms for at_ms in self._began if at_ms >= self._over_ms]
            if not began:
                return False
            # An utterance that is over by now was shorter than it was then.
            after_ms = began[-1] if len(ended) <= act.utterances else self.now_ms() - act.delay_ms
        return self.now_ms() >= after_ms + act.delay_ms

    async def _silent_until(self, happens: Callable[[], bool], limit_ms: float) -> None:
        while not (self.leg.closed or happens() or self.now_ms() >= limit_ms):
            await self._frame(min(FRAME_MS, max(1.0, limit_ms - self.now_ms())))

    async def _do(self, act: Act) -> None:
        began_ms = self._since_ms = self.now_ms()
        finals = [cue for cue in act.cues if cue.deed is Deed.WORDS and cue.final]
        self.stt.expect(len(finals))
        for cue in act.cues:
            due_ms = began_ms + cue.after_ms
            while not self.leg.closed and (left_ms := due_ms - self.now_ms()) > 0.5:
                await self._frame(min(FRAME_MS, left_ms))
            self._give(cue)
        self._over_ms = self.now_ms()

    def _give(self, cue: Cue) -> None:
        match cue.deed:
            case Deed.VOICE | Deed.SILENCE:
                self.vad.show(voice=cue.deed is Deed.VOICE, late_ms=cue.late_ms)
                # Told with the next audio, which is on its way already in the record's time.
                self.leg.speak(self.leg.audio.silence)
            case Deed.WORDS:
                self.stt.show(cue.text, final=cue.final)
            case Deed.TURN_END:
                self.stt.show_end()
            case Deed.TYPED:
                self.leg.type(cue.text)
            case Deed.KEY:
                self.leg.press(cue.text)
            case Deed.HANG_UP:
                self.leg.hang_up("caller")

    async def _frame(self, ms: float) -> None:
        audio = self.leg.audio
        self.leg.speak(audio.silence * (audio.bytes_in(ms) // audio.sample_bytes))
        await self.leg.clock.sleep(ms)
