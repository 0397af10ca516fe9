"""The events of calls as log records: figures and names, never words, keys or arguments.

What may be in a log line is listed here, field by field; a new field is not until it is added.
Words are in the record of the call, which nobody ships to a log server by mistake.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, ClassVar

import attrs

from patter.log_lines import EVENTS_LOGGER, log_format
from patter.observe.call_events import Listener
from patter.observe.call_log import CallLog
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
from patter.observe.root_secret import redactor_for
from patter.safe_text import safe

FIELDS: Mapping[type[CallEvent], tuple[str, ...]] = {
    Started: (
        *("caller", "callee", "direction", "carrier", "carrier_call_id"),
        *("agent", "language", "providers", "audio"),
    ),
    Row: (
        *("role", "turn", "amends", "epoch", "kind", "began_ms", "ended_ms"),
        *("heard_ms", "unheard_ms", "interrupted"),
    ),
    Turn: ("turn", "epoch", "gap_ms", "stages"),
    Span: ("stage", "name", "began_ms", "ended_ms", "turn", "epoch", "ok", "retries"),
    ToolRun: ("name", "effect", "what", "ok", "took_ms", "turn"),
    BargeIn: ("epoch", "voice_ms", "evidence_ms", "cut_ms", "heard_ms", "error_ms"),
    Resumed: ("epoch", "held_ms"),
    Wire: ("what", "name", "hidden", "count"),
    Link: ("provider", "kind", "what", "gap_ms", "replayed_ms", "text"),
    Usage: ("kind", "provider", "model", "unit", "amount", "usd"),
    Note: ("what", "context_tokens"),
    ErrorEvent: ("code", "message", "fix", "where"),
    Ended: (
        *("outcome", "reason", "duration_ms", "turns", "gap_p50_ms", "gap_p95_ms"),
        *("heard_ms", "unheard_ms", "cost_usd", "costs", "unpriced"),
    ),
}
"""What of each event is logged. Events of other types are not."""
_PARTIES = frozenset({"caller", "callee"})
CALLS = 10_000
"""Calls whose numbers are remembered, so that they are redacted in later events, too."""
log = logging.getLogger(EVENTS_LOGGER)


def event_listeners(records: CallLog | None) -> tuple[Listener, ...]:
    """An `EventLog` if events are to be logged, with numbers as in *records*.

    They are with ``PATTER_LOG_FORMAT=json``, or once the logger ``patter.events`` has a level.
    Raises PatterConfigError.
    """
    if log_format() == "json" and log.level == logging.NOTSET:
        log.setLevel(logging.INFO)
    is_on = log.level != logging.NOTSET and log.isEnabledFor(logging.INFO)
    if not is_on:
        return ()
    return (EventLog(redactor_for(None) if records is None else records.redactor),)


@attrs.define(eq=False, repr=False)
class EventLog:
    """A listener of any number of calls that logs each event; numbers as *redactor* writes them."""

    event_types: ClassVar = tuple(FIELDS)

    redactor: Redactor = attrs.field(factory=Redactor)
    _numbers: dict[str, tuple[str, ...]] = attrs.field(factory=dict, init=False)

    def __call__(self, event: CallEvent) -> None:
        """Log *event*."""
        if isinstance(event, Started):
            self._remember(event)
        fields = self._fields(event)
        kind = str(event.__struct_config__.tag)
        line = {"call": event.call, "event": kind, "seq": event.seq, "at_ms": event.at_ms, **fields}
        log.info("call %s: %s %s", event.call, kind, fields, extra={"patter_event": line})
        if isinstance(event, Ended):
            self._numbers.pop(event.call, None)

    def _fields(self, event: CallEvent) -> dict[str, Any]:
        numbers = self._numbers.get(event.call, ())
        values = ((name, getattr(event, name)) for name in FIELDS[type(event)])
        return {
            name: self._shown(name, value, numbers)
            for name, value in values
            if value is not None and value not in ("", {}, ())
        }

    def _shown(self, name: str, value: Any, numbers: tuple[str, ...]) -> Any:
        if not isinstance(value, str):
            return dict(value) if isinstance(value, Mapping) else value
        if name in _PARTIES:
            return safe(self.redactor.number(value))
        return safe(self.redactor.text(value, numbers))

    def _remember(self, event: Started) -> None:
        parties = (event.caller, event.callee)
        # A caller named "turn" must not cost every line that word.
        self._numbers[event.call] = tuple(
            name for name in parties if sum(map(str.isdigit, name)) > 5
        )
        while len(self._numbers) > CALLS:
            del self._numbers[next(iter(self._numbers))]
