"""A whole call without a network: engine, gate, carrier and clock, one tick at a time.

The carrier plays what really arrives, so it knows what the caller really heard; everything
the gate claims is held against that.
"""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

import attrs

from patter.call.playout.gate import CutShort, Playout
from patter.call.playout.timing import Mark, PlayoutTiming
from patter.call.turn.effects import (
    Commit,
    Cut,
    Effect,
    Effects,
    Hold,
    Resume,
    Say,
    Think,
    WriteAgentRow,
)
from patter.call.turn.engine import step
from patter.call.turn.events import Audible, Heard, TimerFired, TurnEvent, UtteranceKind
from patter.call.turn.rules import TurnRules
from patter.call.turn.state import TurnState

from .watch import check_step

TICK_MS = 20
Item: TypeAlias = "bytes | Mark | None"
"""What goes over the wire: audio, a mark, or None for a clear."""


def pattern(epoch: int, start: int, size: int) -> bytes:
    """Audio whose every byte says which utterance it is of and where in it."""
    ramp = bytes(range(251)) * (size // 251 + 2)
    offset = (epoch * 37 + start) % 251
    return ramp[offset : offset + size]


@attrs.define
class Carrier:
    """Plays what arrives, *up_ms* late, and reports marks *down_ms* after playing them."""

    line: PlayoutTiming
    up_ms: int
    down_ms: int
    marks_back: bool = True
    wire: deque[tuple[float, Item, int]] = attrs.field(factory=deque)
    buffer: deque[tuple[bytes | Mark, int]] = attrs.field(factory=deque)
    returning: deque[tuple[float, str]] = attrs.field(factory=deque)
    played: dict[int, bytearray] = attrs.field(factory=dict)
    first_played_ms: dict[int, float] = attrs.field(factory=dict)

    def receive(self, now: float, item: Item, epoch: int) -> None:
        """Take something from the wire."""
        self.wire.append((now + self.up_ms, item, epoch))

    def tick(self, now: float) -> None:
        """Play one tick's worth of what has arrived."""
        while self.wire and self.wire[0][0] <= now:
            _, item, epoch = self.wire.popleft()
            if item is None:
                self._clear(now)
            else:
                self.buffer.append((item, epoch))
        self._play(now, int(TICK_MS * self.line.bytes_per_ms))

    def _clear(self, now: float) -> None:
        """Drop the buffer; its marks come back at once, as some carriers do."""
        for kept, _ in self.buffer:
            if isinstance(kept, Mark):
                self.returning.append((now + self.down_ms, kept.name))
        self.buffer.clear()

    def _play(self, now: float, room: int) -> None:
        while self.buffer:
            item, epoch = self.buffer[0]
            if isinstance(item, Mark):
                if self.marks_back:
                    self.returning.append((now + self.down_ms, item.name))
                self.buffer.popleft()
                continue
            if not room:
                return
            self.played.setdefault(epoch, bytearray()).extend(item[:room])
            self.first_played_ms.setdefault(epoch, now)
            self.buffer.popleft()
            if len(item) > room:
                self.buffer.appendleft((item[room:], epoch))
            room -= min(room, len(item))

    def truth(self, epoch: int) -> int:
        """Bytes of *epoch* the caller really heard."""
        return len(self.played.get(epoch, b""))


@attrs.define
class Row:
    """A row of the history: *number* is the caller's turn or the agent's epoch."""

    who: str
    number: int
    text: str


@attrs.define
class Call:
    """The performers of one call; every promise is checked as it runs."""

    rules: TurnRules = attrs.field(factory=TurnRules)
    line: PlayoutTiming = attrs.field(factory=PlayoutTiming)
    up_ms: int = 60
    down_ms: int = 40
    marks_back: bool = True
    now: int = 0
    state: TurnState = attrs.field(init=False)
    playout: Playout = attrs.field(init=False)
    carrier: Carrier = attrs.field(init=False)
    texts: dict[int, list[str]] = attrs.field(factory=dict)
    made: dict[int, int] = attrs.field(factory=dict)
    cut_short: CutShort | None = None
    history: list[Row] = attrs.field(factory=list)
    record: list[tuple[TurnEvent, Effects]] = attrs.field(factory=list)
    told: set[int] = attrs.field(factory=set)

    def __attrs_post_init__(self) -> None:
        self.state = TurnState(self.rules)
        self.playout = Playout(self.line)
        self.carrier = Carrier(self.line, self.up_ms, self.down_ms, self.marks_back)

    # --- the session

    def post(self, event: TurnEvent) -> Effects:
        """Step the engine and perform what it asks for."""
        after, effects = step(self.state, event)
        check_step(self.state, event, effects, after)
        self.state = after
        self.record.append((event, effects))
        for effect in effects:
            self.perform(effect)
        return effects

    def perform(self, effect: Effect) -> None:
        """Do what a session would do."""
        match effect:
            case Say(UtteranceKind.FILLER, _, epoch):
                self.speak(epoch, "", 400)
            case Think(_, epoch) | Say(_, _, epoch):
                self.playout.open(epoch)
            case Hold(epoch):
                self.playout.hold(epoch)
            case Resume(epoch):
                self.playout.resume(epoch)
            case Cut(_, _, gate):
                self._cut(gate)
            case Commit(turn, text, amends):
                if amends:
                    self.history = [
                        row for row in self.history if (row.who, row.number) != ("caller", turn)
                    ]
                self.history.append(Row("caller", turn, text))
            case WriteAgentRow(_, epoch, whole):
                self._write_row(epoch, whole)
            case _:
                pass

    def _cut(self, gate: int) -> None:
        self.cut_short = self.playout.cut(gate, self.now)
        self.carrier.receive(self.now, None, gate)
        spoken = " ".join(filter(None, (self.cut_short.heard_text, self.cut_short.unheard_text)))
        assert spoken == " ".join(self.texts.get(self.cut_short.epoch, [])), (
            "heard and unheard are all"
        )

    def _write_row(self, epoch: int, whole: bool) -> None:
        if whole:
            text = self.playout.text
        else:
            assert self.cut_short and self.cut_short.epoch == epoch
            text = self.cut_short.heard_text
        self.history.append(Row("agent", epoch, text))

    # --- mind and mouth

    def speak(self, epoch: int, text: str, ms: int) -> None:
        """First a text, then its audio."""
        size = int(ms * self.line.bytes_per_ms)
        start = self.made.get(epoch, 0)
        self.playout.say(epoch, text)
        if self.playout.put(epoch, pattern(epoch, start, size)):
            self.made[epoch] = start + size
            if text:
                self.texts.setdefault(epoch, []).append(text)

    def finish(self, epoch: int) -> None:
        """There is no more of it."""
        self.playout.finish(epoch)

    # --- time

    def run(self, ms: int) -> None:
        """Let time pass for everybody."""
        until = self.now + ms
        while self.now < until:
            self.now += TICK_MS
            self._fire_timers()
            for item in self.playout.due(self.now):
                self.carrier.receive(self.now, item, self.playout.gate)
            self.carrier.tick(self.now)
            self._return_marks()
            self._report()
            self._check()

    def _fire_timers(self) -> None:
        for name, at_ms in sorted(self.state.timers, key=lambda timer: timer[1]):
            if at_ms <= self.now:
                self.post(TimerFired(self.now, name))

    def _return_marks(self) -> None:
        returning = self.carrier.returning
        while returning and returning[0][0] <= self.now:
            self.playout.mark_played(returning.popleft()[1], self.now)

    def _report(self) -> None:
        """What the task around the gate tells the engine."""
        gate = self.playout.gate
        if self.playout.audible() and gate not in self.told:
            self.told.add(gate)
            self.post(Audible(self.now, gate))
        if self.playout.over(self.now) and self.state.reply and self.state.reply.epoch == gate:
            self.post(Heard(self.now, gate))

    # --- what must hold

    def _check(self) -> None:
        for epoch, audio in self.carrier.played.items():
            assert audio == pattern(epoch, 0, len(audio)), "no audio is lost or repeated"
        gate = self.playout.gate
        missed = abs(self.playout.heard(self.now) - self.carrier.truth(gate))
        missed_ms = missed / self.line.bytes_per_ms
        lost_ms = 0 if self.marks_back else self.line.mark_wait_ms
        assert missed_ms <= self.line.error_ms + lost_ms + TICK_MS, "the cursor keeps its bound"
        assert missed_ms <= self.playout.error_ms(self.now) + 2 * TICK_MS, "and says so itself"
        assert self.playout.queued_ms + self.playout.room() >= self.line.queue_ms
        for row in self.history:
            if row.who == "agent":
                said = " ".join(self.texts.get(row.number, []))
                assert said.startswith(row.text), "history holds nothing that was not said"
