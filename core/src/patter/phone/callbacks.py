"""The application's functions around a call: what they are told, and what of a call they see."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar

import attrs

from patter.errors import PatterTypeError
from patter.observe.call_metrics import CallMetrics, TurnMetrics
from patter.observe.events import CallEvent, Ended, Row, ToolRun, Wire
from patter.observe.pricing import Price
from patter.observe.summary import CallSummary
from patter.observe.turn_ledger import TurnLedger
from patter.phone.delivery import Delivery
from patter.phone.payloads import (
    CallEndPayload,
    CallStartPayload,
    HistoryEntry,
    MetricsPayload,
    TranscriptPayload,
)
from patter.providers.context import CallContext
from patter.server.calls import CallEntry
from patter.text.keys import ANY_KEYS, key_text

P = TypeVar("P")
Callback: TypeAlias = Callable[[P], Any] | Callable[[dict[str, Any]], Any]
"""Called with a payload of `patter.phone.payloads`, which is a dict."""
OnCallStart: TypeAlias = Callback[CallStartPayload]
OnCallEnd: TypeAlias = Callback[CallEndPayload]
OnTranscript: TypeAlias = Callback[TranscriptPayload]
OnMetrics: TypeAlias = Callback[MetricsPayload]

ROWS = 2_000
"""Rows of a conversation that are kept for its end: more than a thousand turns."""


def _callable_or_none(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if value is not None and not callable(value):
        raise PatterTypeError(
            f"{field.name} is {value!r}, which cannot be called",
            fix=f"pass a function: {field.name}=lambda data: ...",
        )


@attrs.frozen(kw_only=True)
class Callbacks:
    """What the application wants to hear. Raises PatterTypeError for what is not a function."""

    on_call_start: OnCallStart | None = attrs.field(default=None, validator=_callable_or_none)
    on_call_end: OnCallEnd | None = attrs.field(default=None, validator=_callable_or_none)
    on_transcript: OnTranscript | None = attrs.field(default=None, validator=_callable_or_none)
    on_metrics: OnMetrics | None = attrs.field(default=None, validator=_callable_or_none)


@attrs.define(eq=False)
class CallbackDispatcher:
    """What was said in a call, and the callbacks that are told of it: a listener of its events.

    *delivery* calls them beside the call; *on_turn* is called with each turn. *ledger* has the
    figures, None while nobody wants any. *ending* is what the session has said of its end.
    """

    event_types: ClassVar = (Row, ToolRun, Wire, Ended)

    call: CallContext
    callbacks: Callbacks = attrs.field(factory=Callbacks)
    prices: tuple[Price, ...] = ()
    began: float = 0.0
    recording_path: str = ""
    on_turn: Callable[[TurnMetrics], None] | None = None
    has_engine: bool = False
    delivery: Delivery = attrs.field(factory=Delivery)
    ledger: TurnLedger | None = attrs.field(default=None, init=False)
    ending: Ended | None = attrs.field(default=None, init=False)
    rows: list[_SpokenRow] = attrs.field(factory=list, init=False)
    _forgotten: int = attrs.field(default=0, init=False)

    @property
    def over(self) -> bool:
        """Has the session said how the call ended?"""
        return self.ending is not None

    def keep_figures(self) -> TurnLedger:
        """Who keeps the figures of the call; it must listen to the call's events."""
        if self.ledger is None:
            self.ledger = TurnLedger(self.call.call_id, self.prices, self.began, self._turn)
        return self.ledger

    def __call__(self, event: CallEvent) -> None:
        """Take *event* of the call."""
        match event:
            case Row():
                self._row(event)
            case ToolRun():
                self._tool(event)
            case Wire(what="dtmf"):
                self._transcript("user", key_text(event.digits, event.hidden))
            case Ended():
                self.ending = event
            case _:
                pass

    def start_data(self) -> CallStartPayload:
        """What on_call_start is told."""
        return {
            "call_id": self.call.call_id,
            "caller": self.call.caller,
            "callee": self.call.callee,
            "direction": self.call.direction.value,
            "telephony_provider": self.call.carrier,
            "custom_params": dict(self.call.variables),
        }

    def end_data(self, entry: CallEntry, ended_at: float) -> CallEndPayload:
        """What on_call_end is told of *entry*, whose call is over."""
        summary = entry.summary
        history = self.history()
        return {
            "call_id": entry.call_id,
            "caller": entry.request.caller,
            "callee": entry.request.callee,
            "ended_at": datetime.fromtimestamp(ended_at, UTC).isoformat(),
            "transcript": [{"role": row["role"], "text": row["text"]} for row in history],
            "conversation_history": history,
            "history": history,
            "duration": summary.duration_ms / 1_000 if summary else 0.0,
            "outcome": summary.outcome if summary else "",
            "metrics": self.metrics(summary),
            "recording_path": self.recording_path,
        }

    def metrics(self, summary: CallSummary | None) -> CallMetrics | None:
        """The figures of the call that went as *summary* says.

        None without one, and for a call that nobody wanted figures of when it began.
        """
        if summary is None:
            return None
        if self.ledger is None:
            # A call without media has no figures but those.
            return None if self.over else TurnLedger(self.call.call_id).metrics(summary)
        return self.ledger.metrics(summary) if self.ledger.whole or not self.over else None

    def history(self, until: int | None = None) -> list[HistoryEntry]:
        """The words of both sides, the last `ROWS` of them: role, text, timestamp.

        With *until* only that many of all there were, as they stand now.
        """
        last = None if until is None else max(0, until - self._forgotten)
        return [
            {"role": row.role, "text": row.text, "timestamp": row.timestamp}
            for row in self.rows[:last]
        ]

    def _row(self, event: Row) -> None:
        if event.role == "tool":
            return
        row = _SpokenRow(
            "user" if event.role == "caller" else "assistant",
            event.text,
            self.began + event.at_ms / 1_000,
            event.turn,
        )
        for i, before in enumerate(self.rows if event.amends else ()):
            if (before.role, before.turn) == (row.role, row.turn):
                self.rows[i] = row
                break
        else:
            self._add(row)
        if row.role == "user" and _ONLY_KEYS.match(row.text):
            return  # each was told when it was pressed
        turn = {"turnIndex": event.turn} if self.has_engine else {}
        self._transcript(row.role, row.text, **turn)

    def _add(self, row: _SpokenRow) -> None:
        self.rows.append(row)
        if len(self.rows) > ROWS:
            del self.rows[0]
            self._forgotten += 1

    def _tool(self, run: ToolRun) -> None:
        finished = run.what == "finished"
        self._transcript(
            "tool",
            str(run.result) if finished else "",
            tool_name=run.name,
            tool_args=dict(run.arguments),
            tool_result=run.result if finished else None,
        )

    def _transcript(
        self, role: Literal["user", "assistant", "tool"], text: str, **more: Any
    ) -> None:
        if self.callbacks.on_transcript is None:
            return
        until = self._forgotten + len(self.rows)

        def data() -> TranscriptPayload:
            return {
                "role": role,
                "text": text,
                **more,  # type: ignore[typeddict-item]
                "call_id": self.call.call_id,
                "history": self.history(until),
            }

        self.delivery.put("on_transcript", self.callbacks.on_transcript, data)

    def _turn(self, turn: TurnMetrics) -> None:
        if self.on_turn is not None:
            self.on_turn(turn)
        if self.callbacks.on_metrics is None or self.ledger is None:
            return
        data: MetricsPayload = {
            "call_id": self.call.call_id,
            "turn": turn,
            "cost_so_far": self.ledger.cost,
            "llm_ttft_ms": turn.latency.llm_ttft_ms,
        }
        self.delivery.put("on_metrics", self.callbacks.on_metrics, lambda: data)


@attrs.frozen
class _SpokenRow:
    """A row of the history, and the turn that a later row may amend."""

    role: Literal["user", "assistant"]
    text: str
    timestamp: float
    turn: int | None


_ONLY_KEYS = re.compile(rf"(?:\s*{ANY_KEYS.pattern})+\Z")
