"""Builds the rows, turn latencies and barge-in events of one call.

The history for the model and the events for people are made of the same facts. It decides
nothing.
"""

from __future__ import annotations

import attrs

from patter.call.history import History, HistoryRow
from patter.call.plan import Name
from patter.call.playout.gate import CutShort
from patter.call.turn.effects import Commit, Cut, WriteAgentRow
from patter.call.turn.events import (
    BargeInVerdict,
    CallerWords,
    Digit,
    RanDry,
    TimerFired,
    TurnEvent,
    UtteranceKind,
    VoiceStarted,
    VoiceStopped,
)
from patter.observe.call_events import CallEvents
from patter.observe.events import BargeIn, Resumed, Row, Span, Turn, Usage, Wire
from patter.observe.metrics import TurnStamps, stages
from patter.providers.llm import SourcedUsage, UsageChunk

# Reports on an utterance may come after the next few have begun.
KEPT = 8


@attrs.define
class Utterance:
    """One thing the agent says: why, for which turn, and when its steps happened.

    *fillers* are spoken in it and no part of its text.
    """

    epoch: int
    turn: int
    kind: UtteranceKind
    stamps: TurnStamps = attrs.field(factory=TurnStamps)
    fillers: set[str] = attrs.field(factory=set)
    held_at: int | None = None
    began_ms: int | None = None
    cut: CutShort | None = None
    unheard_ms: int = 0


