"""The calls that go on, as the page of them has it: folded from their events, told to the hub.

A listener is called in the middle of a call, so everything here is short, bounded and without I/O.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from patter.clock import Clock, LoopClock
from patter.observe.documents import moment
from patter.observe.events import (
    CallEvent,
    Ended,
    EngineStep,
    ErrorEvent,
    Row,
    Started,
    ToolRun,
    Turn,
    Wire,
)
from patter.providers.context import CallContext
from patter_dashboard.detail import call_of
from patter_dashboard.hub import Hub
from patter_dashboard.masking import hidden, masked, parties

LINES = 50
INTERIM_MS = 250
"""At most so often what a caller is saying is shown, for each call."""
CALLS = 1_000


@attrs.define(eq=False)
class LiveCall:
    """One call that goes on."""

    call_id: str
    hub: Hub
    began: float
    about: dict[str, Any]
    parties: tuple[str, ...] = ()
    speaking: str = "nobody"
    where: str = "agent"
    interim: str = ""
    turns: int = 0
    gap_ms: int | None = None
    problems: int = 0
    lines: deque[dict[str, Any]] = attrs.field(factory=lambda: deque(maxlen=LINES))
    _count: int = 0
    _interim_ms: int = -INTERIM_MS

    def take(self, event: CallEvent) -> None:
        """Take *event* of the call."""
        match event:
            case EngineStep():
                self._step(event)
            case Row():
                self._row(event)
            case Turn():
                self.turns, self.gap_ms = max(self.turns, event.turn), event.gap_ms
                turn = {"turn": event.turn, "gap_ms": event.gap_ms, "stages": dict(event.stages)}
                self._tell("turn_complete", {"turn": turn})
            case ToolRun():
                self._tool(event)
            case ErrorEvent():
                self.problems += 1
                problem = {"code": event.code, "message": event.message, "fix": event.fix}
                self._tell("problem", problem)
            case Wire(what="where"):
                self.where = event.name
                self._tell("call_status", {"status": "in-progress", "where": event.name})

    def started(self, event: Started) -> None:
        """It has begun."""
        self.parties = parties(event.caller, event.callee)
        self.about = _about(event)
        self._tell("call_start", self.about | {"status": "in-progress"})

    def ended(self, event: Ended) -> None:
        """It is over."""
        metrics = {
            "duration_ms": event.duration_ms,
            "turns": event.turns,
            "gap_p50_ms": event.gap_p50_ms,
            "gap_p95_ms": event.gap_p95_ms,
            "cost_usd": event.cost_usd,
            "unpriced": list(event.unpriced),
        }
        ending = {"outcome": event.outcome, "reason": event.reason, "status": status_of(event)}
        ended_at = {"ended_at": moment(self.began, event.at_ms), "metrics": metrics}
        self._tell("call_end", ending | ended_at)

    def as_data(self, here: bool) -> dict[str, Any]:
        """What the page shows of it; numbers masked."""
        other = "callee" if self.about["direction"] == "outbound" else "caller"
        return {
            "id": self.call_id,
            **self.about,
            "number": self.about[other],
            "status": "in-progress",
            "here": here,
            "speaking": self.speaking,
            "where": self.where,
            "turns": self.turns,
            "gap_ms": self.gap_ms,
            "interim": {"role": "caller", "text": masked(self.interim, self.parties)},
            "lines": [{**each, "text": masked(each["text"], self.parties)} for each in self.lines],
            "problems": self.problems,
        }

    def _step(self, step: EngineStep) -> None:
        fields = step.input.get("fields", {})
        speaking = self.speaking
        match step.input.get("name"):
            case "VoiceStarted":
                speaking = "caller"
            case "VoiceStopped" if speaking == "caller":
                speaking = "nobody"
            case "Audible":
                speaking = "agent"
            case "Heard" if speaking == "agent":
                speaking = "nobody"
            case "CallerWords" if not fields.get("final"):
                self._hears(step.at_ms, fields.get("text", ""))
        if speaking != self.speaking:
            self.speaking = speaking
            self._tell("speaking", {"speaking": speaking})

    def _hears(self, at_ms: int, text: str) -> None:
        self.interim = text
        if at_ms - self._interim_ms >= INTERIM_MS:
            self._interim_ms = at_ms
            self._tell("interim", {"role": "caller", "text": text})

    def _row(self, row: Row) -> None:
        if row.role == "tool":
            return
        if row.role == "caller":
            self.interim, self._interim_ms = "", -INTERIM_MS
            self.turns = max(self.turns, row.turn or 0)
        line = {
            "n": self._count,
            "role": row.role,
            "turn": row.turn,
            "text": row.text,
            "unheard": row.unheard,
            "began_ms": row.start_ms,
        }
        self._count += 1
        amends = bool(row.amends)
        earlier = next((at for at, each in enumerate(self.lines) if _same(each, line)), None)
        if amends and earlier is not None:
            line["n"] = self.lines[earlier]["n"]
            self.lines[earlier] = line
        else:
            self.lines.append(line)
        fields = {name: value for name, value in line.items() if name != "turn"}
        self._tell("transcript_line", {"turnIndex": row.turn, **fields, "amends": amends})

    def _tool(self, run: ToolRun) -> None:
        fields = {
            "name": run.name,
            "what": run.what,
            "ok": run.ok,
            "took_ms": run.took_ms,
            "result": run.result,
            "turn": run.turn,
            "text": call_of(run),
        }
        self._tell("tool", fields)

    def _tell(self, name: str, data: Mapping[str, Any]) -> None:
        self.hub.publish(name, {"call_id": self.call_id, **data}, self.parties)


@attrs.define(eq=False)
class LiveCalls:
    """The calls that go on in this process. *on_end(call_id)* hears when one is over."""

    hub: Hub
    on_end: Callable[[str], object] = lambda _: None
    clock: Clock = attrs.field(factory=LoopClock)
    calls: dict[str, LiveCall] = attrs.field(factory=dict, init=False)

    def listeners(self, call: CallContext) -> dict[type | str, Callable[..., object]]:
        """What hears the events of *call*."""
        if len(self.calls) >= CALLS:
            return {}
        about = {
            "direction": str(call.direction),
            "caller": hidden(call.caller),
            "callee": hidden(call.callee),
            "agent": call.agent,
            "carrier": call.carrier,
            "started_at": moment(self.clock.wall()),
        }
        live = LiveCall(call.call_id, self.hub, self.clock.wall(), about)
        kinds = (EngineStep, Row, Turn, ToolRun, ErrorEvent, Wire)
        return {
            Started: lambda event: self._started(live, event),
            **dict.fromkeys(kinds, live.take),
            Ended: lambda event: self._ended(live, event),
        }

    def as_data(self, here: Callable[[str], bool]) -> list[dict[str, Any]]:
        """The calls, the longest first."""
        return [call.as_data(here(call.call_id)) for call in self.calls.values()]

    def _started(self, live: LiveCall, event: Started) -> None:
        self.calls[live.call_id] = live
        live.began = event.wall or live.began
        live.started(event)

    def _ended(self, live: LiveCall, event: Ended) -> None:
        self.calls.pop(live.call_id, None)
        live.ended(event)
        self.on_end(live.call_id)


def status_of(ended: Ended) -> str:
    """The status of a call that is over, by the documents' names."""
    names = {"no_answer": "no-answer", "voicemail": "completed", "unknown": "failed"}
    return names.get(ended.outcome, ended.outcome)


def _about(event: Started) -> dict[str, Any]:
    return {
        "direction": event.direction,
        "caller": hidden(event.caller),
        "callee": hidden(event.callee),
        "agent": event.agent,
        "carrier": event.carrier,
        "started_at": moment(event.wall),
    }


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(one["role"] == other["role"] == "caller" and one["turn"] == other["turn"])
