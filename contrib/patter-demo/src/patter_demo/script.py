"""The caller's part: interrupts the greeting, asks, books a table, says goodbye.

The caller acts on what comes out of the loudspeaker and on nothing else, in real time; one
who waits in vain says so and hangs up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attrs

from patter.audio.g711 import pcm16_to_mulaw
from patter.errors import PatterConnectionError
from patter_demo.ears import FRAME_MS, Ears
from patter_demo.record import LINES, recording
from patter_softphone import SoftphoneCall

GREETED_MS = 1_900
"""How much of the greeting the caller lets pass before talking over it."""
ANSWER_MS = 300
"""Less sound than this is no answer."""
QUIET_MS = 700
"""After so much silence the agent has finished."""
PATIENCE_S = 10.0
LAST = "goodbye"


@attrs.frozen
class Spoken:
    """A line the caller said; *began_ms* and *ended_ms* are where in the caller's own audio."""

    name: str
    text: str
    began_ms: int
    ended_ms: int


@attrs.define(eq=False)
class Caller:
    """One caller on *call*; *spoken* grows, *gave_up* says what was waited for in vain."""

    call: SoftphoneCall
    patience_s: float = PATIENCE_S
    spoken: list[Spoken] = attrs.field(factory=list, init=False)
    gave_up: str = attrs.field(default="", init=False)
    _ears: Ears = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._ears = Ears(self.call.heard)

    async def converse(self) -> None:
        """Go through the whole call, until the agent hangs up or patience ends."""
        try:
            await self._wait("a greeting", lambda: self._ears.has_heard(GREETED_MS))
            await self._ask("hours")
            await self._ask("book")
            await self._speak(LAST)
            async with asyncio.timeout(self.patience_s):
                await self.call.ended()
        except TimeoutError:
            self.gave_up = self.gave_up or "the agent did not hang up"
        except PatterConnectionError:
            self.gave_up = "the call ended too early"

    async def _ask(self, name: str) -> None:
        """Say the line *name* and hear the answer out."""
        await self._speak(name)
        self._ears.forget()
        wanted = f"an answer to {LINES[name]!r}"
        await self._wait(wanted, lambda: self._ears.has_heard_out(ANSWER_MS, QUIET_MS))

    async def _speak(self, name: str) -> None:
        began_ms = _length_ms(self.call.sent_audio)
        await self.call.say(pcm16_to_mulaw(recording(name)))
        self.spoken.append(Spoken(name, LINES[name], began_ms, _length_ms(self.call.sent_audio)))

    async def _wait(self, wanted: str, condition: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(self.patience_s):
                await self.call.when(condition)
        except TimeoutError:
            self.gave_up = f"the caller waited {self.patience_s:g} s for {wanted}"
            raise


def _length_ms(audio: bytearray) -> int:
    return len(audio) // 160 * FRAME_MS