@attrs.define(eq=False)
class TurnRecorder:
    """The pen of one call."""

    events: CallEvents
    history: History
    _voice_began: int | None = attrs.field(default=None, init=False)
    _voice_ended: int | None = attrs.field(default=None, init=False)
    _last_began: int | None = attrs.field(default=None, init=False)
    _words_final: int | None = attrs.field(default=None, init=False)
    _turns: dict[int, TurnStamps] = attrs.field(factory=dict, init=False)
    _utterances: dict[int, Utterance] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.events.sensitivity.on_closed = self.history.conceal

    def saw(self, event: TurnEvent) -> None:
        """An event on its way to the engine: was there voice, were there words, or silence?"""
        match event:
            case VoiceStarted(_, began_ms):
                self._last_began = began_ms
                if self._voice_began is None:
                    self._voice_began = began_ms
            case VoiceStopped(_, ended_ms):
                self._voice_ended = ended_ms
                self._words_final = None
            case CallerWords(at_ms, text, True) if text:
                self._words_final = at_ms
                if self._voice_began is None:
                    self._voice_began = event.end_ms if event.end_ms is not None else at_ms
            case RanDry():
                self.events.emit(Wire(what="dry"))

    def committed(self, effect: Commit) -> str:
        """The caller's turn stands; what a model may read of it."""
        now, sensitivity = self.events.now_ms(), self.events.sensitivity
        row = HistoryRow("caller", effect.turn, effect.text, now)
        if sensitivity.used:
            text = sensitivity.for_model(effect.turn, effect.text)
            row = attrs.evolve(row, text=text, hidden=sensitivity.hides_turn(effect.turn))
        if effect.amends:
            self.history.amend(row)
        else:
            self.history.add(row)
        stamps = TurnStamps(
            voice_ended=self._voice_ended, words_final=self._words_final, committed=now
        )
        self._turns = {effect.turn: stamps}
        self._note_span(effect.turn, now)
        self._note_caller(effect, now)
        self._voice_began = self._voice_ended = self._words_final = None
        return row.text

    def opened(self, epoch: int, turn: int, kind: UtteranceKind) -> Utterance:
        """The agent begins to prepare an utterance."""
        stamps = (
            self._turns.pop(turn, TurnStamps()) if kind is UtteranceKind.ANSWER else TurnStamps()
        )
        self._utterances[epoch] = Utterance(epoch, turn, kind, stamps)
        for old in list(self._utterances)[:-KEPT]:
            del self._utterances[old]
        return self._utterances[epoch]

    def adopt(self, draft: Utterance) -> None:
        """*draft* was prepared for a turn that stands by now: it becomes its answer."""
        made = draft.stamps
        draft.stamps = self.opened(draft.epoch, draft.turn, draft.kind).stamps
        draft.stamps.tools, draft.stamps.first_token = made.tools, made.first_token
        draft.stamps.first_sentence = made.first_sentence
        self._utterances[draft.epoch] = draft

    def first_heard(self, epoch: int, at_ms: float) -> None:
        """The caller hears the first of *epoch*'s own text: the turn's gap is known."""
        utterance = self._utterances.get(epoch)
        if utterance is None:
            return
        utterance.began_ms = round(at_ms)
        utterance.stamps.first_heard = at_ms
        gap_ms = utterance.stamps.gap_ms
        if utterance.kind is UtteranceKind.ANSWER and gap_ms is not None:
            self.events.emit(
                Turn(
                    turn=utterance.turn,
                    epoch=epoch,
                    gap_ms=gap_ms,
                    stages=stages(utterance.stamps),
                    interrupted=False,
                )
            )

    def held(self, epoch: int) -> None:
        if utterance := self._utterances.get(epoch):
            utterance.held_at = self.events.now_ms()

    def resumed(self, epoch: int) -> None:
        utterance, now = self._utterances.get(epoch), self.events.now_ms()
        if utterance is None:
            return
        if utterance.began_ms is None:
            utterance.stamps.released = now
        elif utterance.held_at is not None:
            self.events.emit(Resumed(epoch=epoch, held_ms=now - utterance.held_at))

    def cut(self, effect: Cut, result: CutShort, unheard_ms: int, cause: TurnEvent | None) -> None:
        """An utterance was stopped; if the caller did it, that was a barge-in."""
        utterance = self._utterances.get(effect.epoch)
        if utterance:
            utterance.cut, utterance.unheard_ms = result, unheard_ms
            if utterance.began_ms is None and result.first_heard_ms is not None:
                utterance.began_ms = round(result.first_heard_ms)
        if result.sent_ms and _by_caller(cause):
            now = self.events.now_ms()
            self.events.emit(
                BargeIn(
                    epoch=effect.epoch,
                    voice_ms=self._last_began if self._last_began is not None else now,
                    evidence_ms=cause.at_ms if cause else now,
                    cut_ms=now,
                    heard_ms=result.heard_ms,
                    error_ms=result.error_ms,
                )
            )

    def recorded(self, effect: WriteAgentRow, text: str, heard_ms: int) -> None:
        """The agent's row: what was heard of an utterance."""
        now = self.events.now_ms()
        utterance = self._utterances.get(effect.epoch) or Utterance(
            effect.epoch, effect.turn, UtteranceKind.ANSWER
        )
        part = utterance.cut if not effect.whole else None
        heard = part.heard_text if part else text
        self._remember(effect, heard, now)
        self.events.emit(
            Row(
                role="agent",
                text=heard,
                turn=effect.turn,
                epoch=effect.epoch,
                kind=utterance.kind.value,
                began_ms=utterance.began_ms if utterance.began_ms is not None else now,
                ended_ms=now,
                heard_ms=part.heard_ms if part else heard_ms,
                unheard_ms=utterance.unheard_ms,
                unheard=part.unheard_text if part else "",
                interrupted=not effect.whole,
            )
        )

    def _remember(self, effect: WriteAgentRow, heard: str, now: int) -> None:
        sensitivity = self.events.sensitivity
        row = HistoryRow("agent", effect.turn, heard, now, cut=not effect.whole)
        if sensitivity.used:
            text = sensitivity.agent_row(effect.epoch, heard)
            row = attrs.evolve(row, text=text, hidden=sensitivity.hides_epoch(effect.epoch))
        self.history.add(row)

    def span(self, stage: str, name: str, began_ms: float, utterance: Utterance, ok: bool) -> None:
        """A provider worked from *began_ms* until now."""
        self.events.emit(
            Span(
                stage=stage,
                name=name,
                began_ms=round(began_ms),
                ended_ms=self.events.now_ms(),
                turn=utterance.turn,
                epoch=utterance.epoch,
                ok=ok,
            )
        )

    def model_used(self, name: Name, used: UsageChunk) -> None:
        """The model *name* reports what it has *used*: the bill is made of it."""
        provider, model = used.source if isinstance(used, SourcedUsage) else name
        amounts = {
            "tokens_in": used.input_tokens,
            "tokens_out": used.output_tokens,
            "tokens_cached": used.cache_read_tokens,
            "tokens_cache_written": used.cache_write_tokens,
        }
        for unit, amount in amounts.items():
            if amount:
                self.events.emit(
                    Usage(kind="llm", provider=provider, model=model, unit=unit, amount=amount)
                )

    def _note_caller(self, effect: Commit, now: int) -> None:
        ended_ms = self._voice_ended if self._voice_ended is not None else now
        began_ms = self._voice_began if self._voice_began is not None else ended_ms
        self.events.emit(
            Row(
                role="caller",
                text=effect.text,
                turn=effect.turn,
                amends=effect.amends,
                began_ms=min(began_ms, ended_ms),
                ended_ms=ended_ms,
            )
        )

    def _note_span(self, turn: int, now: int) -> None:
        if self._voice_began is None:
            return
        self.events.emit(
            Span(
                stage="stt",
                name="",
                began_ms=self._voice_began,
                ended_ms=self._words_final if self._words_final is not None else now,
                turn=turn,
                epoch=0,
                ok=True,
            )
        )


def _by_caller(cause: TurnEvent | None) -> bool:
    evidence = isinstance(cause, TimerFired) and cause.name == "hold"
    return evidence or isinstance(cause, VoiceStarted | CallerWords | BargeInVerdict | Digit)
