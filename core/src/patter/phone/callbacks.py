"""The application's functions around a call: what they are told, and what becomes of a failure.

Sync ones run in a thread. One that raises or takes too long is logged with the call's id;
no callback can end a call, or hold one up for longer than its limit.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TypeAlias

import attrs

from patter.aio import Mailbox
from patter.errors import PatterTypeError
from patter.observe.events import CallEvent, EventType
from patter.observe.meter import CallMeter
from patter.providers.context import CallContext
from patter.server.calls import CallEntry

Callback: TypeAlias = Callable[[dict[str, Any]], Any]
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
    """What the application wants to hear. Raises PatterTypeError for what is no function."""

    on_call_start: Callback | None = attrs.field(default=None, validator=_callable_or_none)
    on_call_end: Callback | None = attrs.field(default=None, validator=_callable_or_none)
    on_transcript: Callback | None = attrs.field(default=None, validator=_callable_or_none)
    on_metrics: Callback | None = attrs.field(default=None, validator=_callable_or_none)


async def called(name: str, callback: Callable[[Any], Any], call_id: str, data: Any) -> Any:
    """What *callback* returns; None when it raises or takes too long, which is logged."""
    token = INSIDE.set(True)
    try:
        async with asyncio.timeout(LIMIT_S):
            return await _answer(callback, data)
    except Exception:
        log.exception("call %s: %s failed", call_id, name)
        return None
    finally:
        INSIDE.reset(token)


async def _answer(callback: Callable[[Any], Any], data: Any) -> Any:
    asynchronous = inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(
        getattr(callback, "__call__", None)  # noqa: B004
    )
    answer = callback(data) if asynchronous else await asyncio.to_thread(callback, data)
    return await answer if inspect.isawaitable(answer) else answer


@attrs.define(eq=False)
class CallbackDispatcher:
    """What was said in a call, and the callbacks that are told of it: a journal's listener.

    `tell` runs beside the call and calls them one after the other; the oldest news are
    dropped when they cannot keep up. *over* once the session has said how it ended.
    """

    call: CallContext
    callbacks: Callbacks = attrs.field(factory=Callbacks)
    meter: CallMeter | None = None
    began: float = 0.0
    recording_path: str = ""
    over: bool = attrs.field(default=False, init=False)
    rows: list[dict[str, Any]] = attrs.field(factory=list, init=False)
    _news: Mailbox[tuple[str, Callback, dict[str, Any]]] = attrs.field(
        factory=lambda: Mailbox(WAITING), init=False
    )

    def __call__(self, event: CallEvent) -> None:
        """Take *event* of the call."""
        if self.meter is not None:
            self.meter(event)
        match event.type:
            case EventType.ROW if event.data["role"] in _ROLES:
                self._row(event)
            case EventType.TOOL:
                self._transcript(_tool_row(event.data))
            case EventType.WIRE if event.data.get("what") == "dtmf":
                self._transcript({"role": "user", "text": _keys(event.data)})
            case EventType.ENDED:
                self.over = True
            case EventType.TURN if self.callbacks.on_metrics is not None:
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

    def start_data(self) -> dict[str, Any]:
        """What on_call_start is told."""
        return {
            "call_id": self.call.call_id,
            "caller": self.call.caller,
            "callee": self.call.callee,
            "direction": self.call.direction.value,
            "telephony_provider": self.call.carrier,
            "custom_params": dict(self.call.variables),
        }

    def end_data(self, entry: CallEntry, ended_at: float) -> dict[str, Any]:
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
            "metrics": attrs.asdict(summary) if summary else None,
            "recording_path": self.recording_path,
        }

    def history(self) -> list[dict[str, Any]]:
        """The words of both sides so far: role, text, timestamp."""
        return [{key: row[key] for key in ("role", "text", "timestamp")} for row in self.rows]

    def _row(self, event: CallEvent) -> None:
        row = {
            "role": _ROLES[event.data["role"]],
            "text": event.data["text"],
            "timestamp": self.began + event.at_ms / 1_000,
            "turn": event.data.get("turn"),
        }
        for i, known in enumerate(self.rows if event.data.get("amends") else ()):
            if (known["role"], known["turn"]) == (row["role"], row["turn"]):
                self.rows[i] = row
                break
        else:
            self.rows.append(row)
        self._transcript({"role": row["role"], "text": row["text"]})

    def _transcript(self, row: dict[str, Any]) -> None:
        if self.callbacks.on_transcript is not None:
            data = {**row, "call_id": self.call.call_id, "history": self.history()}
            self._news.put(("on_transcript", self.callbacks.on_transcript, data))

    def _metrics(self, event: CallEvent) -> dict[str, Any]:
        bill = self.meter.bill if self.meter else None
        costs = {"total": bill.usd, **bill.costs} if bill else {}
        return {
            "call_id": self.call.call_id,
            "turn": dict(event.data),
            "cost_so_far": costs,
            "llm_ttft_ms": (event.data.get("stages") or {}).get("llm"),
        }


_ROLES: Mapping[str, str] = {"caller": "user", "agent": "assistant"}


def _keys(data: Mapping[str, Any]) -> str:
    keys = f"{data['hidden']} hidden" if "hidden" in data else data.get("digits", "")
    return f"[DTMF: {keys}]"


def _tool_row(data: Mapping[str, Any]) -> dict[str, Any]:
    finished = data["what"] == "finished"
    result = data.get("result")
    return {
        "role": "tool",
        "text": str(result) if finished else "",
        "tool_name": data["name"],
        "tool_args": data.get("arguments"),
        "tool_result": result if finished else None,
    }
