"""The application's functions around a call: what they are told, and what becomes of a failure.

Sync ones run in a thread. One that raises or takes too long is logged with the call's id;
no callback can end a call, or hold one up for longer than its limit.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar, cast

import attrs

from patter.aio import Mailbox
from patter.application import result_of
from patter.errors import PatterTypeError
from patter.observe.codec import event_fields
from patter.observe.events import CallEvent, Ended, Row, ToolRun, Turn, Usage, Wire
from patter.observe.meter import CallMeter
from patter.observe.summary import CallSummary
from patter.phone.payloads import (
    CallEndPayload,
    CallFigures,
    CallStartPayload,
    HistoryEntry,
    MetricsPayload,
    TranscriptPayload,
    TurnFigures,
)
from patter.providers.context import CallContext
from patter.server.calls import CallEntry

P = TypeVar("P")
Callback: TypeAlias = Callable[[P], Any] | Callable[[dict[str, Any]], Any]
"""Called with a payload of `patter.phone.payloads`, which is a dict."""
OnCallStart: TypeAlias = Callback[CallStartPayload]
OnCallEnd: TypeAlias = Callback[CallEndPayload]
OnTranscript: TypeAlias = Callback[TranscriptPayload]
OnMetrics: TypeAlias = Callback[MetricsPayload]
log = logging.getLogger("patter.phone.callbacks")

LIMIT_S = 10.0
WAITING = 1_000
INSIDE: ContextVar[bool] = ContextVar("patter_inside_callback", default=False)
"""True in a callback: what waits for the end of all calls must not be waited for there."""


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


async def called(name: str, callback: Callable[[Any], Any], call_id: str, data: Any) -> Any:
    """What *callback* returns; None when it raises or takes too long, which is logged."""
    token = INSIDE.set(True)
    try:
        async with asyncio.timeout(LIMIT_S):
            return await result_of(callback, data, owner=call_id)
    except Exception:
        log.exception("call %s: %s failed", call_id, name)
        return None
    finally:
        INSIDE.reset(token)


@attrs.define(eq=False)
class CallbackDispatcher:
    """What was said in a call, and the callbacks that are told of it: a listener of its events.

    `tell` runs beside the call and calls them one after the other; the oldest news are
    dropped when they cannot keep up. *over* once the session has said how it ended.
    """

    event_types: ClassVar = (Row, ToolRun, Wire, Turn, Usage, Ended)

    call: CallContext
    callbacks: Callbacks = attrs.field(factory=Callbacks)
    meter: CallMeter | None = None
    began: float = 0.0
    recording_path: str = ""
    over: bool = attrs.field(default=False, init=False)
    rows: list[_SpokenRow] = attrs.field(factory=list, init=False)
    _news: Mailbox[tuple[str, Callable[[Any], Any], Any]] = attrs.field(
        factory=lambda: Mailbox(WAITING), init=False
    )

    def __call__(self, event: CallEvent) -> None:
        """Take *event* of the call."""
        if self.meter is not None:
            self.meter(event)
        match event:
            case Row():
                self._row(event)
            case ToolRun():
                self._tool(event)
            case Wire(what="dtmf"):
                self._transcript("user", _keys(event))
            case Ended():
                self.over = True
            case Turn() if self.callbacks.on_metrics is not None:
                self._news.put(("on_metrics", self.callbacks.on_metrics, self._metrics(event)))
            case _:
                pass

    async def tell(self) -> None:
        """Call the callbacks as there is news, until `finish`."""
        async for name, callback, data in self._news:
            await called(name, callback, self.call.call_id, data)

    def finish(self) -> None:
        """There will be no more news."""
        self._news.close()

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
            "metrics": _figures(summary) if summary else None,
            "recording_path": self.recording_path,
        }

    def history(self) -> list[HistoryEntry]:
        """The words of both sides so far: role, text, timestamp."""
        return [
            {"role": row.role, "text": row.text, "timestamp": row.timestamp} for row in self.rows
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
            self.rows.append(row)
        self._transcript(row.role, row.text)

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
        self, role: Literal["user", "assistant", "tool"], text: str, **tool: Any
    ) -> None:
        if self.callbacks.on_transcript is None:
            return
        data: TranscriptPayload = {
            "role": role,
            "text": text,
            **tool,  # type: ignore[typeddict-item]
            "call_id": self.call.call_id,
            "history": self.history(),
        }
        self._news.put(("on_transcript", self.callbacks.on_transcript, data))

    def _metrics(self, turn: Turn) -> MetricsPayload:
        bill = self.meter.bill if self.meter else None
        return {
            "call_id": self.call.call_id,
            "turn": cast(TurnFigures, event_fields(turn)),
            "cost_so_far": {"total": bill.usd, **bill.costs} if bill else {},
            "llm_ttft_ms": turn.stages.get("llm"),
        }


@attrs.frozen
class _SpokenRow:
    """A row of the history, and the turn that a later row may amend."""

    role: Literal["user", "assistant"]
    text: str
    timestamp: float
    turn: int | None


def _figures(summary: CallSummary) -> CallFigures:
    return cast(CallFigures, attrs.asdict(summary))


def _keys(event: Wire) -> str:
    keys = event.digits if event.hidden is None else f"{event.hidden} hidden"
    return f"[DTMF: {keys}]"
