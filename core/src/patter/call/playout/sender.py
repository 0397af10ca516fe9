"""The task around the playout: the only writer to a call's media leg.

Voices put audio under an epoch. This sends what is due, asks for marks, clears after a cut, and
reports to the turn engine what has become audible and what was heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from typing import TypeAlias

import attrs

from patter.aio import Begun
from patter.call.playout.gate import CutShort, Mark, Playout
from patter.call.turn.events import Audible, Heard, RanDry, TurnEvent
from patter.clock import CallClock
from patter.providers.carrier import MediaLeg, PromptLeg
from patter.providers.tts import SpokenWord
from patter.text.respelling import Respelled

# A leg that stalls longer than the carrier's reserve lasts is heard as silence.
SEND_S = 2.0
RETRY_MS = 50.0
# One frame of telephone audio: looking more often would show nothing new.
TAIL_MS = 20.0

_Sending: TypeAlias = tuple[MediaLeg, Begun[None]]


@attrs.define(eq=False)
class PlayoutSender:
    """One call's way out. Times are milliseconds of the call's clock.

    *post* posts to the turn engine. Each *on_sent(at_ms, audio)* learns when audio will be
    played, each *on_cut(at_ms)* that what was not is dropped. *on_first_heard(epoch, at_ms)*
    learns when the caller began to hear an utterance's own text, *on_wire(what, name)* what
    went to the leg.
    *on_cleared()* is called once the leg was told to clear after a cut, or cannot be told.
    *on_failure(leg, raised)*: nothing more is sent to *leg*, which raised, or stalled for
    `SEND_S`. With *retries* it is tried a second time first.
    """

    playout: Playout
    clock: CallClock
    post: Callable[[TurnEvent], None]
    on_first_heard: Callable[[int, float], None]
    on_sent: list[Callable[[float, bytes], None]] = attrs.field(factory=list)
    on_cut: list[Callable[[float], None]] = attrs.field(factory=list)
    on_wire: Callable[[str, str], None] | None = None
    on_cleared: Callable[[], None] | None = None
    on_failure: Callable[[MediaLeg, Exception], None] | None = None
    retries: bool = False
    _leg: MediaLeg | None = attrs.field(default=None, init=False)
    _prompt: PromptLeg | None = attrs.field(default=None, init=False)
    _clear: bool = attrs.field(default=False, init=False)
    _clear_sent: bool = attrs.field(default=False, init=False)
    _sending_since_ms: float | None = attrs.field(default=None, init=False)
    _begun: _Sending | None = attrs.field(default=None, init=False)
    _reported_audible: int = attrs.field(default=0, init=False)
    _reported_heard: int = attrs.field(default=0, init=False)
    _reported_first: int = attrs.field(default=0, init=False)
    _dry_ms: int | None = attrs.field(default=None, init=False)
    _plays_until: float = attrs.field(default=0.0, init=False)
    _sleeper: asyncio.Future[None] | None = attrs.field(default=None, init=False)
    _has_room: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    # --- called by whoever makes the audio

    def open(self, epoch: int) -> None:
        """Let *epoch* through from now on."""
        self.playout.open(epoch)
        self._dry_ms = None
        self._has_room.set()

    def say(self, epoch: int, text: str, spoken: Respelled | None = None) -> None:
        """What follows speaks *text*, which sounds like *spoken*."""
        self.playout.say(epoch, text, spoken)

    def transcribe(self, epoch: int) -> None:
        """What follows speaks words that are told beside it, by `extend`."""
        self.playout.transcribe(epoch)

    def extend(self, epoch: int, text: str) -> None:
        """What was begun speaks *text*, too."""
        self.playout.extend(epoch, text)

    def shorten(self, epoch: int, chars: int) -> None:
        """The last *chars* characters are not spoken after all."""
        self.playout.shorten(epoch, chars)

    def begin(self, epoch: int) -> None:
        """A new stream of the voice begins."""
        self.playout.begin(epoch)

    async def put(self, epoch: int, audio: bytes, words: Iterable[SpokenWord] = ()) -> bool:
        """Queue audio, waiting while the queue is full; False: the utterance is over."""
        if not self.playout.put(epoch, audio, words):
            return False
        self._send_at_once()
        while self.playout.gate == epoch and self.playout.room() <= 0:
            self._has_room.clear()
            await self._has_room.wait()
        return self.playout.gate == epoch

    def finish(self, epoch: int) -> None:
        """Nothing more belongs to *epoch*."""
        self.playout.finish(epoch)
        self._wake()

    # --- called by the turn engine

    def hold(self, epoch: int) -> None:
        self.playout.hold(epoch)

    def resume(self, epoch: int) -> None:
        self.playout.resume(epoch)
        self._wake()

    def cut(self, gate: int) -> tuple[CutShort, int]:
        """Close the gate and have the carrier cleared, before anything else is sent.

        With what came of the utterance: how many milliseconds of it exist but were not heard.
        """
        now = self.clock.ms()
        # First of all: what was heard can be reckoned while the carrier obeys.
        cleared = self._clears_at_once()
        waiting_ms = self.playout.queued_ms
        result = self.playout.cut(gate, now)
        self._clear_sent, self._clear = cleared or self._clear_sent, not cleared
        self._dry_ms = None
        self._dropped(now)
        if self._leg is None:
            self._cleared()
        self._wake()
        return result, round(waiting_ms + result.sent_ms - result.heard_ms)

    def _clears_at_once(self) -> bool:
        """Tell the leg to clear, where that needs no waiting and nothing is being sent."""
        if self._prompt is None or self._sending_since_ms is not None:
            return False
        try:
            return self._prompt.clear_now()
        except Exception:
            # It is asked again in the task, which reports what it raises.
            return False

    # --- the media leg

    def connect(self, leg: MediaLeg) -> None:
        """Send to *leg* from now on."""
        self._leg = leg
        self._prompt = leg if isinstance(leg, PromptLeg) else None
        self._wake()

    def disconnect(self) -> None:
        """The leg is gone, and what it had not played: that waits for the next."""
        now, self._leg, self._prompt = self.clock.ms(), None, None
        # What the leg has not taken yet was not heard meanwhile.
        self.playout.lost(now if self._sending_since_ms is None else self._sending_since_ms)
        self._dropped(now)
        self._cleared()
        self._wake()

    def mark_played(self, name: str) -> None:
        self.playout.mark_played(name, self.clock.ms())
        self._wake()

    # --- the task

    async def run(self) -> None:
        """Send and report until cancelled."""
        while True:
            self._note_cleared()
            while (begun := self._begun or self._begin()) is not None:
                await self._end(*begun)
            self._report()
            await self._sleep()

    def _send_at_once(self) -> None:
        """Write what is due before others have their turn; the task does what has to wait."""
        clears = self._clear_sent or self._clear
        if self._prompt is not None and self._sending_since_ms is None and not clears:
            self._begin()
        self._wake()

    def _begin(self) -> _Sending | None:
        """Begin to hand the leg what is due; None when nothing is, or it was taken at once."""
        if (leg := self._leg) is None:
            return None
        now, due = self.clock.ms(), self._due(leg)
        item = next(due, None)
        if item is None and not self._clear:
            return None
        self._sending_since_ms = now
        try:
            begun = Begun(self._send_all(leg, due, item))
        except Exception as raised:
            self._sending_since_ms = None
            self._failed(leg, raised)
            return None
        if begun.done:
            self._sending_since_ms = None
            return None
        self._begun = leg, begun
        return self._begun

    async def _end(self, leg: MediaLeg, begun: Begun[None]) -> None:
        """Wait until *leg* has taken what it was begun to be handed."""
        try:
            await begun.rest(SEND_S)
        except Exception as raised:
            self._failed(leg, raised)
        finally:
            self._sending_since_ms = self._begun = None

    def _failed(self, leg: MediaLeg, raised: Exception) -> None:
        # Another leg may have come while this one was asked again.
        if self._leg is leg:
            self.disconnect()
            if self.on_failure:
                self.on_failure(leg, raised)

    async def _send_all(
        self, leg: MediaLeg, due: Iterator[bytes | Mark], item: bytes | Mark | None
    ) -> None:
        if self._clear:
            await self._clear_leg(leg)
            due = self._due(leg)
            item = next(due, None)
        while item is not None:
            await self._send(leg, item)
            item = next(due, None)

    def _due(self, leg: MediaLeg) -> Iterator[bytes | Mark]:
        """What is due, for as long as *leg* may have it: what was taken counts as sent."""
        due = self.playout.due(self.clock.ms())
        while not self._clear and self._leg is leg and (item := next(due, None)) is not None:
            yield item

    def _note_cleared(self) -> None:
        """The leg was told to clear before anything else: now everybody may know."""
        if self._clear_sent:
            self._clear_sent = False
            self._wired("clear", "")
            if not self._clear:
                self._cleared()

    async def _ask(self, leg: MediaLeg, ask: Callable[[], Awaitable[None]]) -> None:
        """Ask *leg*, and once more if it may be asked twice and is still the call's."""
        try:
            await ask()
        except Exception:
            if self.retries:
                await self.clock.clock.sleep(RETRY_MS)
            if not self.retries or self._leg is not leg:
                raise
            await ask()

    async def _clear_leg(self, leg: MediaLeg) -> None:
        self._clear = False
        try:
            await self._ask(leg, leg.clear)
            self._wired("clear", "")
        finally:
            # Another cut while the leg was being told waits for its own clear.
            if not self._clear:
                self._cleared()

    async def _send(self, leg: MediaLeg, item: bytes | Mark) -> None:
        if isinstance(item, Mark):
            await self._ask(leg, partial(leg.mark, item.name))
            self._wired("mark", item.name)
            return
        at_ms = max(self._plays_until, self.clock.ms())
        self._plays_until = at_ms + self.playout.timing.ms_in(len(item))
        await self._ask(leg, partial(leg.send, item))
        if self._leg is leg and not self._clear:
            self.playout.arrived(item, self.clock.ms())
        for listener in self.on_sent:
            listener(at_ms, item)

    def _dropped(self, now: float) -> None:
        """What was to be played from *now* on will not be."""
        self._plays_until = min(self._plays_until, now)
        for listener in self.on_cut:
            listener(now)

    def _cleared(self) -> None:
        if self.on_cleared:
            self.on_cleared()

    def _wired(self, what: str, name: str) -> None:
        if self.on_wire:
            self.on_wire(what, name)

    def _report(self) -> None:
        playout, now = self.playout, self.clock.ms()
        epoch = playout.gate
        if self._reported_audible < epoch and playout.audible():
            self._reported_audible = epoch
            self.post(Audible(int(now), epoch))
        first_ms = playout.first_heard_ms(now) if self._reported_first < epoch else None
        if first_ms is not None:
            self._reported_first = epoch
            self.on_first_heard(epoch, first_ms)
        self._report_flow(playout, now, epoch)
        if self._reported_heard < epoch == playout.gate and playout.over(now):
            self._reported_heard = epoch
            self.post(Heard(int(now), epoch))
        if playout.room() > 0:
            self._has_room.set()

    def _report_flow(self, playout: Playout, now: float, epoch: int) -> None:
        """Tell when the caller begins to wait for more of an utterance, and when it comes."""
        if self._dry_ms is None:
            if self._reported_audible == epoch and playout.dry(now):
                self._dry_ms = playout.sent_ms
                self.post(RanDry(int(now), epoch))
        elif playout.sent_ms > self._dry_ms and playout.sends_own_text:
            self._dry_ms = None
            self.post(Audible(int(now), epoch))

    async def _sleep(self) -> None:
        if self._clear_sent or (self._clear and self._leg is not None):
            return
        wake_ms = self._first_ms(self._wake_ms())
        self._sleeper = asyncio.get_running_loop().create_future()
        timer = None
        if wake_ms is not None:
            timer = self.clock.at(wake_ms, self._wake)
        try:
            await self._sleeper
        finally:
            self._sleeper = None
            if timer:
                timer.cancel()

    def _wake_ms(self) -> float | None:
        """When to look again though nobody calls; None when there is nothing to see."""
        now, due_ms = self.clock.ms(), self.playout.wake_ms()
        first_unknown = self._reported_first < self._reported_audible == self.playout.gate
        waits = self._dry_ms is not None and not self.playout.finished
        nothing_comes = waits and not self.playout.queued_ms
        if due_ms is None or nothing_comes or self._reported_heard == self.playout.gate:
            return now + TAIL_MS if first_unknown else None
        if self._leg is None or due_ms <= now:
            return now + TAIL_MS
        return max(due_ms, now + 1.0)

    def _first_ms(self, wake_ms: float | None) -> float | None:
        """*wake_ms*, or sooner if the line would fall silent."""
        if self._leg is None or self.playout.ambience is None:
            return wake_ms
        fill_ms = self.playout.fill_ms()
        if fill_ms is None:
            return wake_ms
        fill_ms = max(fill_ms, self.clock.ms() + 1.0)
        return fill_ms if wake_ms is None else min(wake_ms, fill_ms)

    def _wake(self) -> None:
        self._has_room.set()
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)
