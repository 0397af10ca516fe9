"""Time that goes faster: a session waits for seconds, and its test for milliseconds."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from patter.clock import Clock, LoopClock, Timer
from patter.providers.context import CallContext


@attrs.frozen
class FastClock:
    """The clock of the loop, *times* as fast: sockets are real, and waits are short."""

    times: float = 40.0
    real: Clock = attrs.field(factory=LoopClock)

    def ms(self) -> float:
        """Now, in milliseconds of this clock."""
        return self.real.ms() * self.times

    def wall(self) -> float:
        """The time of day, which goes on as usual."""
        return self.real.wall()

    def at(self, ms: float, callback: Callable[[], object]) -> Timer:
        """Call *callback* when this clock shows *ms*."""
        return self.real.at(ms / self.times, callback)

    async def sleep(self, ms: float) -> None:
        """Wait for *ms* of this clock."""
        await self.real.sleep(ms / self.times)


def fast(times: float = 40.0) -> CallContext:
    """A call whose time is *times* as fast."""
    return CallContext(call_id="fast", clock=FastClock(times))
