"""Fills a store in memory with the calls of a phone that keeps no records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from patter.observe.documents import metadata, moment, transcript
from patter.observe.events import BargeIn, CallEvent, Ended, ErrorEvent, Row, Started, Turn
from patter_dashboard.documented import record_of
from patter_dashboard.store import CallsStore

EVENTS = 5_000
"""Events of one call that are kept until it is over."""
_ROLES = {"caller": "user", "agent": "assistant"}


@attrs.define(eq=False)
class StoreFeed:
    """What one call tells *store*; its figures are made of its events when it is over."""

    store: CallsStore
    _events: list[CallEvent] = attrs.field(factory=list, init=False)
    _wall: float = attrs.field(default=0.0, init=False)

    def listeners(self) -> Mapping[type | str, Callable[..., object]]:
        """What hears of it."""
        kinds: tuple[type, ...] = (Started, Row, Turn, BargeIn, ErrorEvent, Ended)
        return dict.fromkeys(kinds, self.take)

    def take(self, event: CallEvent) -> None:
        """Take *event* of the call."""
        if len(self._events) < EVENTS or isinstance(event, Ended):
            self._events.append(event)
        match event:
            case Started():
                self._wall = event.wall
                self.store.record_call_start(self._about(event))
            case Row(role="caller" | "agent") if event.text:
                line = {"role": _ROLES[event.role], "text": event.text, "turnIndex": event.turn}
                timestamp = self._wall + event.at_ms / 1_000
                row = {"call_id": event.call, **line, "timestamp": timestamp}
                self.store.record_transcript_line(row)
            case Ended():
                self._end(event)

    def _end(self, ended: Ended) -> None:
        for turn in (turns := transcript(self._events)):
            self.store.record_turn({"call_id": ended.call, "turn": turn})
        record = record_of(metadata(self._events), turns)
        about = {name: record[name] for name in ("call_id", "status", "ended_at")}
        self.store.record_call_end(about, record["metrics"])

    def _about(self, started: Started) -> dict[str, Any]:
        return {
            "call_id": started.call,
            "caller": started.caller,
            "callee": started.callee,
            "direction": started.direction,
            "started_at": moment(started.wall),
        }


def fed(
    listeners: Mapping[type | str, Callable[..., object]], store: CallsStore
) -> dict[type | str, Callable[..., object]]:
    """*listeners* of a call, and those that fill *store*."""
    more = StoreFeed(store).listeners()
    kinds = {*listeners, *more}
    return {kind: _both(listeners.get(kind), more.get(kind)) for kind in kinds}


def _both(
    one: Callable[..., object] | None, other: Callable[..., object] | None
) -> Callable[..., object]:
    def both(event: CallEvent) -> None:
        for each in (one, other):
            if each is not None:
                each(event)

    return both
