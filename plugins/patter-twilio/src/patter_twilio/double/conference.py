"""Conferences: who waits, when it begins, and whose leaving ends it for all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attrs

from patter_testing.doubles.call import CallerLocation
from patter_twilio.double.line import Line


@attrs.define(eq=False)
class Room:
    """A conference. *on_start* is called once, when two are there and one may begin it."""

    sid: str
    name: str
    callback: str = ""
    on_start: Callable[[Room, Line], None] | None = None
    started: bool = attrs.field(default=False, init=False)
    members: dict[Line, asyncio.Event] = attrs.field(factory=dict, init=False)
    _enders: set[Line] = attrs.field(factory=set, init=False)
    _may_start: bool = attrs.field(default=False, init=False)

    def enter(self, line: Line, *, starts: bool, ends: bool) -> asyncio.Event:
        """*line* joins; the event is set when it is over for them."""
        out = self.members[line] = asyncio.Event()
        self._may_start |= starts
        if ends:
            self._enders.add(line)
        line.call.goes(CallerLocation.HUMAN if self.started else CallerLocation.HOLD)
        if not self.started and self._may_start and len(self.members) > 1:
            self._start(line)
        return out

    def leave(self, line: Line) -> None:
        """*line* is out; twice is fine."""
        if (out := self.members.pop(line, None)) is None:
            return
        out.set()
        if line in self._enders:
            for other in tuple(self.members):
                self.leave(other)

    def _start(self, line: Line) -> None:
        self.started = True
        for member in self.members:
            member.call.goes(CallerLocation.HUMAN)
        if self.on_start is not None:
            self.on_start(self, line)
