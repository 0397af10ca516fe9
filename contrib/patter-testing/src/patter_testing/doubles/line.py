"""How a call inside a double stands, and the one thing it does: the same for every vendor.

The words for it are the vendor's: a subclass says which status is an answered call, and which
are the end of one.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine
from typing import Any, ClassVar

import attrs

from patter.clock import Clock
from patter_testing.doubles.call import DoubleCall


@attrs.define(eq=False, kw_only=True)
class DoubleLine:
    """A call with its status. *decided* is set once it was answered or is over, *gone* once over.

    *up*: the status of a call that was answered; *ends*: those of one that is over.
    """

    up: ClassVar[str] = "in-progress"
    ends: ClassVar[frozenset[str]] = frozenset({"completed"})

    call: DoubleCall
    clock: Clock = attrs.field(repr=False)
    decided: asyncio.Event = attrs.field(factory=asyncio.Event, init=False, repr=False)
    gone: asyncio.Event = attrs.field(factory=asyncio.Event, init=False, repr=False)
    answered_ms: float | None = attrs.field(default=None, init=False)
    ended_ms: float = attrs.field(default=0.0, init=False)
    _order: int = attrs.field(default=0, init=False, repr=False)
    _program: asyncio.Task[Any] | None = attrs.field(default=None, init=False, repr=False)

    @property
    def status(self) -> str:
        """How it stands, in the vendor's word."""
        return self.call.status

    @property
    def over(self) -> bool:
        """Has it ended?"""
        return self.status in self.ends

    @property
    def live(self) -> bool:
        """Is it answered and not over?"""
        return self.status == self.up

    @property
    def seconds(self) -> int:
        """How long it was answered, begun ones included."""
        if self.answered_ms is None:
            return 0
        until = self.ended_ms if self.over else self.clock.ms()
        return math.ceil((until - self.answered_ms) / 1_000)

    @property
    def minutes(self) -> int:
        """How long it was answered, begun ones included: what vendors charge."""
        return math.ceil(self.seconds / 60)

    def becomes(self, status: str) -> None:
        """Change the status; what is over stays so."""
        if self.over:
            return
        self.call.status = status
        if self.live:
            self.answered_ms = self.clock.ms()
            self.decided.set()
        if self.over:
            self.ended_ms = self.clock.ms()
            self.decided.set()
            self.gone.set()
        self.call.note()

    def only(self, work: Coroutine[Any, Any, object]) -> Coroutine[Any, Any, object]:
        """*work* as the only thing this call does; what it did before is cancelled."""
        self.halt()
        return self._run(work, self._order)

    def halt(self) -> None:
        """Do nothing more; work that ends its own call goes on to its end."""
        self._order += 1
        program, self._program = self._program, None
        if program is not None and program is not asyncio.current_task():
            program.cancel()

    async def _run(self, work: Coroutine[Any, Any, object], order: int) -> None:
        if order != self._order:
            work.close()
            return
        self._program = asyncio.current_task()
        await work
