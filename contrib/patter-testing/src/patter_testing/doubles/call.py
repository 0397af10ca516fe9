"""One call at a double: who has it, over which streams it went, what the far end can do.

What the far end does is translated by the vendor's `Operator` into webhooks and frames; what
became of the call is kept here, so that tests of every carrier can ask the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

import attrs

from patter.errors import PatterTimeoutError
from patter.providers.carrier import Answerer, CallOutcome
from patter.providers.context import Direction
from patter_testing.doubles.stream import Stream
from patter_testing.fakes.carrier import FakeLeg

PATIENCE_S = 15.0


class CallerLocation(StrEnum):
    """Who has the caller; exactly one at a time."""

    RINGING = "ringing"
    AGENT = "agent"
    HOLD = "hold"
    HUMAN = "human"
    ENDED = "ended"


class Operator(Protocol):
    """A vendor's part in what the far end of *call* does."""

    async def answered(self, call: DoubleCall, by: Answerer, greeting_ms: float) -> None:
        """The callee took the call; a machine's greeting ends after *greeting_ms*."""
        ...

    async def refused(self, call: DoubleCall, outcome: CallOutcome) -> None:
        """The callee did not take it: busy, no answer, failed or canceled."""
        ...

    async def hung_up(self, call: DoubleCall) -> None:
        """The far end ended the call."""
        ...


@attrs.define(eq=False, kw_only=True)
class DoubleCall:
    """A call as its carrier sees it.

    *caller* rang *callee*; *direction* is the server's view. *parent* is the call whose caller
    is being transferred when this is the leg to the human. *recorded* counts recordings asked
    for; *recording_pauses* has True and False for each pause of them and each end of one.
    *digits* are keys the agent pressed through the API or the socket.
    """

    call_id: str
    caller: str
    callee: str
    direction: Direction
    operator: Operator = attrs.field(repr=False)
    parent: DoubleCall | None = attrs.field(default=None, repr=False)
    status: str = ""
    digits: str = ""
    recorded: int = 0
    recording_pauses: list[bool] = attrs.field(factory=list, init=False)
    answered_by: Answerer | None = None
    streams: list[Stream] = attrs.field(factory=list, init=False, repr=False)
    journey: list[CallerLocation] = attrs.field(
        factory=lambda: [CallerLocation.RINGING], init=False
    )
    humans: list[DoubleCall] = attrs.field(factory=list, init=False, repr=False)
    spoken: list[str] = attrs.field(factory=list, init=False)
    _changed: asyncio.Event = attrs.field(factory=asyncio.Event, init=False, repr=False)

    @property
    def where(self) -> CallerLocation:
        """Who has the caller now."""
        return self.journey[-1]

    @property
    def over(self) -> bool:
        """Has it ended?"""
        return self.where is CallerLocation.ENDED

    @property
    def leg(self) -> FakeLeg:
        """The far end of the newest stream. Raises PatterTimeoutError before the first."""
        if not self.streams:
            raise PatterTimeoutError(f"{self.call_id} has no media yet", fix="await call.up()")
        return self.streams[-1].leg

    def goes(self, where: CallerLocation) -> None:
        """The caller is with *where* from now on; nothing comes after the end."""
        if not self.over and where is not self.where:
            self.journey.append(where)
        self.note()

    def pauses(self, paused: bool) -> None:
        """The carrier's recording is paused from now on, or goes on."""
        before = self.recording_pauses[-1] if self.recording_pauses else False
        if paused is not before:
            self.recording_pauses.append(paused)
        self.note()

    def streaming(self, stream: Stream) -> None:
        """A new stream carries the call."""
        self.streams.append(stream)
        self.goes(CallerLocation.AGENT)

    def note(self) -> None:
        """Something changed: whoever waits looks again."""
        self._changed.set()
        self._changed = asyncio.Event()

    # --- what the far end does

    async def answers(self, by: Answerer = Answerer.HUMAN, greeting_ms: float = 400) -> None:
        """Take the call; a machine greets for *greeting_ms*, then beeps."""
        self.answered_by = by
        await self.operator.answered(self, by, greeting_ms)

    async def refuses(self, outcome: CallOutcome = CallOutcome.BUSY) -> None:
        """Do not take it."""
        await self.operator.refused(self, outcome)

    async def hangs_up(self) -> None:
        """The far end hangs up."""
        await self.operator.hung_up(self)

    def drops(self) -> None:
        """Lose the media socket; the call goes on."""
        self.leg.drop()

    # --- what may be waited for

    async def up(self, stream: int = 1) -> FakeLeg:
        """Wait until the *stream*-th media stream is open; its far end."""
        await self._until(lambda: len(self.streams) >= stream, f"has {stream} media streams")
        chosen = self.streams[stream - 1]
        async with asyncio.timeout(PATIENCE_S):
            await chosen.open.wait()
        return chosen.leg

    async def is_with(self, where: CallerLocation) -> None:
        """Wait until the caller is with *where*."""
        await self._until(lambda: self.where is where, f"is with {where}")

    async def human(self, number: int = 1) -> DoubleCall:
        """Wait until a *number*-th human is rung; the call to them."""
        await self._until(lambda: len(self.humans) >= number, f"rings {number} humans")
        return self.humans[number - 1]

    async def _until(self, happened: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not happened():
                    await self._changed.wait()
        except TimeoutError as error:
            raise PatterTimeoutError(
                f"call {self.call_id} never {what}; it went {' > '.join(self.journey)}",
                fix="look at the webhooks the double sent, and their answers",
            ) from error
