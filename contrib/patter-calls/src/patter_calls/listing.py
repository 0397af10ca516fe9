"""``patter calls list``: the calls that fit, the newest first, a line each."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs

from patter.cli.amounts import milliseconds
from patter.cli.board import offset
from patter.cli.exits import OK
from patter.cli.out import columns
from patter.clock import LoopClock
from patter.errors import PatterError
from patter.observe.documents import moment
from patter.observe.events import Row, ToolRun, Turn
from patter.observe.redact import Redactor
from patter.observe.root_secret import redactor_for
from patter.observe.stored_calls import StoredCall, calls_in
from patter_calls.painted import SPARKS, gaps_of, paints, show_list
from patter_calls.stored import short_ids

HEAD = ("ID", "WHEN", "DIR", "NUMBER", "OUTCOME", "DUR", "TURNS", "P95", "COST")
_DIRECTIONS = {"inbound": "in", "outbound": "out"}
_HIDDEN = re.compile(r"\*\*\*|hmac:")


@attrs.frozen(kw_only=True)
class Wanted:
    """Which calls are asked for; what is empty or None asks nothing."""

    since: str = ""
    outcome: str = ""
    over_ms: float | None = None
    tool: str = ""
    words: str = ""

    @classmethod
    def of(cls, args: argparse.Namespace, now: float) -> Wanted:
        """What the command line asks for at *now*, in seconds since 1970. Raises InputError."""
        since = moment(now - milliseconds(args.since) / 1_000) if args.since else ""
        over_ms = milliseconds(args.over) if args.over else None
        words = args.said.casefold()
        return cls(since=since, outcome=args.outcome, over_ms=over_ms, tool=args.tool, words=words)

    def fits(self, call: StoredCall) -> bool:
        """Is *call* one of them? One that was erased fits none that asks for what is gone."""
        if self.outcome and outcome_of(call) != self.outcome:
            return False
        if not (self.tool or self.words or self.over_ms is not None):
            return True
        try:
            events = call.events()
        except (OSError, PatterError):
            return False
        runs = {event.name for event in events if isinstance(event, ToolRun)}
        gaps = [event.gap_ms or 0 for event in events if isinstance(event, Turn)]
        words = " ".join(event.text for event in events if isinstance(event, Row)).casefold()
        slow = self.over_ms is None or max(gaps, default=0) > self.over_ms
        return slow and self.words in words and (not self.tool or self.tool in runs)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the action's arguments."""
    parser.add_argument("--since", default="", metavar="1d", help="begun no longer ago")
    parser.add_argument("--outcome", default="", metavar="O", help="completed, failed, busy, ...")
    parser.add_argument("--over", default="", metavar="1500ms", help="an answer came later")
    parser.add_argument("--tool", default="", metavar="T", help="this tool was run")
    parser.add_argument("--said", default="", metavar="TEXT", help="somebody said this")


def run(args: argparse.Namespace, root: Path) -> int:
    """Print the calls that fit."""
    wanted, redactor = Wanted.of(args, LoopClock().wall()), redactor_for(root)
    calls, ids = [], []
    for call in calls_in(root):
        ids.append(call.call_id)
        if call.started_at >= wanted.since and wanted.fits(call):
            calls.append(call)
    names = short_ids(ids)
    rows = [cells(call, names[call.call_id], redactor, local=args.out.live) for call in calls]
    head = ("ID", f"WHEN ({offset()})" if args.out.live else "WHEN", *HEAD[2:])
    if paints(args.out) and calls:
        show_list(args.out, head, rows, [latencies(call) for call in calls[:SPARKS]])
        return OK
    text = "\n".join(columns([head, *rows])) if calls else "no calls"
    args.out.answer(text, {"calls": [value_of(call, redactor) for call in calls]})
    return OK


def latencies(call: StoredCall) -> Sequence[int]:
    """The response latency of each turn of *call*; none of one that cannot be read."""
    try:
        return () if call.erased else gaps_of(call.events())
    except (OSError, PatterError):
        return ()


def outcome_of(call: StoredCall) -> str:
    """How the call ended: ``live`` when it has not, ``erased`` when nothing of it is left."""
    if call.erased:
        return "erased"
    return str(call.metadata.get("outcome") or ("live" if call.live else "unknown"))


def cells(call: StoredCall, name: str, redactor: Redactor, *, local: bool) -> Sequence[str]:
    """The line of *call*, called *name*; with *local*, in the time of this machine."""
    data = call.metadata
    when, outcome = _when(call.started_at, local=local), outcome_of(call)
    if call.erased:
        return name, when, "", "", outcome, "", "", "", ""
    latency, cost = data.get("latency") or {}, data.get("cost") or {}
    direction = _DIRECTIONS.get(str(data.get("direction")), "")
    lasted = _written(data.get("duration_ms"), lambda ms: f"{ms // 60_000}:{ms // 1_000 % 60:02}")
    slow = f"{latency['p95_ms']:.0f}" if latency.get("p95_ms") else ""
    usd = _written(cost.get("total"), lambda total: f"${total:.3f}")
    turns = str(data.get("turns", ""))
    return name, when, direction, number_of(call, redactor), outcome, lasted, turns, slow, usd


def number_of(call: StoredCall, redactor: Redactor) -> str:
    """Who was at the other end, as the log would keep it."""
    outbound = call.metadata.get("direction") == "outbound"
    return hidden(str(call.metadata.get("callee" if outbound else "caller") or ""), redactor)


def hidden(number: str, redactor: Redactor) -> str:
    """*number* as the log would keep it; one that is hidden already stays as it is."""
    return number if _HIDDEN.match(number) else redactor.number(number)


def value_of(call: StoredCall, redactor: Redactor) -> dict[str, Any]:
    """*call* with ``--json``: its metadata, numbers as the log would keep them."""
    data = {"id": call.call_id, "outcome": outcome_of(call), "erased": call.erased}
    parties = {
        who: hidden(str(call.metadata.get(who) or ""), redactor) for who in ("caller", "callee")
    }
    return {**call.metadata, **data, **({} if call.erased else parties)}


def _written(value: Any, write: Callable[[Any], str]) -> str:
    return "unknown" if value is None else write(value)


def _when(started_at: str, *, local: bool) -> str:
    """On a terminal as people say it, elsewhere in UTC."""
    try:
        when = datetime.fromisoformat(started_at)
    except ValueError:
        return "unknown"
    if not local:
        return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
    when = when.astimezone()
    days = (datetime.now(when.tzinfo).date() - when.date()).days
    day = {0: "today", 1: "yesterday"}.get(days, when.strftime("%d %b %Y"))
    return f"{day} {when:%H:%M}"
