"""One call as one trace, drawn from its typed events; nothing is measured here.

The call's span is open from its media to its end, so that what the application traces itself lies
below it. Words are left out unless they are asked for, keys always; numbers are redacted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import attrs
from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

from patter.observe.events import (
    BargeIn,
    CallEvent,
    Ended,
    ErrorEvent,
    Link,
    Note,
    Resumed,
    Row,
    Span,
    Started,
    ToolRun,
    Turn,
    Usage,
    Wire,
)
from patter.observe.redact import Redactor
from patter.providers.context import CallContext, Direction
from patter_otel.billing import Billing
from patter_otel.names import (
    CALL_ID,
    CALL_ID_OLDER,
    DIRECTION,
    EVENT,
    SPAN_CALL,
    TELEPHONY,
    TOKENS,
)
from patter_otel.pieces import Attributes, Piece, interrupted, ran, worked
from patter_otel.turn_trace import TurnTrace

LISTENED = (
    *(Started, Row, Turn, Span, ToolRun, BargeIn, Resumed),
    *(Wire, Link, Usage, Note, ErrorEvent, Ended),
)
TURNS = 16
"""Turns of which news may still come."""
_NOTED = frozenset({"handoff", "skill", "guardrail", "draft_used", "draft_discarded", "hook_off"})
_SILENT = frozenset({"mark", "played", "clear"})


@asynccontextmanager
async def in_call(root: trace.Span) -> AsyncIterator[None]:
    """Inside, *root* is the current span, in every task that is started there, too."""
    token = context_api.attach(trace.set_span_in_context(root))
    try:
        yield
    finally:
        context_api.detach(token)


@attrs.define(eq=False, repr=False)
class CallTrace:
    """The listener of *call* that traces it; *on_end* is called when it is over."""

    call: CallContext
    tracer: Tracer
    redactor: Redactor = attrs.field(factory=Redactor)
    words: bool = attrs.field(default=False, kw_only=True)
    on_end: Callable[[], object] = attrs.field(default=lambda: None, kw_only=True)
    root: trace.Span = attrs.field(init=False)
    _zero_ns: int = attrs.field(init=False)
    _names: Mapping[str, str] = attrs.field(factory=dict, init=False)
    _numbers: tuple[str, ...] = attrs.field(init=False)
    _turns: dict[int, TurnTrace] = attrs.field(factory=dict, init=False)
    _made: dict[int, context_api.Context] = attrs.field(factory=dict, init=False)
    _epochs: dict[int, int] = attrs.field(factory=dict, init=False)
    _speaking: int = attrs.field(default=0, init=False)
    _tokens: dict[str, int] = attrs.field(factory=dict, init=False)
    _rounds: int = attrs.field(default=0, init=False)
    _billing: Billing = attrs.field(factory=Billing, init=False)
    _take: Mapping[type[CallEvent], Callable[[Any], None]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        call, seen = self.call, self.redactor.number
        inbound = call.direction is Direction.INBOUND
        self._zero_ns = int(call.clock.wall() * 1e9)
        self._numbers = (call.caller, call.callee)
        self.root = self.tracer.start_span(
            SPAN_CALL,
            # What carried the webhook is no parent: a call has a trace of its own.
            context=context_api.Context(),
            kind=SpanKind.SERVER if inbound else SpanKind.CLIENT,
            start_time=self._zero_ns,
            attributes={
                CALL_ID: call.call_id,
                CALL_ID_OLDER: call.call_id,
                DIRECTION: call.direction.value,
                TELEPHONY: call.carrier,
                "patter.caller": seen(call.caller),
                "patter.callee": seen(call.callee),
                "gen_ai.conversation.id": call.call_id,
            },
        )
        self._take = {
            Started: self._started,
            Row: self._row,
            Turn: self._turn,
            Span: self._span,
            ToolRun: self._tool,
            BargeIn: self._barge_in,
            Usage: self._usage,
            Ended: self._ended,
        }

    def __call__(self, event: CallEvent) -> None:
        """Take *event* of the call."""
        self._take.get(type(event), self._note)(event)

    # --- the call

    def _started(self, event: Started) -> None:
        self._zero_ns = int(event.wall * 1e9) - event.at_ms * 1_000_000
        self._names = event.providers
        named = {f"patter.{kind}.provider": name for kind, name in event.providers.items()}
        self.root.set_attributes(
            {
                **named,
                "gen_ai.agent.name": event.agent,
                "patter.language": event.language,
                "patter.carrier_call_id": event.carrier_call_id,
            }
        )

    def _ended(self, event: Ended) -> None:
        for number in tuple(self._turns):
            self._make(number)
        for piece in self._billing.pieces(event.at_ms):
            self._emit(piece, self._root_context)
        figures: Attributes = {
            "patter.outcome": event.outcome,
            "patter.reason": self._shown(event.reason),
            "patter.turns": event.turns,
            "patter.duration_ms": event.duration_ms,
            "patter.latency.p50_ms": event.gap_p50_ms,
            "patter.latency.p95_ms": event.gap_p95_ms,
            "patter.cost.usd": event.cost_usd,
            "patter.cost.unpriced": list(event.unpriced) or None,
        }
        self.root.set_attributes({name: each for name, each in figures.items() if each is not None})
        if event.outcome == "failed":
            self.root.set_status(Status(StatusCode.ERROR, self._shown(event.reason)))
        self.root.end(self._ns(event.at_ms))
        self.on_end()

    def _note(self, event: CallEvent) -> None:
        """What is a moment and no length: an event of the call's span."""
        match event:
            case ErrorEvent():
                fields: Attributes = {
                    "error.type": event.code,
                    "patter.error.message": self._shown(event.message),
                    "patter.error.where": event.where,
                }
            case Link():
                fields = {
                    "patter.provider": event.provider,
                    "patter.kind": event.kind,
                    "patter.what": event.what,
                    "patter.gap_ms": event.gap_ms or 0,
                }
            case Resumed():
                fields = {"patter.held_ms": event.held_ms}
            case Wire() if event.what not in _SILENT:
                # Which keys were pressed is nobody's business here, hidden or not.
                fields = {"patter.what": event.what}
            case Note() if event.what in _NOTED:
                fields = {"patter.what": event.what}
            case _:
                return
        kind = str(event.__struct_config__.tag)
        self.root.add_event(f"{EVENT}.{kind}", fields, self._ns(event.at_ms))

    # --- turns

    def _row(self, row: Row) -> None:
        number = row.turn or 0
        if row.role == "caller":
            for before in [each for each in self._turns if each < number]:
                self._make(before)
            self._of(number).caller = row
        elif row.role == "agent" and row.kind == "answer":
            self._of(number).answer = row
            self._make(number)
        elif row.role == "agent":
            self._make(0)

    def _turn(self, event: Turn) -> None:
        self._of(event.turn).turn = event

    def _span(self, event: Span) -> None:
        model = self._names.get(event.stage, "")
        if (piece := worked(event, model)) is None:
            return
        number = event.turn or 0
        if event.epoch:
            self._epochs[event.epoch] = number
            while len(self._epochs) > TURNS:
                del self._epochs[next(iter(self._epochs))]
        self._add(number, piece)
        if event.stage == "tts":
            self._speaking = number
        elif event.stage in ("llm", "engine") and number in self._turns:
            self._turns[number].thought(self._tokens, self._rounds)
            self._tokens, self._rounds = {}, 0

    def _tool(self, event: ToolRun) -> None:
        if event.what == "finished":
            piece = ran(event, words=self.words)
            for name in ("gen_ai.tool.call.arguments", "gen_ai.tool.call.result"):
                if name in piece.attributes:
                    piece.attributes[name] = self._shown(piece.attributes[name])
            self._add(event.turn or 0, piece)

    def _barge_in(self, event: BargeIn) -> None:
        self._add(self._epochs.get(event.epoch, 0), interrupted(event))

    def _usage(self, event: Usage) -> None:
        self._billing.add(event)
        if event.kind == "tts" and event.unit == "characters" and self._speaking in self._turns:
            self._turns[self._speaking].spoke(int(event.amount))
        elif event.kind in ("llm", "engine") and event.unit in TOKENS:
            # A model reports what it has used before its work is over.
            self._rounds += event.unit == "tokens_in"
            self._tokens[event.unit] = self._tokens.get(event.unit, 0) + int(event.amount)

    def _of(self, number: int) -> TurnTrace:
        if number not in self._turns:
            self._turns[number] = TurnTrace(number)
            while len(self._turns) > TURNS:
                self._make(min(self._turns))
        return self._turns[number]

    def _add(self, number: int, piece: Piece) -> None:
        if number not in self._turns and (made := self._made.get(number)) is not None:
            # Late news of a turn that has its span: a tool that could not be cancelled.
            self._emit(piece, made)
        else:
            self._of(number).add(piece)

    # --- spans

    @property
    def _root_context(self) -> context_api.Context:
        return trace.set_span_in_context(self.root, context_api.Context())

    def _make(self, number: int) -> None:
        """Make the spans of turn *number*, if anything is known of it."""
        if (turn := self._turns.pop(number, None)) is None:
            return
        whole, below = turn.whole(words=self.words)
        parent = self._root_context
        if number:
            for name in ("patter.caller.text", "patter.agent.text"):
                if name in whole.attributes:
                    whole.attributes[name] = self._shown(whole.attributes[name])
            span = self._emit(whole, parent)
            parent = trace.set_span_in_context(
                trace.NonRecordingSpan(span.get_span_context()), context_api.Context()
            )
            self._made[number] = parent
            while len(self._made) > TURNS:
                del self._made[next(iter(self._made))]
        for piece in below:
            self._emit(piece, parent)

    def _emit(self, piece: Piece, parent: context_api.Context) -> trace.Span:
        span = self.tracer.start_span(
            piece.name,
            context=parent,
            kind=SpanKind.CLIENT if piece.remote else SpanKind.INTERNAL,
            start_time=self._ns(piece.began_ms),
            attributes={CALL_ID: self.call.call_id, **piece.attributes},
        )
        if piece.ok is False:
            span.set_status(Status(StatusCode.ERROR))
        span.end(self._ns(max(piece.began_ms, piece.ended_ms)))
        return span

    def _ns(self, at_ms: float) -> int:
        return self._zero_ns + round(at_ms * 1_000_000)

    def _shown(self, text: str) -> str:
        return self.redactor.text(text, self._numbers)
