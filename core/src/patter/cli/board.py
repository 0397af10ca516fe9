"""What ``patter serve`` prints of calls: a line when one begins, one when it ends, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from patter.cli.out import Out
from patter.clock import Clock, LoopClock
from patter.observe.events import CallEvent, ErrorEvent
from patter.observe.redact import Redactor
from patter.safe_text import one_line
from patter.server.call_slot import STOPPED

if TYPE_CHECKING:
    from patter.observe.call_metrics import CallMetrics

ID_CHARS = 8
"""Of a call's id: its beginning, which is what ``patter calls`` takes, and rarely that of two."""
NAMED = 5
"""Calls that are named while they are waited for; of more there is the number."""
_MINUTE = 60
_PATIENCE = "give calls longer to end: --drain 60"
_UNREACHED = "check the public address: patter doctor TARGET --only webhook,reach,tunnel"
_CUT = "the call was cut when the server stopped"


@attrs.frozen
class Why:
    """What made a call fail, and what to do about it."""

    code: str
    message: str
    fix: str

    def __str__(self) -> str:
        return f"error[{self.code}]: {self.message}; fix: {self.fix}"


@attrs.define(eq=False)
class Board:
    """Prints a line for each call that begins and ends; hears the errors of each."""

    event_types: ClassVar = (ErrorEvent,)

    out: Out
    clock: Clock = attrs.field(factory=LoopClock)
    redactor: Redactor = attrs.field(factory=Redactor)
    _errors: dict[str, ErrorEvent | None] = attrs.field(factory=dict, init=False)

    def __call__(self, event: CallEvent) -> None:
        """Keep the last error of a call that is open."""
        if isinstance(event, ErrorEvent) and event.call in self._errors:
            self._errors[event.call] = event

    @property
    def open_calls(self) -> Sequence[str]:
        """The ids of the calls that have begun and not ended."""
        return tuple(self._errors)

    async def began(self, data: dict[str, Any]) -> None:
        """A call came in, or was answered."""
        self._errors[data["call_id"]] = None
        way = "in " if data["direction"] == "inbound" else "out"
        other = data["caller"] if data["direction"] == "inbound" else data["callee"]
        who = one_line(self.redactor.number(other))
        text = f"{self._head(data)} {way} {who}".rstrip()
        value = {"event": "began", "call": data["call_id"], "number": who, "at": self._at()}
        self.out.event(text, value)

    async def ended(self, data: dict[str, Any]) -> None:
        """A call is over; one that failed, or in which something did, says why."""
        error = self._errors.pop(data["call_id"], None)
        summary = summary_of(data["metrics"])
        why = why_of(data["outcome"], summary.get("reason", ""), error)
        head = self._head(data)
        text = f"{head} end {figures(data['outcome'], data['duration'], summary)}"
        label = "why" if data["outcome"] == "failed" else "had"
        lines = [text, *([f"{head} {label} {one_line(str(why))}"] if why else [])]
        reason = {"why": attrs.asdict(why)} if why else {}
        lasted = {"duration_ms": round(data["duration"] * 1_000)} if summary else {}
        value = {"event": "ended", "call": data["call_id"], "at": self._at(), **summary, **lasted}
        value |= reason
        self.out.event("\n".join(lines), value)

    def draining(self, drain_s: float) -> None:
        """It is to stop: say what is waited for, and until when."""
        calls = self.open_calls
        value = {"event": "draining", "calls": list(calls), "drain_s": drain_s, "at": self._at()}
        if not calls:
            self.out.event("stopping: no call is open", value)
            return
        named = ", ".join(each[:ID_CHARS] for each in calls[:NAMED])
        more = f" and {len(calls) - NAMED} more" if len(calls) > NAMED else ""
        until = self._time(self.clock.wall() + drain_s)
        count = f"{len(calls)} call{'s'[: len(calls) != 1]}"
        text = f"draining: {count} until {until} ({drain_s:g} s), Ctrl-C stops now: {named}{more}"
        self.out.event(text, value)

    def waiting(self, left_s: float) -> None:
        """The drain goes on for *left_s* seconds at most."""
        if count := len(self._errors):
            self.out.progress(f"draining: {count} call{'s'[: count != 1]}, {left_s:g} s left")

    def zone(self) -> str:
        """Which time the lines have: ``local times (UTC+02:00)``."""
        return f"local times ({offset()})" if self.out.live else "times in UTC"

    def _head(self, data: dict[str, Any]) -> str:
        return f"{self._time(self.clock.wall())} {data['call_id'][:ID_CHARS]}"

    def _time(self, wall: float) -> str:
        """Where people watch, in the time of this machine; elsewhere in UTC, which has a Z."""
        now = datetime.fromtimestamp(wall, UTC)
        return f"{now.astimezone():%H:%M:%S}" if self.out.live else f"{now:%H:%M:%S}Z"

    def _at(self) -> str:
        return datetime.fromtimestamp(self.clock.wall(), UTC).isoformat(timespec="milliseconds")


def offset(now: datetime | None = None) -> str:
    """The offset of this machine's time: ``UTC+02:00``."""
    here = (now or datetime.now(UTC)).astimezone().utcoffset()
    minutes = round(here.total_seconds() / _MINUTE) if here else 0
    hours, rest = divmod(abs(minutes), _MINUTE)
    return f"UTC{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"


def why_of(outcome: str, reason: str, error: ErrorEvent | None) -> Why | None:
    """Why a call failed, or what failed in one that did not; None where nothing did."""
    if reason in (STOPPED, "stopped"):
        return Why("CALL_STATE", _CUT, _PATIENCE)
    if error is not None:
        return Why(error.code, error.message, error.fix or "see its record: patter calls show")
    if reason.startswith("no media"):
        return Why("CONNECTION", f"the carrier opened no media stream: {reason}", _UNREACHED)
    if outcome == "failed":
        return Why("CONNECTION", reason or "the call had no media", _UNREACHED)
    return None


def summary_of(metrics: CallMetrics | None) -> dict[str, Any]:
    """The figures of a call that a line has; none without *metrics*."""
    if metrics is None:
        return {}
    return {
        "outcome": metrics.outcome,
        "reason": metrics.reason,
        "duration_ms": round(metrics.duration_seconds * 1_000),
        "turns": metrics.turn_count,
        "gap_p50_ms": metrics.gap_p50_ms,
        "gap_p95_ms": metrics.gap_p95_ms,
        "heard_ms": metrics.heard_ms,
        "unheard_ms": metrics.unheard_ms,
        "cost_usd": metrics.cost.total,
        "costs": metrics.cost.to_dict(),
    }


def figures(outcome: str, duration_s: float, summary: dict[str, Any]) -> str:
    """How a call went: ``completed 51 s  6 turns  latency p50 780 p95 1120  $0.021``."""
    turns = summary.get("turns", 0)
    parts = [f"{outcome} {duration_s:.0f} s", f"{turns} turn{'s'[: turns != 1]}"]
    if summary.get("gap_p50_ms") is not None:
        low, high = summary["gap_p50_ms"], summary["gap_p95_ms"]
        parts.append(f"latency p50 {low} p95 {high}")
    usd = summary.get("cost_usd")
    parts.append("cost unknown" if usd is None else f"${usd:.3f}")
    return "  ".join(parts)
