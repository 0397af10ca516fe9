"""What the tests of both kinds share: a call, and what is heard and said on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attrs

from patter.audio.formats import MULAW_8K
from patter_testing.doubles.vendor_sound import sounded

VOICE = sounded("any words", MULAW_8K)


@attrs.define
class LeapingClock:
    """The loop's clock, *ahead_ms* ahead."""

    ahead_ms: float = 0.0

    def ms(self) -> float:
        return asyncio.get_running_loop().time() * 1_000 + self.ahead_ms

    def wall(self) -> float:
        return 0.0

    def at(self, ms: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_at((ms - self.ahead_ms) / 1_000, callback)

    async def sleep(self, ms: float) -> None:
        await asyncio.sleep(ms / 1_000)
