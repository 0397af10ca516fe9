"""Conferences: who waits, when it begins, and whose leaving ends it for all."""

from __future__ import annotations

import asyncio

import attrs

from patter_plivo.double.line import Line
from patter_testing.doubles.call import CallerLocation


@attrs.define(eq=False)
class Room:
    """A conference. It begins when somebody enters who may begin it."""

    uuid: str
    name: str
    started: bool = attrs.field(default=False, init=False)
    members: dict[Line, asyncio.Event] = attrs.field(factory=dict, init=False)
    _enders: set[Line] = attrs.field(factory=set, init=False)

    def enter(self, line: Line, *, starts: bool, ends: bool) -> asyncio.Event:
        """*line* joins; the event is set when it is over for them."""
        out = self.members[line] = asyncio.Event()
        if ends:
            self._enders.add(line)
        self.started |= starts
        for member in self.members:
            talks = self.started and len(self.members) > 1
            member.call.goes(CallerLocation.HUMAN if talks else CallerLocation.HOLD)
        return out

    def leave(self, line: Line) -> None:
        """*line* is gone; so is everybody, when that ends it."""
        if (out := self.members.pop(line, None)) is None:
            return
        out.set()
        if line in self._enders:
            for other in tuple(self.members.values()):
                other.set()
            self.members.clear()
