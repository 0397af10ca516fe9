"""One call's events, as `Patter.events` tells of them: what each type is made of, and its payload.

Nothing is measured here, and nothing is made that nobody listens to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias, TypeVar

import attrs

from patter.observe.call_metrics import TurnMetrics
from patter.observe.events import (
    AudioPiece,
    BargeIn,
    CallEvent,
    EngineStep,
    Resumed,
    Row,
    Span,
    TextPiece,
    ToolRun,
    Turn,
)
from patter.phone.event_bus import EventBus, PatterEventType
from patter.phone.metric_types import (
    EOUMetrics,
    InterruptionMetrics,
    ProcessingMetrics,
    TTFBMetrics,
)

T = TypeVar("T")
Put: TypeAlias = Callable[[str, Callable[[Any], Any], Callable[[], Any], Callable[[], bool]], None]
_TYPES: Mapping[PatterEventType, tuple[type[CallEvent], ...]] = {
    PatterEventType.TURN_STARTED: (EngineStep,),
    PatterEventType.EOU_METRICS: (Span, Row),
    PatterEventType.STT_METRICS: (Span, Row),
    PatterEventType.LLM_METRICS: (Turn,),
    PatterEventType.TTS_METRICS: (Turn,),
    PatterEventType.INTERRUPTION: (BargeIn, Resumed),
    PatterEventType.FALSE_INTERRUPTION: (Resumed,),
    PatterEventType.TRANSCRIPT_PARTIAL: (EngineStep,),
    PatterEventType.TRANSCRIPT_FINAL: (EngineStep,),
    PatterEventType.LLM_CHUNK: (TextPiece, ToolRun, Row),
    PatterEventType.TTS_CHUNK: (AudioPiece,),
    PatterEventType.TOOL_CALL_STARTED: (ToolRun, Row),
    PatterEventType.CONTEXT_TOKENS: (Span,),
}
"""What of a call each type is made of; turns come from the ledger, ends from the server."""


@attrs.define(eq=False)
class BusFeed:
    """Tells *bus* what happens in one call.

    *names(kinds)* are provider and model of the first that there is; *context_tokens()* is what
    the model has read. *put(name, callback, make, wanted)* has a listener called. *began* in
    seconds since 1970.
    """

    bus: EventBus
    call_id: str
    names: Callable[..., tuple[str, str]]
    context_tokens: Callable[[], int | None]
    put: Put
    began: float
    _in_turn: bool = attrs.field(default=False, init=False)
    _turn: int = attrs.field(default=0, init=False)
    _tools: int = attrs.field(default=0, init=False)
    _rounds: int = attrs.field(default=0, init=False)
    _words_ms: int | None = attrs.field(default=None, init=False)
    _interruptions: int = attrs.field(default=0, init=False)
    _backchannels: int = attrs.field(default=0, init=False)

    @property
    def types(self) -> frozenset[type[CallEvent]]:
        """What of the call the bus's listeners are told of now."""
        return frozenset(kind for each in self.bus.types for kind in _TYPES.get(each, ()))

    def __call__(self, event: CallEvent) -> None:
        """Take *event* of the call."""
        match event:
            case EngineStep():
                self._step(event)
            case Span():
                self._span(event)
            case Row(role="caller"):
                self._committed(event)
            case Turn():
                self._first_bytes(event)
            case BargeIn():
                self._interrupted(event)
            case Resumed():
                self._backchannels += 1
                more = {"resumed_sentences": None, "held_ms": event.held_ms}
                self._tell(PatterEventType.FALSE_INTERRUPTION, **more)
            case ToolRun():
                self._tool(event)
            case TextPiece():
                self._tell(PatterEventType.LLM_CHUNK, text=event.text, iteration=self._rounds)
            case AudioPiece():
                self._tell(PatterEventType.TTS_CHUNK, bytes=event.size)

    def turn(self, turn: TurnMetrics) -> None:
        """The answer of *turn* is over."""
        self._tell(PatterEventType.TURN_ENDED, turn=turn)
        self._tell(PatterEventType.METRICS_COLLECTED, turn=turn)

    def _step(self, step: EngineStep) -> None:
        name, fields = step.input["name"], step.input["fields"]
        words = name == "CallerWords" and fields["text"]
        if (words or name == "VoiceStarted") and not self._in_turn:
            self._in_turn = True
            self._tell(PatterEventType.TURN_STARTED, turn_index=self._turn + 1)
        if words:
            final = fields["final"]
            kind = PatterEventType.TRANSCRIPT_FINAL if final else PatterEventType.TRANSCRIPT_PARTIAL
            self._tell(kind, text=fields["text"], is_final=final, confidence=None)
        for effect in step.effects:
            if effect["name"] == "Commit":
                turn = effect["fields"]["turn"]
                if not self._in_turn:
                    # Keys and typed words have no voice that began before.
                    self._tell(PatterEventType.TURN_STARTED, turn_index=turn)
                self._in_turn, self._turn = False, turn

    def _span(self, span: Span) -> None:
        if span.stage == "stt":
            self._words_ms = span.ended_ms
        elif span.stage in ("llm", "engine") and (tokens := self.context_tokens()) is not None:
            self._tell(PatterEventType.CONTEXT_TOKENS, tokens=tokens)

    def _committed(self, row: Row) -> None:
        """The caller's turn is over; the span of its recognition came before."""
        self._tools = self._rounds = 0
        ended_ms = row.at_ms if row.ended_ms is None else row.ended_ms
        words_ms, self._words_ms = self._words_ms, None
        delay_ms = None if words_ms is None else float(max(0, words_ms - ended_ms))
        timestamp = self._wall(row)
        self._give(
            PatterEventType.EOU_METRICS,
            lambda: EOUMetrics(
                end_of_utterance_delay=delay_ms,
                transcription_delay=float(max(0, row.at_ms - ended_ms)),
                timestamp=timestamp,
                speech_id=f"turn-{row.turn}",
                call_id=self.call_id,
            ),
        )
        if delay_ms is not None:
            provider, model = self.names("stt", "engine")
            value = delay_ms / 1_000
            self._give(
                PatterEventType.STT_METRICS,
                lambda: ProcessingMetrics(
                    processor=provider,
                    value=value,
                    timestamp=timestamp,
                    model=model or None,
                    call_id=self.call_id,
                ),
            )

    def _first_bytes(self, turn: Turn) -> None:
        for kind, stage in (
            (PatterEventType.LLM_METRICS, "llm"),
            (PatterEventType.TTS_METRICS, "tts"),
        ):
            if stage not in turn.stages:
                continue
            provider, model = self.names(stage, "engine")
            metrics = TTFBMetrics(
                processor=provider,
                value=turn.stages[stage] / 1_000,
                timestamp=self._wall(turn),
                model=model or None,
                call_id=self.call_id,
            )
            self._give(kind, partial(_same, metrics))

    def _interrupted(self, event: BargeIn) -> None:
        self._interruptions += 1
        voice_ms = event.cut_ms if event.voice_ms is None else event.voice_ms
        evidence_ms = event.cut_ms if event.evidence_ms is None else event.evidence_ms
        metrics = InterruptionMetrics(
            total_duration=max(0, event.cut_ms - voice_ms) / 1_000,
            detection_delay=max(0, evidence_ms - voice_ms) / 1_000,
            num_interruptions=self._interruptions,
            num_backchannels=self._backchannels,
            timestamp=self._wall(event),
            metadata={"heard_ms": event.heard_ms},
            call_id=self.call_id,
        )
        self._give(PatterEventType.INTERRUPTION, lambda: metrics)

    def _tool(self, run: ToolRun) -> None:
        if run.what == "finished":
            self._rounds += 1
            return
        more = {"index": self._tools, "name": run.name, "args": dict(run.arguments)}
        self._tools += 1
        self._tell(PatterEventType.TOOL_CALL_STARTED, **more)

    def _wall(self, event: CallEvent) -> float:
        return self.began + event.at_ms / 1_000

    def _tell(self, kind: PatterEventType, **payload: Any) -> None:
        self._give(kind, lambda: {"call_id": self.call_id, **payload})

    def _give(self, kind: PatterEventType, make: Callable[[], Any]) -> None:
        for each in self.bus.subscriptions(kind):
            self.put(f"a listener of {kind.value}", each.callback, make, each.is_active)


def _same(value: T) -> T:
    return value
