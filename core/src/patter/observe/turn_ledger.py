"""Makes the metrics of a call of its events, turn by turn.

Everything is in the events already: nothing is measured here. What is kept of a call is bounded,
however long it lasts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import attrs

from patter.observe.call_metrics import (
    INTERRUPTED,
    CallMetrics,
    CostBreakdown,
    LatencyBreakdown,
    TurnMetrics,
    latencies,
)
from patter.observe.events import (
    BargeIn,
    CallEvent,
    ErrorEvent,
    Note,
    Row,
    Span,
    Started,
    Turn,
    Usage,
)
from patter.observe.meter import CallMeter
from patter.observe.pricing import Price
from patter.observe.summary import CallSummary

TURNS = 1_000
"""Turns that are kept for the end of the call."""
RECENT = 16
"""Turns and utterances of which news may still come."""
DRAFT_USED, DRAFT_DISCARDED = "draft_used", "draft_discarded"
_CONTEXT = frozenset({"tokens_in", "tokens_cached", "tokens_cache_written"})
T = TypeVar("T")


@attrs.define(eq=False)
class _Question:
    """What the caller said in a turn, how long they spoke, and how much was listened to."""

    text: str
    spoken_ms: float | None
    heard_s: float


@attrs.define(eq=False)
class _Answer:
    """What is known of an utterance; an answer when its `Row` says so."""

    turn: int = 0
    gap_ms: int | None = None
    stages: Mapping[str, int] = attrs.field(factory=dict)
    model_ms: float | None = None
    voice_ms: float | None = None
    barge_in_ms: float | None = None
    characters: int = 0
    text: str = ""
    interrupted: bool = False
    timestamp: float = 0.0
    question: _Question | None = None

    def metrics(self) -> TurnMetrics:
        voice_ms = self.voice_ms
        if voice_ms is not None:
            voice_ms += self.stages.get("text", 0)
        latency = attrs.evolve(
            LatencyBreakdown.of(self.stages),
            user_speech_duration_ms=self.question.spoken_ms if self.question else None,
            llm_total_ms=self.model_ms,
            tts_total_ms=voice_ms,
            bargein_ms=self.barge_in_ms,
        )
        return TurnMetrics(
            turn_index=self.turn,
            user_text=self.question.text if self.question else "",
            agent_text=INTERRUPTED if self.interrupted else self.text,
            latency=latency,
            stt_audio_seconds=round(self.question.heard_s, 2) if self.question else 0.0,
            tts_characters=self.characters,
            timestamp=self.timestamp,
            interrupted=self.interrupted,
            heard_text=self.text,
            gap_ms=self.gap_ms,
            stages=self.stages,
        )


@attrs.define(eq=False)
class TurnLedger:
    """A listener of one call's events that keeps its turns; *began* in seconds since 1970.

    *on_turn* is called with each turn when its answer is over: heard, or cut. It is *whole* if
    it has heard of the call from its beginning.
    """

    event_types: ClassVar = (Started, Turn, Row, Span, Usage, BargeIn, Note, ErrorEvent)

    call_id: str
    prices: Sequence[Price] = ()
    began: float = 0.0
    on_turn: Callable[[TurnMetrics], None] | None = None
    context_tokens: int | None = attrs.field(default=None, init=False)
    whole: bool = attrs.field(default=False, init=False)
    names: Mapping[str, str] = attrs.field(factory=dict, init=False)
    _carrier: str = attrs.field(default="", init=False)
    _meter: CallMeter = attrs.field(init=False)
    _questions: dict[int, _Question] = attrs.field(factory=dict, init=False)
    _answers: dict[int, _Answer] = attrs.field(factory=dict, init=False)
    _turns: deque[_Answer] = attrs.field(factory=lambda: deque(maxlen=TURNS), init=False)
    _spoken: int = attrs.field(default=0, init=False)
    _listened_ms: int = attrs.field(default=0, init=False)
    _context: dict[str, float] = attrs.field(factory=dict, init=False)
    _error: str | None = attrs.field(default=None, init=False)
    _drafts: dict[str, int] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._meter = CallMeter(self.call_id, self.prices)

    def __call__(self, event: CallEvent) -> None:
        """Take *event*; those of types that carry no figure are ignored."""
        self._meter(event)
        match event:
            case Started():
                self.names, self._carrier, self.whole = event.providers, event.carrier, True
            case Turn():
                answer = self._answer(event.epoch)
                answer.gap_ms, answer.stages = event.gap_ms, event.stages
            case Row(role="caller"):
                self._take_caller(event)
            case Row(role="agent", kind="answer"):
                self._over(event)
            case Span():
                self._span(event)
            case Usage():
                self._usage(event)
            case BargeIn():
                voice_ms = event.cut_ms if event.voice_ms is None else event.voice_ms
                self._answer(event.epoch).barge_in_ms = float(max(0, event.cut_ms - voice_ms))
            case Note():
                if event.what in (DRAFT_USED, DRAFT_DISCARDED):
                    self._drafts[event.what] = self._drafts.get(event.what, 0) + 1
            case ErrorEvent():
                self._error = event.code

    @property
    def cost(self) -> CostBreakdown:
        """What was spent so far."""
        return CostBreakdown.of(self._meter.bill)

    def metrics(self, summary: CallSummary) -> CallMetrics:
        """The call, which went as *summary* says."""
        turns = tuple(answer.metrics() for answer in self._turns)
        fields: dict[str, Any] = {}
        for kind in ("stt", "tts", "llm"):
            engine = ("engine",) if kind == "llm" else ()
            fields[f"{kind}_provider"], fields[f"{kind}_model"] = self._named(kind, *engine)
        mode = self._named("engine")[0] or ("pipeline" if self.names else "")
        return CallMetrics(
            call_id=self.call_id,
            duration_seconds=round(summary.duration_ms / 1_000, 2),
            turns=turns,
            cost=self.cost,
            provider_mode=mode,
            telephony_provider=self._carrier,
            error_code=self._error if summary.outcome == "failed" else None,
            preemptive_hits=self._drafts.get(DRAFT_USED, 0),
            preemptive_misses=self._drafts.get(DRAFT_DISCARDED, 0),
            context_tokens=self.context_tokens,
            outcome=summary.outcome,
            reason=summary.reason,
            turn_count=summary.turns,
            gap_p50_ms=summary.gap_p50_ms,
            gap_p95_ms=summary.gap_p95_ms,
            heard_ms=summary.heard_ms,
            unheard_ms=summary.unheard_ms,
            **fields,
            **latencies(turns),
        )

    def _named(self, *kinds: str) -> tuple[str, str]:
        """Provider and model of the first of *kinds* that the call has; empty without one."""
        name = next((self.names[kind] for kind in kinds if self.names.get(kind)), "")
        provider, _, model = name.partition("/")
        return provider, model

    def _take_caller(self, row: Row) -> None:
        spoken_ms: float | None = None
        if row.began_ms is not None and row.ended_ms is not None:
            spoken_ms = float(max(0, row.ended_ms - row.began_ms))
        turn, before = row.turn or 0, self._questions.get(row.turn or 0)
        heard_s = max(0, row.at_ms - self._listened_ms) / 1_000
        if before is not None:
            # More of the same turn: what was listened to is of both.
            before.text, before.spoken_ms = row.text, spoken_ms
            before.heard_s += heard_s
        else:
            _keep(self._questions, turn, _Question(row.text, spoken_ms, heard_s))
        self._listened_ms = row.at_ms

    def _over(self, row: Row) -> None:
        answer = self._answer(row.epoch)
        answer.turn, answer.text = row.turn or 0, row.text
        answer.interrupted = bool(row.interrupted)
        answer.timestamp = self.began + row.at_ms / 1_000
        answer.question = self._questions.get(answer.turn)
        if answer.gap_ms is None and not row.text:
            return  # of which nobody heard anything
        self._turns.append(answer)
        if self.on_turn is not None:
            self.on_turn(answer.metrics())

    def _span(self, span: Span) -> None:
        if span.stage in ("llm", "engine"):
            self._answer(span.epoch).model_ms = float(span.ended_ms - span.began_ms)
        elif span.stage == "tts":
            self._answer(span.epoch).voice_ms = float(span.ended_ms - span.began_ms)
            # Its usage follows and does not say of which utterance it is.
            self._spoken = span.epoch or 0

    def _usage(self, usage: Usage) -> None:
        if usage.kind == "tts" and usage.unit == "characters":
            self._answer(self._spoken).characters += int(usage.amount)
        elif usage.kind in ("llm", "engine") and usage.unit in _CONTEXT:
            # The amounts of one request follow each other, each once.
            if usage.unit in self._context or usage.unit == "tokens_in":
                self._context = {}
            self._context[usage.unit] = usage.amount
            self.context_tokens = int(sum(self._context.values()))

    def _answer(self, epoch: int | None) -> _Answer:
        if (answer := self._answers.get(epoch or 0)) is None:
            answer = _Answer()
            _keep(self._answers, epoch or 0, answer)
        return answer


def _keep(values: dict[int, T], key: int, value: T) -> None:
    values[key] = value
    if len(values) > RECENT:
        del values[next(iter(values))]
